"""The toolbox: one tool a file."""
