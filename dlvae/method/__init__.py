"""The method of the paper: networks, objectives, Algorithm 1, the learned prior."""
