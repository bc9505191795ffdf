"""A mail on its way in: read within limits, ended by nothing but a dot between CRLF and CRLF.

A lone CR or LF is a byte like any other: what other servers take for the end of a mail must not be one here, or one
mail could smuggle in another. The bytes are searched in large pieces, so that a mail of a million short lines costs no
more time and memory than one of long lines.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

_MEBIBYTE = 1024 * 1024
_END = b"\r\n.\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one server, connection and mail may take; sizes in bytes, times in seconds."""

    size: int = 35 * _MEBIBYTE
    lines: int = 500_000  # of 76 characters, as base64 has them, `size` is 471,000
    recipients: int = 100
    connections: int = 100
    connections_per_peer: int = 20
    unfinished: int = 256 * _MEBIBYTE  # of all mails being received together
    data_seconds: float = 300.0
    idle_seconds: float = 60.0
    intake_seconds: float = 20.0


@dataclass(slots=True)
class Usage:
    """What the connections of one server hold together."""

    peers: Counter[str] = field(default_factory=Counter)
    unfinished: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A whole mail, or the answer that refuses it."""

    content: bytes = b""
    refusal: str = ""


async def receive(reader: asyncio.StreamReader, limits: Limits, usage: Usage) -> Received:
    """Read up to the end of the mail, keeping nothing more of it once it is over a limit."""
    # The line end of the DATA command, already read, is also the first half of the end of an empty mail.
    reader._buffer[:0] = b"\r\n"  # type: ignore[attr-defined]  # noqa: SLF001 - a reader offers no other way to put back
    growing = _Growing(limits, usage)
    try:
        while not await _read_on(reader, growing):
            pass
        return growing.received()
    finally:
        growing.release()


async def _read_on(reader: asyncio.StreamReader, growing: "_Growing") -> bool:
    """Read the next piece; say whether it was the last."""
    try:
        growing.add(await reader.readuntil(_END))
    except asyncio.LimitOverrunError as error:
        growing.add(await reader.read(error.consumed))
        return False
    return True


class _Growing:
    """The bytes so far, beginning with the line end put back."""

    def __init__(self, limits: Limits, usage: Usage) -> None:
        self._limits = limits
        self._usage = usage
        self._content = bytearray()
        self._lines = 0
        self._refusal = ""

    def add(self, piece: bytes) -> None:
        self._lines += piece.count(b"\n")
        self._refusal = self._refusal or self._over_limit(len(piece))
        if self._refusal:
            self.release()
        else:
            self._content += piece
            self._usage.unfinished += len(piece)

    def _over_limit(self, more: int) -> str:
        if len(self._content) + more - len(_END) > self._limits.size or self._lines > self._limits.lines:
            return "552 5.3.4 Message too big"
        if self._usage.unfinished + more > self._limits.unfinished:
            return "452 4.3.1 Too much mail at once, try again later"
        return ""

    def received(self) -> Received:
        """Return the mail without its frame and without the dots that guarded its lines."""
        if self._refusal:
            return Received(refusal=self._refusal)
        framed = memoryview(self._content)[: -len(b".\r\n")]
        plain = bytes(framed[len(b"\r\n") :])
        if b"\r\n." in plain or plain.startswith(b"."):
            plain = bytes(framed).replace(b"\r\n.", b"\r\n")[len(b"\r\n") :]
        framed.release()
        return Received(content=plain)

    def release(self) -> None:
        """Let go of what was received so far."""
        self._usage.unfinished -= len(self._content)
        self._content = bytearray()
