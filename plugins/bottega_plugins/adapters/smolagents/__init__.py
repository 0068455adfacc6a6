"""smolagents' tools for Bottega's agents, and the other way round."""
