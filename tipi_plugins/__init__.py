"""First-party plugins, reached only through the entry points of the distribution."""
