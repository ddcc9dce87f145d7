"""What exists for speed alone, each beside the plain code that it equals.

`--config fast=false` runs the plain code, to numbers that differ by rounding only: a step of ours
then takes 14 % longer at quarter width and 27 % at full width. Parts are measured by
`python -m tests.benchmarks.fast_parts`, in bfloat16 on one processor of the machine that made the
stored results. `optimisers` has no plain twin: its updates are the library's own to the bit.
"""
