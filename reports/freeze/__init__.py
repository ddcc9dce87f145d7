"""Stored results: frozen, checked, verified."""
