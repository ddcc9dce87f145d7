"""Data cards in Croissant 1.1 (JSON-LD) of prepared data sets."""
