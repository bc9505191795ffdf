"""Connections to the relay: opened and greeted, and one kept for the next mail.

A kept connection belongs to the process that opened it: after a fork, both sides would write into the same one.
"""

import os
import smtplib
import socket
import ssl
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Timer

from channels.email.relay import Relay, StartTLS
from channels.email.smtp_wire import TlsWire, Wire, seconds_until
from channels.errors import SendError, TryLater

_GOODBYE_SECONDS = 2.0


class BrokeOffError(TryLater):
    """The connection is gone, and the final dot has not been said."""


@dataclass(slots=True, eq=False)
class Conversation:
    """A connection whose every step gets only what is left of the time for the mail at hand."""

    connection: Wire
    mails: int = 0
    process: int = field(default_factory=os.getpid)
    ending: Timer | None = None

    def limited(self) -> Wire:
        """Return the connection for one step. Raises `TimeoutError` when the time is up."""
        if self.connection.sock is None:
            raise TimeoutError
        self.connection.sock.settimeout(seconds_until(self.connection.deadline))
        return self.connection

    def say(self, command: str, arguments: str = "") -> tuple[int, bytes]:
        """Give a command and return the answer. Raises `OSError`."""
        return self.limited().docmd(command, arguments)

    def hang_up(self) -> None:
        """Break the connection off."""
        self.connection.close()

    def say_goodbye(self) -> None:
        """End the connection as SMTP asks for, and wait for nothing long."""
        self.connection.deadline = time.monotonic() + _GOODBYE_SECONDS
        with suppress(OSError):  # every mail is answered for; how the conversation ends changes nothing
            self.say("QUIT")
        self.hang_up()


@contextmanager
def hanging_up(conversation: Conversation) -> Iterator[None]:
    """Leave a connection on which something went wrong before the final dot. Raises `BrokeOffError` when it broke."""
    try:
        yield
    except OSError as error:
        conversation.hang_up()
        raise BrokeOffError(f"the mail relay broke off: {type(error).__name__}") from error
    except SendError:
        conversation.hang_up()
        raise


class Connections:
    """Opens connections to one relay, and keeps one that has gone well. May be used by any number of threads."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._kept: deque[Conversation] = deque()  # whose single steps no other thread can come between

    def take(self, deadline: float) -> Conversation | None:
        """Return the kept connection, if there is one of this process.

        One on which the relay has said something unasked is ended: it would be read as the answer to this mail.
        """
        try:
            conversation = self._kept.pop()
        except IndexError:
            return None
        if conversation.ending:
            conversation.ending.cancel()
        if conversation.process != os.getpid() or not conversation.connection.is_quiet():
            conversation.hang_up()  # in silence: another process's goes on, we close our copy
            return None
        conversation.connection.deadline = deadline
        return conversation

    def keep(self, conversation: Conversation) -> None:
        """Keep a connection after a mail that the relay took, or end it when it has served long enough."""
        conversation.mails += 1
        if conversation.mails >= self._relay.mails or self._kept:
            conversation.say_goodbye()
            return
        conversation.ending = Timer(self._relay.idle, self._end, [conversation])
        conversation.ending.daemon = True
        self._kept.append(conversation)
        conversation.ending.start()

    def _end(self, conversation: Conversation) -> None:
        try:
            self._kept.remove(conversation)
        except ValueError:  # in use again
            return
        conversation.say_goodbye()

    def open(self, deadline: float) -> Conversation:
        """Connect, say hello, encrypt, log in. Raises `TryLater`: what goes wrong here is no mail's fault."""
        try:
            conversation = Conversation(self._connected(deadline))
        except (OSError, ValueError) as error:
            raise TryLater(f"the mail relay cannot be reached: {type(error).__name__}") from error
        with hanging_up(conversation):
            _send_at_once(conversation)
            self._greet(conversation)
        return conversation

    def _connected(self, deadline: float) -> Wire:
        if self._relay.tls:
            return TlsWire(self._relay, deadline, self._context())
        return Wire(self._relay, deadline)

    def _context(self) -> ssl.SSLContext:
        return self._relay.context or ssl.create_default_context()

    def _greet(self, conversation: Conversation) -> None:
        conversation.limited().ehlo_or_helo_if_needed()
        if not self._relay.tls and self._relay.starttls is not StartTLS.OFF:
            self._encrypt(conversation)
        if self._relay.user:
            self._log_in(conversation)

    def _log_in(self, conversation: Conversation) -> None:
        try:
            conversation.limited().login(self._relay.user, self._relay.password)
        except smtplib.SMTPAuthenticationError as error:
            raise TryLater("the mail relay refuses our login: check user and password in SMTP_RELAY_URL") from error

    def _encrypt(self, conversation: Conversation) -> None:
        connection = conversation.limited()
        if not connection.has_extn("starttls"):
            if self._relay.starttls is StartTLS.REQUIRED:
                raise TryLater("the mail relay offers no encryption, which the settings demand")
            return
        connection.starttls(context=self._context())
        conversation.limited().ehlo()


def _send_at_once(conversation: Conversation) -> None:
    """Keep the kernel from holding the final dot back until what stands before it is acknowledged: 40 ms a mail."""
    if conversation.connection.sock is not None:
        conversation.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
