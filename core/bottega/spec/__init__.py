"""Graph files: read with the place of every value, checked as a whole, shown as a picture."""

from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec, Reference

__all__ = ["EdgeSpec", "GraphSpec", "NodeSpec", "Reference"]
