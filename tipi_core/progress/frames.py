"""``progress_apply`` and its siblings for pandas."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from tipi_core.progress.meter import ProgressWarning


def register_frames(bar_class: Any, options: dict[str, Any]) -> None:
    """Give the classes of pandas methods that run with a bar of ``bar_class``.

    Args:
        bar_class: The class of bars to make.
        options: Their keywords.
    """
    from pandas.core.frame import DataFrame
    from pandas.core.groupby.generic import DataFrameGroupBy, SeriesGroupBy
    from pandas.core.groupby.groupby import GroupBy
    from pandas.core.series import Series
    from pandas.core.window.expanding import Expanding
    from pandas.core.window.rolling import Rolling

    table = {
        Series: ("apply", "map"),
        SeriesGroupBy: ("apply", "map"),
        DataFrame: ("apply", "applymap", "map"),
        DataFrameGroupBy: ("apply", "map"),
        GroupBy: ("apply", "aggregate", "transform"),
        Rolling: ("apply",),
        Expanding: ("apply",),
    }
    for kind, methods in table.items():
        for method in methods:
            setattr(kind, f"progress_{method}", _with_bar(method, bar_class, options))


def _with_bar(method: str, bar_class: Any, options: dict[str, Any]) -> Callable[..., Any]:
    def run(frame: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
        if args:
            message = f"progress_{method} takes the function and keywords; other positional arguments are ignored"
            warnings.warn(message, ProgressWarning, stacklevel=2)
        keywords = dict(options)
        total = keywords.pop("total", None) or _steps(frame, method, kwargs)
        bar = bar_class(total=total, **keywords)

        def step(*values: Any, **named: Any) -> Any:
            # pandas may call a function twice on the first group to choose a faster way
            bar.update(1 if not bar.total or bar.n < bar.total else 0)
            return func(*values, **named)

        with bar:
            return getattr(frame, method)(step, **kwargs)

    return run


def _steps(frame: Any, method: str, kwargs: dict[str, Any]) -> int | None:
    groups = getattr(frame, "ngroups", None)
    if groups is not None:
        return int(groups)
    if method == "applymap":
        return int(frame.size)
    shape = getattr(frame, "shape", None)
    if shape is None:
        return None
    if len(shape) == 1:
        return len(frame)
    axis = kwargs.get("axis", 0)
    axis = {"index": 0, "columns": 1}.get(axis, axis)
    return int(frame.size // shape[axis]) if shape[axis] else 0
