"""Panels: several answers to one task, and one that comes of them. Each kind is a file."""
