"""The attachment store: a directory or an S3 bucket, by URL.

Keys are hashes of content, never names that came from outside.
"""

import hashlib
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from channels.base import Attachment, clean_line
from models.attachments import StoredFile


class StoreAwayError(Exception):
    """The attachment store does not answer; the file may be there later."""


class AttachmentStore:
    """Puts and gets files. Putting one twice is harmless: the same bytes have the same key."""

    def __init__(self, url: str) -> None:
        self._store = _open(url)

    def put(self, attachment: Attachment, content: bytes) -> StoredFile:
        """Store a file and describe it for its row. Raises `StoreAwayError`."""
        digest = hashlib.sha256(content).hexdigest()
        key = f"{digest[:2]}/{digest}"
        try:
            obstore.put(self._store, key, content)
        except (BaseError, OSError) as error:
            raise StoreAwayError(type(error).__name__) from error
        return described(attachment, size=len(content), sha256=digest, key=key)

    def get(self, key: str) -> bytes:
        """Return a file's bytes. Raises `FileNotFoundError`, or `StoreAwayError` when the store does not answer."""
        try:
            return obstore.get(self._store, key).bytes().to_bytes()
        except BaseError as error:
            raise StoreAwayError(type(error).__name__) from error


def described(attachment: Attachment, *, size: int = 0, sha256: str = "", key: str | None = None) -> StoredFile:
    """Describe a file for its row; without a key it is one that could not be had."""
    return StoredFile(
        name=clean_line(attachment.name) or "file",
        content_type=clean_line(attachment.content_type),
        size=size,
        sha256=sha256,
        storage_key=key,
        content_id=clean_line(attachment.content_id) if attachment.content_id else None,
    )


def _open(url: str) -> ObjectStore:
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return LocalStore(folder)
    return from_url(url)  # takes AWS_… from the environment by itself
