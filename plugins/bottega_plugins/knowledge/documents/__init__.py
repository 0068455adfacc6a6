"""Documents: from bytes to a parsed document to passages. Nothing here knows of an index."""
