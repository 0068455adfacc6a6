"""The plugins that come with Bottega: each folder is one, and none imports another."""
