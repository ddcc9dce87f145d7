"""The tests, and the benchmarks as `python -m tests.benchmarks.<name>`.

A package, because some installed packages bring a `tests` of their own, which would be found first.
"""
