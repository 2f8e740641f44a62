"""Losses beside the bound."""
