"""Plans: made by a model or without one, approved, carried out in parallel, watched, changed."""
