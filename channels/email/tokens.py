"""Reply tokens: what lets a client's answer find its ticket, and nobody else's.

A token is `<ticket>.<mac>`. It travels twice in every mail of ours: in the plus part of Reply-To (`t<ticket>.<mac>`)
and in the Message-ID (`<t<ticket>.<mac>.<idempotency key>@domain>`). It proves nothing about the sender by itself: the
rules also ask that the sender is the ticket's client.
"""

import base64
import hashlib
import hmac
import re

MAC_LENGTH = 26  # base32 characters: 130 bits

_KEY = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TOKEN = re.compile(r"(?<![a-z0-9])t([1-9][0-9]{0,18})\.([a-z2-7]{26})(?![a-z0-9])", re.IGNORECASE)
_MESSAGE_ID = re.compile(rf"(?:t[1-9][0-9]{{0,18}}\.[a-z2-7]{{26}}|fd)\.({_KEY})@.+", re.IGNORECASE | re.DOTALL)


def mint(secret: bytes, ticket_id: int, client_id: int) -> str:
    """Return the token of a ticket and its client."""
    message = f"frontdesk reply token 1:{ticket_id}:{client_id}".encode("ascii")
    digest = hmac.new(secret, message, hashlib.sha256).digest()
    return f"{ticket_id}.{base64.b32encode(digest).decode('ascii').lower()[:MAC_LENGTH]}"


def valid(secret: bytes, token: str, ticket_id: int, client_id: int) -> bool:
    """Say, in constant time, whether `token` is the one of this ticket and client."""
    return hmac.compare_digest(mint(secret, ticket_id, client_id).encode(), token.encode("utf-8", "replace"))


def find(text: str) -> str | None:
    """Return the first thing in `text` that has a token's form; only `valid` says whether it is one."""
    match = _TOKEN.search(text[:1000])
    return f"{match[1]}.{match[2].lower()}" if match else None


def message_id(token: str, idempotency_key: str, domain: str) -> str:
    """Return our Message-ID, without angle brackets; a mail of no ticket has `fd` in the token's place."""
    return f"{'t' + token if token else 'fd'}.{idempotency_key}@{domain}"


def idempotency_key(message_id: str) -> str:
    """Return the key in a Message-ID of our form, or an empty text when it is not of our form."""
    match = _MESSAGE_ID.fullmatch(message_id[:1000])
    return match[1].lower() if match else ""


def of_ticket(message_id: str) -> bool:
    """Say whether a Message-ID is of our form and holds a token; only `valid` says whether it is a true one."""
    return bool(idempotency_key(message_id)) and message_id[:1] in {"t", "T"}
