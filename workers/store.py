"""The attachment store: a directory or an S3 bucket, by URL.

Keys are hashes of content, never names that came from outside.
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from channels.base import Attachment, clean_line
from models.attachments import StoredFile

_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}")


class StoreAwayError(Exception):
    """The attachment store does not answer; the file may be there later."""


class Place(Protocol):
    """Where files lie. Raises `OSError` when it does not answer, `FileNotFoundError` for what is not there."""

    def put(self, key: str, content: bytes) -> None:
        """Store bytes under a key; the same ones twice do no harm."""

    def get(self, key: str) -> bytes:
        """Return the bytes of a key."""


class AttachmentStore:
    """Puts and gets files. Putting one twice is harmless: the same bytes have the same key."""

    def __init__(self, url: str) -> None:
        self._place = _open(url)

    def put(self, attachment: Attachment, content: bytes) -> StoredFile:
        """Store a file and describe it for its row. Raises `StoreAwayError`."""
        digest = hashlib.sha256(content).hexdigest()
        key = f"{digest[:2]}/{digest}"
        try:
            self._place.put(key, content)
        except OSError as error:
            raise StoreAwayError(type(error).__name__) from error
        return described(attachment, size=len(content), sha256=digest, key=key)

    def get(self, key: str) -> bytes:
        """Return a file's bytes. Raises `FileNotFoundError`, or `StoreAwayError` when the store does not answer."""
        if not _KEY.fullmatch(key):
            raise FileNotFoundError(key)
        try:
            return self._place.get(key)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreAwayError(type(error).__name__) from error


class Folder:
    """A directory on this machine; a file is there whole, and on stable storage, or not at all."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root = root

    def put(self, key: str, content: bytes) -> None:
        """Write beside the place and move in."""
        target = self._root / key
        target.parent.mkdir(exist_ok=True, mode=0o700)
        descriptor, written = tempfile.mkstemp(dir=self._root)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(written).replace(target)
        except OSError:
            Path(written).unlink(missing_ok=True)
            raise
        _sync(target.parent)

    def get(self, key: str) -> bytes:
        """Read a file."""
        return (self._root / key).read_bytes()


def _sync(folder: Path) -> None:
    """Bring a folder's names to stable storage: the row that names the file comes next."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


def _open(url: str) -> Place:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Folder(Path(unquote(parts.path)))
    from workers.bucket import Bucket  # noqa: PLC0415 (4 MB that a desk with a folder need not hold)

    return Bucket(url)
