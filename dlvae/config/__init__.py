"""The configuration: sections as pydantic models, presets, the table of keys in config/README.md.

The models are the one source of keys, defaults, ranges and meanings. A stage imports the sections
that it reads and no others, so that its fingerprint sees no key of another stage.
"""
