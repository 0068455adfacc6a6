"""The kinds of agents that most teams are made of, as LangGraph nodes."""
