"""Agentic retrieval: formulate, search, judge, search again, answer with evidence or abstain."""

from bottega_plugins.knowledge.research.model import Limits, ResearchModel

__all__ = ["Limits", "ResearchModel"]
