"""Baselines: one folder each, found by its name."""

# Those of the paper's tables, in the order of their rows.
IN_THE_PAPER = ("cvae", "cgan", "cvae_gan")
