"""Access tokens of one mailbox, and the refresh token that a provider replaces: kept in the database, encrypted."""

import base64
import hashlib
import time

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from channels.email.oauth import Grant, OAuthApp, refresh
from models.mailboxes import keep_refresh_token, kept_refresh_token
from workers.db import Database
from workers.logs import get_logger

log = get_logger()

# Before its end, so that a login begun with it does not outlive it.
_SPARE_SECONDS = 300.0


class Tokens:
    """Gives access tokens, and asks for a new one only when the last is near its end."""

    def __init__(self, database: Database, mailbox: str, client: OAuthApp, secret_key: bytes) -> None:
        self._database = database
        self._mailbox = mailbox
        self._client = client
        self._box = _box(secret_key)
        self._access_token = ""
        self._until = 0.0
        self._unsaved = ""

    def access_token(self) -> str:
        """Return a token that is good for some minutes. Raises `SignInRefused` or `TryLater`."""
        self._save()
        if not self._access_token or time.monotonic() > self._until:
            self._take(refresh(self._client, self._refresh_token()))
        return self._access_token

    def forget(self) -> None:
        """Ask for another access token the next time: the mail server turned this one down."""
        self._access_token = ""

    def _take(self, grant: Grant) -> None:
        self._access_token = grant.access_token
        self._until = time.monotonic() + max(grant.good_for - _SPARE_SECONDS, grant.good_for / 2)
        self._unsaved = grant.refresh_token  # without one, the old stays good
        self._save()
        log.info("mailbox_token_renewed", mailbox=self._mailbox, replaced=bool(grant.refresh_token))

    def _save(self) -> None:
        """Store a replaced token; when the database is away, this process goes on holding it."""
        if self._unsaved:
            sealed = self._box.encrypt(self._unsaved.encode())
            with self._database.session_scope() as session:
                keep_refresh_token(session, self._mailbox, sealed, _origin(self._client))
            self._unsaved = ""

    def _refresh_token(self) -> str:
        with self._database.session_scope() as session:
            sealed = kept_refresh_token(session, self._mailbox, _origin(self._client))
        if sealed is None:
            return self._client.refresh_token
        try:
            return self._box.decrypt(sealed).decode()
        except InvalidToken:  # SECRET_KEY is another one now
            log.warning("mailbox_token_unreadable", mailbox=self._mailbox)
            return self._client.refresh_token


def _box(secret_key: bytes) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"frontdesk mailbox tokens").derive(secret_key)
    return Fernet(base64.urlsafe_b64encode(derived))


def _origin(client: OAuthApp) -> str:
    """Name the configured token without holding it."""
    return hashlib.sha256(f"{client.client_id}\n{client.refresh_token}".encode()).hexdigest()
