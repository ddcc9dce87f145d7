"""Classifiers, the networks of judges, by name."""
