"""Corpora, the vocabulary and batches."""
