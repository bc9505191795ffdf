"""Attachments in an object store: S3 and what speaks like it."""

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url


class Bucket:
    """A bucket by its URL; credentials come from `AWS_…` in the environment."""

    def __init__(self, url: str) -> None:
        self._store = from_url(url)

    def put(self, key: str, content: bytes) -> None:
        """Store bytes. Raises `OSError`."""
        try:
            obstore.put(self._store, key, content)
        except BaseError as error:
            raise OSError(type(error).__name__) from error

    def get(self, key: str) -> bytes:
        """Return bytes. Raises `OSError`, of which `FileNotFoundError` says that there are none."""
        try:
            return obstore.get(self._store, key).bytes().to_bytes()
        except BaseError as error:
            raise OSError(type(error).__name__) from error
