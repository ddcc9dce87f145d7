"""Measures on plain arrays, and their intervals."""
