"""LangChain's tools for Bottega's agents, and the other way round."""
