"""Names of pipelines, permanences, processes and runs: what may be one, on every system."""

from __future__ import annotations

import re

PATTERN = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
RULE = "names begin with a letter or digit and have up to 100 letters, digits, '.', '_', '-'"

# Windows takes a file of these names, with any ending, for a device, and drops a dot at the end.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?|.*\.", re.IGNORECASE)


def why_no_name(name: str) -> str | None:
    """Return the rule that a name breaks, or None.

    Example:
        >>> why_no_name("my_pipeline"), why_no_name("con.toml")
        (None, 'some systems reserve this name')
    """
    if not re.fullmatch(PATTERN, name):
        return RULE
    return "some systems reserve this name" if _RESERVED.fullmatch(name) else None
