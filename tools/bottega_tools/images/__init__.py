"""Pictures as bytes: what can be told of them without drawing them."""
