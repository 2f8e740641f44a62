"""Training: the run directory, the loop's callbacks, resuming."""
