"""What a model does to a text without having been trained for it: sum up, classify, translate."""
