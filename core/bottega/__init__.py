"""Bottega: a multi-agent framework on a plugin architecture."""
