"""The engine of tipi: knows no torch, no tracker and no terminal library.

Its rooms, low to high, are listed in ``docs/architecture.md``; a module imports only rooms below its own.
"""
