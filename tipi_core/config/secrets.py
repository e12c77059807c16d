"""Secrets: which keys hide their values, and how a text that holds one is shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

MASK = "********"
SHORTEST = 4

_WORDS = r"(?:api_?key|access_?key|private_?key|key|token|secret|password|passwd)"
_SECRET = re.compile(rf"(?:^|[_.-]){_WORDS}$", re.IGNORECASE)
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"|'[^']*'"
_ASSIGNED = re.compile(rf"((?:^|[^A-Za-z0-9])[\"']?{_WORDS}[\"']?\s*[=:]\s*)({_QUOTED})", re.IGNORECASE)


def is_secret(key: str) -> bool:
    """Return whether a key looks like that of a secret.

    Example:
        >>> is_secret("WANDB_API_KEY"), is_secret("num_tokens")
        (True, False)
    """
    return _SECRET.search(key) is not None


def mask_secrets(value: Any, secrets: Collection[str] = ()) -> Any:
    """Return a copy in which the text under every key that looks like a secret is masked.

    Args:
        value: Tables, lists and values.
        secrets: Texts that are masked wherever they stand.

    Example:
        >>> mask_secrets({"api_key": "abc", "num_tokens": 3})
        {'api_key': '********', 'num_tokens': 3}
    """
    if isinstance(value, Mapping):
        return {
            key: MASK if isinstance(item, str) and is_secret(str(key)) else mask_secrets(item, secrets)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_secrets(item, secrets) for item in value]
    return mask_text(value, secrets) if isinstance(value, str) else value


def mask_text(text: str, secrets: Collection[str]) -> str:
    """Return a text without the secrets in it; very short ones are found only in quotes."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret if len(secret) >= SHORTEST else repr(secret), MASK)
    return text


def mask_line(line: str) -> str:
    """Return a line of TOML whose quoted secrets are replaced by stars, each column where it was.

    Example:
        >>> mask_line('params = { api_key = "abc", epochs = 3 }')
        'params = { api_key = "***", epochs = 3 }'
    """
    return _ASSIGNED.sub(lambda match: f"{match[1]}{match[2][0]}{'*' * (len(match[2]) - 2)}{match[2][-1]}", line)


def mask_word(word: str) -> str:
    """Return an override word without the secret that it sets.

    Example:
        >>> mask_word("wandb_logger.api_key=abc")
        'wandb_logger.api_key=********'
    """
    head, equals, _ = word.partition("=")
    if is_secret(head.strip().strip("\"'+")):
        return f"{head}{equals}{MASK}"
    return mask_line(word)


def collect_secrets(value: Any, under: str = "") -> Iterator[str]:
    """Yield every text under a key that looks like a secret."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from collect_secrets(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from collect_secrets(item)
    elif isinstance(value, str) and value and is_secret(under):
        yield value
