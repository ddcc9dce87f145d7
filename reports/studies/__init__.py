"""Studies of score rows: ablations, learning curves, noise of judges, the scale of Table 2."""
