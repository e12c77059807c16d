"""The permanence: how to say hello."""

from __future__ import annotations

from tipi.plugin import ConfigError, Permanence, did_you_mean

PHRASES = {"en": "Hello", "fr": "Bonjour", "de": "Guten Tag", "es": "Hola"}


class Phrasebook(Permanence):
    """Greetings in one language.

    Args:
        language: One of ``en fr de es``.

    Example:
        >>> Phrasebook("fr").greet("Ada")
        'Bonjour Ada'
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self.used = 0

    def validate(self) -> None:
        """Check the language before the first process runs.

        Raises:
            ConfigError: There are no phrases in that language.
        """
        if self.language not in PHRASES:
            raise ConfigError(
                f"no phrases in language {self.language!r}", hint=did_you_mean(self.language, PHRASES, "languages")
            )

    def greet(self, name: str) -> str:
        """Return the greeting of one person."""
        self.used += 1
        return f"{PHRASES[self.language]} {name}"
