"""Models: parts put together, with names."""
