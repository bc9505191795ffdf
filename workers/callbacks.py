"""The name of a send in the address at which its provider reports: our key, which attempt, and a MAC over both.

The attempt tells a late report on a message that was given up from one on the message sent in its place.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

_NAME = re.compile(r"([0-9a-f-]{36})\.([0-9]{1,9})\.([0-9a-f]{32})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """Which send a report is about; no attempt where the report came without our name for it."""

    idempotency_key: str = ""
    attempt: int | None = None


def callback_name(secret: bytes, idempotency_key: str, attempt: int) -> str:
    """Return the name of one attempt of a send."""
    return f"{idempotency_key}.{attempt}.{_mac(secret, idempotency_key, attempt)}"


def read_callback(secret: bytes, name: str) -> Callback:
    """Return which send a name stands for; an empty one for a name that is none, or not ours."""
    match = _NAME.fullmatch(name)
    if match is None or not hmac.compare_digest(_mac(secret, match[1], int(match[2])), match[3]):
        return Callback()
    return Callback(idempotency_key=match[1], attempt=int(match[2]))


def _mac(secret: bytes, idempotency_key: str, attempt: int) -> str:
    """Return 128 bits of a MAC."""
    text = f"frontdesk callback 1:{idempotency_key}:{attempt}".encode()
    return hmac.new(secret, text, hashlib.sha256).hexdigest()[:32]
