"""Scores: the evaluator, the factor regressor, Inception Score, diversity, decoded panels."""
