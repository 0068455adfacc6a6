"""The commands `bottega index` and `bottega ask`."""
