"""Conditional variational auto-encoder."""
