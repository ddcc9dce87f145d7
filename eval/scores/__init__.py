"""Families of scores, each a function of its name; `python -m eval.scores FAMILY`."""
