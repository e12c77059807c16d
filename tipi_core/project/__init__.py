"""The user's project: its root and settings, its pipelines, the import of its own modules."""
