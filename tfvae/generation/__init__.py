"""Sentences from z: graphs over a decoder's step."""
