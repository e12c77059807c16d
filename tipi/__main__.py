"""``python -m tipi`` is the command ``tipi``."""

from __future__ import annotations

from tipi_core.cli import main

if __name__ == "__main__":
    main()
