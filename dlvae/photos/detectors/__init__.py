"""Detectors of faces: Viola-Jones cascades, or YuNet and the file of its weights."""
