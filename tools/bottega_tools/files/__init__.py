"""Tools for files, rooted in one folder that no path leads out of."""
