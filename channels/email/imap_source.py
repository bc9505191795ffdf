"""One mailbox on its server: what is new there, the bytes of a mail, and what happens to it once it is stored.

The Seen flag is people's: nothing here reads or sets it. Which mails we have is known by their UIDs alone.
"""

import imaplib
import re
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any

from channels.email.imap_account import Account, Security
from channels.email.imap_wire import LITERAL_BYTES, SILENCE_SECONDS, Connection
from channels.email.oauth import SignInRefused
from channels.email.smtp_data import Limits
from channels.errors import ChannelError, MailboxError, TryLater

LARGEST_MAIL = Limits().size
HEADER_BYTES = 64 * 1024
POLL_SECONDS = 30.0

_LARGEST_UID = 2**32 - 1
_SLICE_SECONDS = 0.25


class NotGiven(MailboxError):
    """The server has a mail and does not give it out, or not in a form that can be read."""


class NotDone(MailboxError):
    """A stored mail could not be moved or flagged; the sentence says why."""


class Source:
    """A connection that is logged in, with the folder selected."""

    def __init__(
        self, account: Account, secret: str, stopping: Callable[[], bool], silence: float = SILENCE_SECONDS
    ) -> None:
        """Connect with a password or an access token. Raises `SignInRefused`, or what connections raise.

        A server that says nothing for so many seconds of `silence`, asked for something, is left.
        """
        self._account = account
        self._stopping = stopping
        self._client = Connection(account, stopping, silence)
        try:
            self._open(secret)
        except BaseException:
            self.close()
            raise

    def _open(self, secret: str) -> None:
        if self._account.security is Security.STARTTLS:
            self._client.secure()
        self._log_in(secret)
        self._idles = self._client.has_capability("IDLE")
        then = self._account.then
        found = self._client.select_folder(self._account.folder, readonly=not (then.move_to or then.flag))
        self.uidvalidity = _number(found.get(b"UIDVALIDITY"))
        self._uid_next = _number(found[b"UIDNEXT"]) if b"UIDNEXT" in found else 0

    def _log_in(self, secret: str) -> None:
        if self._client.has_capability("LOGINDISABLED") and self._account.oauth is None:
            raise SignInRefused("the server takes no password over this connection: use imaps:// or STARTTLS")
        try:
            if self._account.oauth is not None:
                self._client.oauth2_login(self._account.user, secret)
            else:
                self._client.login(self._account.user, secret)
        except self._client.AbortError:
            raise
        except self._client.Error as error:
            if isinstance(error.__cause__ or error.__context__, imaplib.IMAP4.abort):
                raise imaplib.IMAP4.abort("the connection ended while logging in") from error
            if _NOT_NOW.search(str(error)):
                raise TryLater("the server takes no login just now") from error
            raise SignInRefused(_REFUSED.format(setting=f"IMAP_{self._account.name.upper()}")) from error

    def newest_uid(self) -> int:
        """Return the largest UID that a mail had when the folder was opened."""
        return self._uid_next - 1 if self._uid_next else max(self.after(0), default=0)

    def knows_of(self, uid: int) -> bool:
        """Say whether the server can have given this UID away; one it has not means that it counts anew."""
        return not self._uid_next or uid < self._uid_next

    def after(self, uid: int) -> list[int]:
        """Return the UIDs above `uid`, in order."""
        self._client.noop()  # without it some servers go on telling what was there before
        # `n:*` past the end is the last mail.
        return [each for each in self._search("UID", f"{uid + 1}:*") if each > uid]

    def since(self, day: date) -> list[int]:
        """Return the UIDs of mails that arrived on or after `day`, those left out that we have flagged."""
        flag = self._account.then.flag
        unflagged = (("UNFLAGGED",) if flag.startswith("\\") else ("UNKEYWORD", flag)) if flag else ()
        return self._search("SINCE", day, *unflagged)

    def _search(self, *criteria: object) -> list[int]:
        found = self._client.search(list(criteria))
        return sorted({int(each) for each in found if 0 < int(each) <= _LARGEST_UID})

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Return how large these mails say they are; those that are gone have no size. Not more than a few hundred."""
        answer = self._client.fetch(list(uids), ["RFC822.SIZE"])
        said = {uid: found.get(b"RFC822.SIZE") for uid, found in answer.items()}
        return {uid: size for uid, size in said.items() if isinstance(size, int)}

    def fetch(self, uid: int) -> bytes | None:
        """Return a mail's bytes, `None` when it is gone. Raises `NotGiven`, or `Overrun` and the connection is dead."""
        with self._literals_of(LARGEST_MAIL + LITERAL_BYTES):
            return self._item(uid, "BODY.PEEK[]", b"BODY[]")

    def headers(self, uid: int) -> bytes | None:
        """Return the beginning of a mail's headers, `None` when it is gone. Raises `NotGiven`."""
        return self._item(uid, f"BODY.PEEK[HEADER]<0.{HEADER_BYTES}>", b"BODY[HEADER]<0>")

    @contextmanager
    def _literals_of(self, size: int) -> Iterator[None]:
        self._client.allow_literals(size)
        try:
            yield
        finally:
            self._client.allow_literals(LITERAL_BYTES)

    def _item(self, uid: int, wanted: str, named: bytes) -> bytes | None:
        content: object = None
        try:
            content = self._client.fetch([uid], [wanted]).get(uid, {}).get(named)
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, ValueError, RecursionError):
            pass  # removed in the meantime, refused, or beyond reading: asked below
        if isinstance(content, bytes):
            return content
        if self._search("UID", str(uid)):
            raise NotGiven("the mail server does not give this mail out")
        return None

    def finish(self, uid: int) -> None:
        """Move or flag a mail that is stored, as the settings say. Raises `NotDone`."""
        then = self._account.then
        try:
            if then.move_to:
                self._client.move([uid], then.move_to)
            elif then.flag:
                self._client.add_flags([uid], [then.flag])
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, ValueError) as error:
            wish = "moved: is there such a folder, and does the server know MOVE?" if then.move_to else "flagged"
            raise NotDone(f"stored mails cannot be {wish}") from error

    def wait(self, seconds: float) -> None:
        """Return when the server tells of mail, or after `seconds`; sooner where it cannot tell, or on our stop."""
        if not self._idles:
            self._sleep(min(seconds, POLL_SECONDS))
            return
        try:
            told = self._client.idle()
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            self._idles = False
            return
        self._idle(0 if told else seconds)
        self._client.idle_done()

    def _idle(self, seconds: float) -> None:
        """Wait for word of a mail. On a dead connection this ends at once, and what is asked next raises."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._stopping():
            asked = time.monotonic()
            slice_of_it = min(left, _SLICE_SECONDS)
            told: list[Any] = self._client.idle_check(timeout=slice_of_it)
            if any(b"EXISTS" in each for each in told if isinstance(each, tuple)):
                return
            if not told and time.monotonic() - asked < slice_of_it / 2:
                return

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._stopping():
            time.sleep(min(left, _SLICE_SECONDS))

    def close(self) -> None:
        """Hang up, without a word: the server may not be listening."""
        with suppress(OSError, imaplib.IMAP4.error):
            self._client.shutdown()


# RFC 5530
_NOT_NOW = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]")
_REFUSED = "the server refuses the login: check {setting}_URL and the password or OAuth settings"


def _number(value: object) -> int:
    """Return one of IMAP's 32-bit numbers. Raises `ValueError` for what is none."""
    if not isinstance(value, int) or not 0 < value <= _LARGEST_UID:
        raise ValueError("the server gives a number that IMAP does not have")
    return value


# The connection is of no use any more.
LOST = (imaplib.IMAP4.abort, OSError)
# What servers and networks do; anything else is worth a look at the code.
EXPECTED = (ChannelError, OSError, imaplib.IMAP4.error, ValueError)

# The first that fits.
_TROUBLES: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLError, "the encrypted connection cannot be made, or broke"),
    (OSError, "the server cannot be reached, or the connection broke"),
    (imaplib.IMAP4.readonly, "the folder can only be read: leave ?then= out"),
    (imaplib.IMAP4.abort, "the server ended the connection"),
    (imaplib.IMAP4.error, "the server refuses a command that is needed: is there the folder, does it offer STARTTLS?"),
    (Exception, "the server's answer cannot be read"),
)


def trouble(error: Exception) -> str:
    """Say in a sentence for operators what keeps us from a mailbox; nothing in it is the server's own words."""
    if isinstance(error, ChannelError):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate does not hold: {error.verify_message}"
    said = next(sentence for kind, sentence in _TROUBLES if isinstance(error, kind))
    return f"{said} ({type(error).__name__})"
