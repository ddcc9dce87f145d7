"""One module per figure of the paper; each draws a stored panel and computes nothing."""
