"""Dicts whose keys are attributes too and whose changes are saved: ``logger.config`` and ``logger.summary``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


class Saved(dict[str, Any]):
    """A dict that passes on what is set in it; copies of it are plain dicts.

    Args:
        save: Called after each change with what was set.

    Example:
        >>> config = Saved(print)
        >>> config.lr = 0.1
        {'lr': 0.1}
        >>> config.update({"epochs": 3}, seed=0)
        {'epochs': 3, 'seed': 0}
        >>> config.lr, config["epochs"]
        (0.1, 3)
    """

    def __init__(self, save: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        object.__setattr__(self, "_save", save)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def update(self, values: Any = (), /, allow_val_change: bool | None = None, **more: Any) -> None:  # noqa: ARG002
        """Set several values and save them once.

        Args:
            values: A mapping, a namespace such as argparse's, or pairs.
            allow_val_change: wandb's; here a value may always change.
            more: More values.
        """
        given = {**dict(pairs_of(values)), **more}
        super().update(given)
        self._save(given)

    def setdefaults(self, values: Any) -> None:
        """Set those values that are not there yet."""
        self.update({key: value for key, value in pairs_of(values) if key not in self})

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return a value; set it if it is not there."""
        self.setdefaults({name: default})
        return self[name]

    def __ior__(self, values: Any) -> Saved:  # type: ignore[override,misc]
        self.update(values)
        return self

    def as_dict(self) -> dict[str, Any]:
        """Return a copy."""
        return dict(self)

    def take(self, values: Mapping[str, Any]) -> None:
        """Set values that are saved already."""
        super().update(values)

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)


def pairs_of(values: Any) -> Iterator[tuple[str, Any]]:
    """Return the pairs of a mapping, a namespace or pairs.

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(values, str | bytes):
        raise TypeError(f"config takes a mapping or a namespace, not the {type(values).__name__} {values!r}")
    if hasattr(values, "keys"):
        return ((key, values[key]) for key in values.keys())  # noqa: SIM118 - whatever has keys, as dict() asks
    return iter(vars(values).items()) if hasattr(values, "__dict__") else iter(values)
