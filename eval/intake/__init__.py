"""Samples from elsewhere: checked, and brought to the number of images that is scored."""
