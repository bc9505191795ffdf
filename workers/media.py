"""Addresses under which one file of an answer is fetched: signed, short-lived, good for nothing else.

A provider fetches a file while it holds the message, at most ten hours at Twilio; a client opens a link when they
read it.
"""

import base64
import hashlib
import hmac
import time
from datetime import datetime, timedelta

FOR_PROVIDERS = timedelta(hours=12)
FOR_CLIENTS = timedelta(days=7)


def media_url(public_url: str, secret: bytes, attachment_id: int, until: datetime) -> str:
    """Return the address of a file, good until then."""
    expires = int(until.timestamp())
    return f"{public_url}/media/{attachment_id}/{expires}/{_mac(secret, attachment_id, expires)}"


def is_ours(secret: bytes, attachment_id: int, expires: int, mac: str) -> bool:
    """Say whether we made an address."""
    return hmac.compare_digest(_mac(secret, attachment_id, expires).encode(), mac.encode())


def is_over(expires: int) -> bool:
    """Say whether an address of ours is good no more."""
    return time.time() >= expires


def _mac(secret: bytes, attachment_id: int, expires: int) -> str:
    digest = hmac.new(secret, f"frontdesk media 1:{attachment_id}:{expires}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
