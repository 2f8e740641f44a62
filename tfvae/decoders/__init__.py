"""Distributions p(x|z) of an example."""
