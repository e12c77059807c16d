"""Pipelines that come with tipi; ``tipi run NAME`` finds them in any folder."""
