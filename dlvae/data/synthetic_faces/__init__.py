"""Synthetic faces: a deterministic renderer of parametric heads with known factors."""
