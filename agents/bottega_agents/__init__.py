"""Agent kinds as LangGraph nodes, and the compiler from graph files to LangGraph graphs."""
