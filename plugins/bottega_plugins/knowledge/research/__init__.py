"""Agentic retrieval: formulate, search, judge, search again, answer with evidence or abstain."""

from bottega_plugins.knowledge.research.model import Limits, ResearchModel
from bottega_plugins.knowledge.research.offer import make_kind, make_model, research_model

__all__ = ["Limits", "ResearchModel", "make_kind", "make_model", "research_model"]
