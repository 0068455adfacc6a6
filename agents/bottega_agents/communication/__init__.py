"""How nodes reach each other outside of the edges: messages, a blackboard, handing a task over."""
