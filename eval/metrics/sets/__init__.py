"""Metrics between a generated set and real sets, on features of the evaluator."""
