"""From a team to a LangGraph graph: its state, its edges, what its nodes find around them."""
