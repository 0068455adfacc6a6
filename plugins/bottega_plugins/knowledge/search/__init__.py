"""What answers a query best: ranking over one snapshot of an index."""
