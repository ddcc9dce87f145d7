"""Bad inputs and odd ones, made by code: what is refused, with the sentence, and what is converted.

Every module holds one group. `tests/corpus` runs all cases, and makes `docs/inputs.md` of them.
"""
