"""One candidate beside the stored results."""
