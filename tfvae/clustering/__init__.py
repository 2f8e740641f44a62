"""Clusters of texts, known by their counts of words alone."""
