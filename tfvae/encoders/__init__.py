"""Networks from a batch of examples to features."""
