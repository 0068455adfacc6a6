"""Text embedders: what turns texts into vectors."""
