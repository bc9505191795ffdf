"""IMAP's lines and literals, read within bounds: what a server may say between two commands, and for how long.

imapclient and the standard library's imaplib speak the protocol. They read whatever a server announces, trust in the
socket's own timeout, which a server that drips never meets, and lose half a line that arrives while idling. So reading
is ours.
"""

import imaplib
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.imap4 import IMAP4WithTimeout
from imapclient.tls import IMAP4_TLS

from channels.email.imap_account import Account, Security
from channels.errors import MailboxError

CONNECT_SECONDS = 15.0
# Without a byte from the server, and for the whole answer to one command.
SILENCE_SECONDS = 60.0
ANSWER_SECONDS = 600.0

_MEBIBYTE = 1024 * 1024
_LINES = 100_000  # each removed mail of a mailbox is a line
_LINE_BYTES = 16 * _MEBIBYTE
LITERAL_BYTES = _MEBIBYTE
_PIECE = 64 * 1024
_SLICE_SECONDS = 0.25  # how soon a stop is noticed


class Overrun(MailboxError):
    """The server says more than any answer of that kind needs; the connection is of no use any more."""


class Stopped(MailboxError):
    """We are to stop, in the middle of an answer; the connection is of no use any more."""


class _Bounded(imaplib.IMAP4):
    """Reads from the socket itself, and counts."""

    sock: socket.socket
    stopping: Callable[[], bool]
    silence: float
    literal_bytes = LITERAL_BYTES
    _from: socket.socket | None = None

    def send(self, data: Any) -> None:  # noqa: ANN401 (the library's bytes)
        """Send, and begin to count anew what comes back."""
        self._renew()
        super().send(data)

    def _renew(self) -> None:
        self._lines_left = _LINES
        self._line_bytes_left = _LINE_BYTES
        self._literal_bytes_left = self.literal_bytes
        self._deadline = time.monotonic() + ANSWER_SECONDS

    def _new_tag(self) -> bytes:
        """Forget what the server said on its own before this command; a long connection would gather it for ever."""
        self.untagged_responses.clear()
        return super()._new_tag()  # type: ignore[misc, no-any-return]  # not in the stubs

    def read(self, size: int) -> bytes:
        """Read a literal whole, or raise."""
        buffer = self._buffered()
        self._literal_bytes_left -= size
        if self._literal_bytes_left < 0:
            raise Overrun("the server announces a literal that is too large")
        while len(buffer) < size:
            self._fill(buffer)
        literal = bytes(memoryview(buffer)[:size])
        del buffer[:size]
        return literal

    def readline(self) -> bytes:
        """Read a line whole, or raise; what came of one that is not complete yet is kept for the next call."""
        buffer = self._buffered()
        searched = 0
        while (end := buffer.find(b"\n", searched)) < 0:
            searched = len(buffer)
            if searched > self._line_bytes_left:
                raise Overrun("the server sends a line that does not end")
            self._fill(buffer)
        line = bytes(buffer[: end + 1])
        del buffer[: end + 1]
        self._lines_left -= 1
        self._line_bytes_left -= len(line)
        if self._lines_left < 0 or self._line_bytes_left < 0:
            raise Overrun("the server sends lines without end")
        return line

    def has_line(self) -> bool:
        """Say whether a line has been read off the socket already."""
        return b"\n" in self._buffered()

    def _buffered(self) -> bytearray:
        if self._from is not self.sock:
            # Nothing that came before STARTTLS may count after it; and a new connection begins with nothing.
            self._from, self._buffer = self.sock, bytearray()
            self._renew()
        return self._buffer

    def _fill(self, buffer: bytearray) -> None:
        piece = self.sock.recv(_PIECE) if self.sock.gettimeout() == 0 else self._waited_for()
        if not piece:
            raise self.abort("socket error: EOF")
        buffer += piece

    def _waited_for(self) -> bytes:
        silent_at = time.monotonic() + self.silence
        while True:
            if self.stopping():
                raise Stopped("we are stopping")
            left = min(silent_at, self._deadline) - time.monotonic()
            if left <= 0:
                raise TimeoutError("the server is silent, or slower than any line is")
            self.sock.settimeout(min(left, _SLICE_SECONDS))
            try:
                return self.sock.recv(_PIECE)
            except TimeoutError:
                continue


class _Plain(_Bounded, IMAP4WithTimeout):  # type: ignore[misc]  # the library has no types
    """A connection that begins in the clear."""

    def __init__(self, account: Account, stopping: Callable[[], bool], silence: float) -> None:
        self.stopping, self.silence = stopping, silence
        super().__init__(account.host, account.port, CONNECT_SECONDS)


class _Tls(_Bounded, IMAP4_TLS):  # type: ignore[misc]  # the library has no types
    """A connection that is encrypted from its first byte."""

    def __init__(self, account: Account, stopping: Callable[[], bool], silence: float) -> None:
        self.stopping, self.silence = stopping, silence
        IMAP4_TLS.__init__(self, account.host, account.port, _context(account), CONNECT_SECONDS)


def _context(account: Account) -> ssl.SSLContext:
    """Return what checks the server's certificate and its name."""
    return account.context or ssl.create_default_context()


class Connection(IMAPClient):  # type: ignore[misc]  # the library has no types
    """One connection to an account's server, not logged in yet."""

    def __init__(self, account: Account, stopping: Callable[[], bool], silence: float) -> None:
        self._account = account
        self._stopping = stopping
        self._silence = silence
        super().__init__(
            account.host,
            account.port,
            ssl=account.security is Security.TLS,
            timeout=SocketTimeout(connect=CONNECT_SECONDS, read=silence),
        )
        # The library's debug level writes out every answer as text, mails included, whether it is shown or not.
        self._imap.debug = 0

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 (the library's name)
        return (_Tls if self.ssl else _Plain)(self._account, self._stopping, self._silence)

    def secure(self) -> None:
        """Encrypt a connection that began in the clear. Raises when the server will not, or is not who it should be."""
        self.starttls(ssl_context=_context(self._account))

    def allow_literals(self, size: int) -> None:
        """Let an answer from now on hold literals of so many bytes together."""
        self._imap.literal_bytes = size

    def idle(self) -> bool:
        """Begin to idle, and say whether the server had something to tell before it did.

        The library takes such a word for an error and leaves the server idling.
        """
        self._idle_tag = self._imap._command("IDLE")  # noqa: SLF001 (the library's own object)
        while self._imap._get_response() is not None:  # noqa: SLF001 (the same)
            if self._imap.tagged_commands[self._idle_tag]:
                raise self.Error("the server does not idle")
        return "EXISTS" in self._imap.untagged_responses

    def _poll_socket(self, sock: Any, timeout: float | None = None) -> Any:  # noqa: ANN401 (the library's)
        """Wait for the server, unless what it said has been read off the socket already."""
        if self._imap.has_line() or getattr(sock, "pending", int)():
            return True
        return super()._poll_socket(sock, timeout)
