"""Saved models made ready: what they encode, decode and sample."""
