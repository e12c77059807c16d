"""Attachments: figures, images, tables, texts and files of a run, written under ``artifacts/`` when they are logged."""

from __future__ import annotations

import re
import shutil
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tipi_core.records.encoding import encode


def safe_name(key: str) -> str:
    """Return a key as a file's name.

    Example:
        >>> safe_name("val/confusion matrix")
        'val-confusion-matrix'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", key).strip("-.")[:80] or "unnamed"


def write_figure(stem: Path, figure: Any) -> Path:
    """Save a figure of matplotlib as PNG, one of plotly as a page, or what draws itself for notebooks as SVG.

    Raises:
        TypeError: It is none of these.
    """
    if callable(getattr(figure, "savefig", None)):
        path = stem.with_name(f"{stem.name}.png")
        figure.savefig(path)
        return path
    if callable(getattr(figure, "write_html", None)):
        path = stem.with_name(f"{stem.name}.html")
        figure.write_html(str(path))
        return path
    if callable(getattr(figure, "_repr_svg_", None)):
        path = stem.with_name(f"{stem.name}.svg")
        path.write_text(figure._repr_svg_(), encoding="utf-8")
        return path
    raise TypeError(f"a {type(figure).__name__} is no figure: it has no savefig, write_html or _repr_svg_")


def write_image(stem: Path, image: Any) -> Path:
    """Save an image: a file, an image of Pillow, or an array or tensor of height x width (x 1, 3 or 4 channels).

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(image, str | Path):
        return _copy(Path(image), stem)
    path = stem.with_name(f"{stem.name}.png")
    if callable(getattr(image, "save", None)):
        image.save(path)
    else:
        path.write_bytes(encode_png(_pixels(image)))
    return path


def write_table(stem: Path, rows: Any, columns: Sequence[str] | None = None) -> Path:
    """Save a table as JSON with ``columns`` and ``data``: rows as mappings or lists, or a data frame.

    Raises:
        TypeError: It is none of these.
    """
    if callable(getattr(rows, "to_dict", None)) and hasattr(rows, "columns"):
        rows, columns = rows.to_dict("records"), [str(column) for column in rows.columns]
    listed = list(rows)
    if columns is None and listed and isinstance(listed[0], Mapping):
        columns = list(dict.fromkeys(str(key) for row in listed for key in row))
    if columns is None:
        raise TypeError("rows that are no mappings need columns=[...]")
    data = [[row.get(name) for name in columns] if isinstance(row, Mapping) else list(row) for row in listed]
    path = stem.with_name(f"{stem.name}.json")
    path.write_bytes(encode({"columns": list(columns), "data": data}) + b"\n")
    return path


def write_text(stem: Path, text: str) -> Path:
    """Save a text."""
    path = stem.with_name(f"{stem.name}.txt")
    path.write_text(str(text), encoding="utf-8", errors="backslashreplace")
    return path


def copy_artifact(stem: Path, source: Path) -> Path:
    """Copy a file or a folder.

    Raises:
        FileNotFoundError: There is none.
    """
    if source.is_dir():
        return Path(shutil.copytree(source, stem, dirs_exist_ok=True))
    return _copy(source, stem)


def encode_png(rows: Sequence[Sequence[Sequence[int]]]) -> bytes:
    r"""Return pixels, rows of lists of 1, 3 or 4 channel values from 0 to 255, as a PNG file.

    Example:
        >>> encode_png([[[255, 0, 0]]])[:8]
        b'\x89PNG\r\n\x1a\n'
    """
    height, width, channels = len(rows), len(rows[0]), len(rows[0][0])
    raw = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _copy(source: Path, stem: Path) -> Path:
    return Path(shutil.copyfile(source, stem.with_name(stem.name + source.suffix)))


def _pixels(image: Any) -> list[list[list[int]]]:
    """Return an array or tensor as rows of pixels; channels may come first; fractions count from 0 to 1."""
    image = image.detach().cpu() if callable(getattr(image, "detach", None)) else image
    if not callable(getattr(image, "tolist", None)):
        raise TypeError(f"a {type(image).__name__} is no image: give a file, a Pillow image, an array or a tensor")
    rows = image.tolist()
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], list):
        raise TypeError("an image has height and width")
    if not isinstance(rows[0][0], list):
        rows = [[[value] for value in row] for row in rows]
    elif len(rows) in (1, 3, 4) and len(rows[0][0]) not in (1, 3, 4):
        rows = [[list(pixel) for pixel in zip(*lines, strict=True)] for lines in zip(*rows, strict=True)]
    if len(rows[0][0]) not in (1, 3, 4):
        raise TypeError(f"an image has 1, 3 or 4 channels, not {len(rows[0][0])}")
    scale = 255 if "float" in str(image.dtype) else 1
    return [[_bytes(value * scale for value in pixel) for pixel in row] for row in rows]


def _bytes(values: Iterable[float]) -> list[int]:
    return [min(255, max(0, round(value))) for value in values]
