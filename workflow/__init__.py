"""Rules in `rules/`, and in `plan/` what they ask, as plain Python."""
