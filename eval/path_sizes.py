"""How many images paths and traversals have; apart, so that reports need no torch to know."""

from __future__ import annotations

COLUMNS = 8  # images along a path of z_s or z_u, or along a traversal of a coordinate
CLASSES = 16  # rows of every path; all classes where there are no more
