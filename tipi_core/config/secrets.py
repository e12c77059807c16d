"""Secrets: which keys hide their values, and how a text that holds one is shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

MASK = "********"
SHORTEST = 4
LONG = 20

# What a key is called that holds a secret for sure; `key` and `token` may also name a column or a word.
_SURE = (
    r"(?:api_?keys?|access_?keys?|private_?keys?|secret_?keys?|secrets?|passwords?|passwd|passphrases?|pwd"
    r"|credentials?|authorization|auth)"
)
_WORDS = rf"(?:{_SURE}|(?:access_?|auth_?)?token|key)"
_BEGIN = r"(?:^|[_.\- ]|(?<=[a-z0-9])(?=[A-Z]))"  # of a word: at a sign, or at a capital inside
_SECRET = re.compile(rf"{_BEGIN}(?i:{_WORDS})$")
_SURELY = re.compile(rf"{_BEGIN}(?i:{_SURE})$")
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"|'[^']*'"
_ASSIGNED = re.compile(rf"((?:^|[^A-Za-z0-9])[\"']?{_WORDS}[\"']?\s*[=:]\s*)({_QUOTED})", re.IGNORECASE)
_IN_PROSE = re.compile(
    rf"""((?:^|[^A-Za-z0-9])
          (?:{_SURE.replace("_?", "[_-]?")}|token)
          (?:=|\s*=\s*(?=["'])|["']\s*[=:]\s*|\s+(?=bearer\s)|:\s*(?=\S)))
         ((?:bearer\s+)?)
         ({_QUOTED}|[^\s"',;)\]}}&]+)""",
    re.IGNORECASE | re.VERBOSE,
)
# Texts that tell by their looks what they are: the password of an address, tokens of well-known services.
_ADDRESS = re.compile(r"(?<=://)([^\s/:@\"']*):([^\s/@\"']+)(?=@)")
_KNOWN = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{16,}|gh[opsu]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|sk-[\w-]{16,}"
    r"|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{12,}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,})"
)


def is_secret(key: str) -> bool:
    """Return whether a key looks like that of a secret.

    Example:
        >>> is_secret("WANDB_API_KEY"), is_secret("--hfToken"), is_secret("num_tokens")
        (True, True, False)
    """
    return _SECRET.search(key.replace("-", "_")) is not None


def mask_secrets(value: Any, secrets: Collection[str] = ()) -> Any:
    """Return a copy in which every text under a key that looks like a secret is masked, in tables and lists too.

    Args:
        value: Tables, lists and values.
        secrets: Texts that are masked wherever they stand.

    Example:
        >>> mask_secrets({"api_key": ["abc"], "num_tokens": 3, "url": "http://me:pass@host"})
        {'api_key': ['********'], 'num_tokens': 3, 'url': 'http://me:********@host'}
    """
    if isinstance(value, Mapping):
        return {
            key: _mask_all(item) if is_secret(str(key)) else mask_secrets(item, secrets) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_secrets(item, secrets) for item in value]
    return mask_prose(value, secrets) if isinstance(value, str) else value


def _mask_all(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _mask_all(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mask_all(item) for item in value]
    return MASK if isinstance(value, str) else value


def mask_text(text: str, secrets: Collection[str]) -> str:
    """Return a text without the secrets in it: those given, passwords in addresses, tokens of well-known services.

    A very short one that is given is found only in quotes.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret if len(secret) >= SHORTEST else repr(secret), MASK)
    return _KNOWN.sub(MASK, _ADDRESS.sub(rf"\1:{MASK}", text))


def mask_prose(text: str, secrets: Collection[str] = ()) -> str:
    """Return a message without the secrets in it, those that it calls so by name included.

    Example:
        >>> mask_prose("login failed: api_key=abc123, user=me")
        'login failed: api_key=********, user=me'
    """
    return _IN_PROSE.sub(_mask_found, mask_text(text, secrets))


def _mask_found(match: re.Match[str]) -> str:
    name, bearer, value = match.groups()
    is_sentence = name.rstrip().endswith(":") and name.rstrip()[-2].isalpha() and not bearer
    return match[0] if is_sentence and not _is_odd(value) else f"{name}{bearer}{MASK}"


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
    if equals and is_secret(head.strip().strip("\"'+")):
        return f"{head}{equals}{MASK}"
    return mask_line(word)


def mask_command(words: Iterable[str], secrets: Collection[str] = ()) -> list[str]:
    """Return a command line without the secrets in it.

    Example:
        >>> mask_command(["train.py", "--api-key", "abc", "hf_token=abc", "--lr=0.1"])
        ['train.py', '--api-key', '********', 'hf_token=********', '--lr=0.1']
    """
    masked: list[str] = []
    named = False
    for word in words:
        masked.append(MASK if named and not word.startswith("-") else mask_prose(mask_word(word), secrets))
        named = word.startswith("-") and is_secret(word)
    return masked


def command_secrets(words: Iterable[str]) -> set[str]:
    """Return the secrets on a command line, as :func:`collect_secrets` tells them.

    Example:
        >>> command_secrets(["train.py", "--password", "moon", "--sort-key=loss"])
        {'moon'}
    """
    found, before = set[str](), ""
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            found.update(collect_secrets({name.strip("\"' +"): value.strip("\"'")}))
        elif before and not word.startswith("-"):
            found.update(collect_secrets({before: word}))
        before = word if word.startswith("-") and not equals else ""
    return found


def collect_secrets(value: Any, under: str = "") -> Iterator[str]:
    """Yield every text under a key that looks like a secret, in tables and lists too.

    Under a key that may also mean something else, such as ``key = "loss"``, only what looks like one.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from collect_secrets(item, under or (str(key) if is_secret(str(key)) else ""))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from collect_secrets(item, under)
    elif isinstance(value, str) and value and under and (_SURELY.search(under.replace("-", "_")) or _is_odd(value)):
        yield value


def _is_odd(text: str) -> bool:
    """Return whether a text is no word of any language: long, or of digits and letters."""
    return len(text) >= LONG or (any(map(str.isdigit, text)) and any(map(str.isalpha, text)))


def environment_secrets(environment: Mapping[str, str]) -> set[str]:
    """Return the secrets among environment variables; paths of files that hold one are none."""
    return {text for text in collect_secrets(environment) if len(text) >= 2 * SHORTEST and text[0] not in "/~"}
