"""The outside names of our things, and the one border that every stored text crosses.

Pure Python on purpose: `channels` may import this module and no other of `models`.
"""

import hashlib
import re
from dataclasses import dataclass

MAX_LENGTH = 255

# PostgreSQL refuses NUL in text and lone surrogates in UTF-8; the other control characters
# (tab and newline excepted) have no business in a message and disturb terminals and logs.
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalId:
    """An outside name of a thing of ours, already normalised.

    `type` is a short word (`email`, `phone`, `whatsapp`, `slack`, `twilio`, …), `value` at most 255 characters.
    Only a channel's own function makes one, so that equal names are equal values.
    """

    type: str
    value: str

    def __post_init__(self) -> None:
        """Hash what is too long for its column, so that no sender decides whether a row fits."""
        object.__setattr__(self, "value", bounded(self.value))


def bounded(value: str) -> str:
    """Return `value` cleaned, or `sha256:…` of it when it is over 255 characters."""
    cleaned = clean_text(value)
    if len(cleaned) <= MAX_LENGTH:
        return cleaned
    return "sha256:" + hashlib.sha256(cleaned.encode()).hexdigest()


def clean_text(text: str) -> str:
    """Return `text` as PostgreSQL can store it: newlines as LF, control characters and surrogates replaced."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))


def clean_line(text: str, limit: int = MAX_LENGTH) -> str:
    """Return `text` as one line of at most `limit` characters, marked with an ellipsis where it was cut."""
    line = " ".join(clean_text(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
