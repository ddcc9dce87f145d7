"""Families of scores: one module each, found by name; `python -m eval.scores FAMILY`."""
