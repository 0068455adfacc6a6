"""Where runs are kept: checkpoints, journals, and who is at work on what."""
