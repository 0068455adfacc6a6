"""Time travel: runs read back from their store, and forks of them."""
