"""Addresses under which a provider fetches one file of an answer: signed, short-lived, good for nothing else."""

import base64
import hashlib
import hmac
import time
from datetime import datetime

LIFETIME = 24 * 3600


def media_url(public_url: str, secret: bytes, attachment_id: int, since: datetime) -> str:
    """Return the address of a file, good for a day from `since`: at each attempt of one send the same."""
    expires = int(since.timestamp()) + LIFETIME
    return f"{public_url}/media/{attachment_id}/{expires}/{_mac(secret, attachment_id, expires)}"


def may_fetch(secret: bytes, attachment_id: int, expires: int, mac: str) -> bool:
    """Say whether an address is ours and still good."""
    genuine = hmac.compare_digest(_mac(secret, attachment_id, expires).encode(), mac.encode())
    return genuine and time.time() < expires


def _mac(secret: bytes, attachment_id: int, expires: int) -> str:
    digest = hmac.new(secret, f"frontdesk media 1:{attachment_id}:{expires}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
