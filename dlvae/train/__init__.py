"""Training: the loop every model shares, resumable state, command line."""
