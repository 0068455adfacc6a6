"""Nodes that steer the work rather than do it: a person, a map over a list, a graph in a graph."""
