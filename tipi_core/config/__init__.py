"""The configuration of a pipeline: TOML files, layers, overrides, and the frozen result."""
