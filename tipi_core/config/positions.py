"""Positions: the line and column of every key in a TOML text that is known to be valid.

``tomllib`` keeps no positions, so this scanner walks the text once and only when an error has to name a place.
"""

from __future__ import annotations

import re
import tomllib

Path = tuple[str | int, ...]

_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\r\n]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")|\'\'\'.*?\'{3,5}(?!\')|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)


def locate(text: str) -> dict[Path, tuple[int, int]]:
    r"""Return line and column, both from 1, of each key's first mention; array elements count from 0.

    Args:
        text: A TOML document that ``tomllib`` accepts.

    Example:
        >>> locate('[a]\nb = {c = 1}\n')[("a", "b", "c")]
        (2, 6)
    """
    scanner = _Scanner(text)
    scanner.document()
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    places: dict[Path, tuple[int, int]] = {}
    line = 0
    for offset, path in sorted((offset, path) for path, offset in scanner.offsets.items()):
        while line + 1 < len(starts) and starts[line + 1] <= offset:
            line += 1
        places[path] = (line + 1, offset - starts[line] + 1)
    return places


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.offsets: dict[Path, int] = {}
        self.last_index: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        self.skip(_BLANK)
        while self.at < len(self.text):
            table = self.header() if self.text[self.at] == "[" else self.pair(table)
            self.skip(_BLANK)

    def skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at + 1
        return match.group() if match else ""

    def header(self) -> Path:
        array = self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        keys = self.keys()
        self.at += 2 if array else 1
        path = self.enter((), keys)
        if array:
            index = self.last_index.get(path, -1) + 1
            self.last_index[path] = index
            path = (*path, index)
            self.offsets.setdefault(path, keys[-1][1])
        return path

    def pair(self, table: Path) -> Path:
        """Read ``key = value``; return the table, unchanged, for the next pair."""
        path = self.enter(table, self.keys(), descend_last=True)
        self.at += 1  # the equals sign
        self.value(path)
        return table

    def keys(self) -> list[tuple[str, int]]:
        found = []
        while True:
            self.skip(_SPACE)
            start = self.at
            if self.text[start] in "\"'":
                found.append((tomllib.loads(f"k = {self.skip(_STRING)}")["k"], start))
            else:
                found.append((self.skip(_BARE_KEY), start))
            self.skip(_SPACE)
            if self.text[self.at] != ".":
                return found
            self.at += 1

    def enter(self, path: Path, keys: list[tuple[str, int]], descend_last: bool = False) -> Path:
        """Record each key on the way; a header inside an array of tables means its last element."""
        for position, (key, offset) in enumerate(keys):
            path = (*path, key)
            self.offsets.setdefault(path, offset)
            inner = position + 1 < len(keys) or descend_last
            if inner and path in self.last_index:
                path = (*path, self.last_index[path])
        return path

    def value(self, path: Path) -> None:
        self.skip(_SPACE)
        mark = self.text[self.at]
        if mark in "\"'":
            self.skip(_STRING)
        elif mark == "[":
            self.array(path)
        elif mark == "{":
            self.inline_table(path)
        else:
            self.skip(_SCALAR)

    def array(self, path: Path) -> None:
        self.at += 1
        index = 0
        self.skip(_BLANK)
        while self.text[self.at] != "]":
            self.offsets.setdefault((*path, index), self.at)
            self.value((*path, index))
            index += 1
            self.next_item()
        self.at += 1

    def inline_table(self, path: Path) -> None:
        self.at += 1
        self.skip(_BLANK)
        while self.text[self.at] != "}":
            self.pair(path)
            self.next_item()
        self.at += 1

    def next_item(self) -> None:
        self.skip(_BLANK)
        if self.text[self.at] == ",":
            self.at += 1
            self.skip(_BLANK)
