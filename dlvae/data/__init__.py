"""Data sets: sources, preparation, batches and masks."""
