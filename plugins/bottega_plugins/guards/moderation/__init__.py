"""Moderation: harmful requests and replies, told by a small classifier, a decider or a list."""
