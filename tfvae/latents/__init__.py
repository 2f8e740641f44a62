"""Latent distributions: the posterior q(z, c|x) and the prior p(z, c)."""
