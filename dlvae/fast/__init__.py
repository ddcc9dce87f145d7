"""What exists for speed alone, each beside the plain code that it equals.

`--config fast=false` runs the plain code: every module here is then left out, and numbers differ by
rounding only.
"""
