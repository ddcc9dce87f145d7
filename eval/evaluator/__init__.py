"""The classifier behind the Inception Score, trained on the real images of one data set."""
