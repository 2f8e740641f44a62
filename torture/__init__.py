"""Attempts to break tfvae on purpose, counted: kills, damaged files, requests, names that lead elsewhere, crowds, and hours of load."""
