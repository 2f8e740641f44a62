"""Figures of a trained model: what papers print, with their errors and how they were estimated."""
