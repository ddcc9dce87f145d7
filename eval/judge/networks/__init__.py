"""Networks of evaluators, by name."""
