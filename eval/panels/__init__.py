"""Panels: what the figures show. Codes are chosen and decoded here, and drawn elsewhere."""
