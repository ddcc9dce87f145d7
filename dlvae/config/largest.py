"""Largest numbers that a configuration may hold; beyond, machines overflow or wait for ever."""

MOST = 1_000_000_000
"""Of every number that has no other bound: said only where it is passed."""

MOST_THREADS = 1024
