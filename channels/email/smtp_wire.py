"""A relay's answers, read within bounds: how many lines one may have, and until when it must be there.

The standard library's smtplib speaks the protocol. It reads as many lines as it is told, and waits for every byte anew,
so that a relay that drips outlives any timeout. So reading is ours.
"""

import smtplib
import socket
import ssl
import time

from channels.email.relay import Relay

_LINES = 100  # the longest answer, to EHLO, has some twenty
_PIECE = 8192


class _Lines:
    """What the relay says, line by line; in place of the file that smtplib reads from."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = bytearray()

    def expect(self, deadline: float) -> None:
        """Begin to read an answer, the whole of which has until `deadline`."""
        self._deadline, self._left = deadline, _LINES

    def readline(self, size: int) -> bytes:
        """Return a line, or `size` bytes of it; less where the relay hung up. Raises `OSError`."""
        self._left -= 1
        if self._left < 0:
            raise OSError("the answer does not end")
        while b"\n" not in self._buffer and len(self._buffer) < size and (piece := self._received()):
            self._buffer += piece
        line = bytes(self._buffer[: self._buffer.find(b"\n") + 1 or size][:size])
        del self._buffer[: len(line)]
        return line

    def _received(self) -> bytes:
        self._sock.settimeout(seconds_until(self._deadline))
        return self._sock.recv(_PIECE)

    def is_empty(self) -> bool:
        """Say whether nothing waits to be read, not even the end of the connection."""
        self._sock.settimeout(0)
        try:
            self._buffer += self._sock.recv(_PIECE)
        except (BlockingIOError, ssl.SSLWantReadError):
            return not self._buffer
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Do nothing: the socket is closed by its owner."""


class Wire(smtplib.SMTP):
    """A connection in the clear, greeted; every answer over it is there by `deadline`, which may be set anew."""

    def __init__(self, relay: Relay, deadline: float) -> None:
        self.deadline = deadline
        super().__init__(relay.host, relay.port, relay.hostname, seconds_until(deadline))

    def getreply(self) -> tuple[int, bytes]:
        """Read an answer. Raises `OSError`, and the connection is closed."""
        if self.file is None and self.sock is not None:
            self.file = _Lines(self.sock)
        if self.file is not None:
            self.file.expect(self.deadline)
        return super().getreply()

    def is_quiet(self) -> bool:
        """Say whether the relay has said nothing but its answers."""
        return self.file is not None and self.file.is_empty()


class TlsWire(Wire, smtplib.SMTP_SSL):
    """A connection that is encrypted from its first byte."""

    def __init__(self, relay: Relay, deadline: float, context: ssl.SSLContext) -> None:
        self.deadline = deadline
        smtplib.SMTP_SSL.__init__(
            self, relay.host, relay.port, relay.hostname, timeout=seconds_until(deadline), context=context
        )


def seconds_until(deadline: float) -> float:
    """Return how much time is left, for a socket to wait. Raises `TimeoutError` when it is none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time is up")
    return left
