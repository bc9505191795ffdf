"""One mail to the relay, with every way it can fail sorted by whether the mail may have left.

The line is the final dot: before it nothing was sent, after it only the relay knows.
"""

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field

from channels.base import clean_line
from channels.email.bounces.status import BAD_ADDRESS, without_addresses
from channels.email.connection import BrokeOffError, Connections, Conversation, hanging_up
from channels.email.relay import Relay
from channels.errors import SendError, TryLater, Unclear, Undeliverable

_ENHANCED = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")
# Answers that say our login is wrong, not the mail: it waits until the settings are mended.
_LOGIN_WANTED = (530, 534, 535, 538)
# The relay closes the connection with it, or has: what the standard library makes of a line it cannot read.
_CLOSING = (421, -1)
_DOT_AT_START = re.compile(rb"(?m)^\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail with its envelope, which has one recipient."""

    mail_from: str
    to: str
    mail: bytes = field(repr=False)


class Sender:
    """Hands mails to one relay, one after the other over a connection where that lasts."""

    def __init__(self, relay: Relay) -> None:
        self._timeout = relay.timeout
        self._connections = Connections(relay)

    def deliver(self, letter: Letter) -> None:
        """Hand one mail to the relay. Raises a `SendError`; returning means the relay said yes."""
        conversation = self._offered(letter, time.monotonic() + self._timeout)
        try:
            _say_the_final_dot(conversation)
        except SendError:
            conversation.hang_up()
            raise
        self._connections.keep(conversation)

    def _offered(self, letter: Letter, deadline: float) -> Conversation:
        """Return a connection on which all of a mail is said but the final dot.

        A kept one that fails us, by which certainly nothing was sent, is replaced by a fresh one: it may be dead, or
        refuse the mail only because relays limit what one connection may send.
        """
        kept = self._connections.take(deadline)
        if kept is not None:
            with suppress(SendError):
                return _offered_on(kept, letter)
        return _offered_on(self._connections.open(deadline), letter)


def _offered_on(conversation: Conversation, letter: Letter) -> Conversation:
    with hanging_up(conversation):
        _demand(conversation.say("MAIL", f"FROM:<{letter.mail_from}>"), 250, "sender")
        _demand(conversation.say("RCPT", f"TO:<{letter.to}>"), 250, "recipient")
        _demand(conversation.say("DATA"), 354, "mail")
        conversation.limited().send(_DOT_AT_START.sub(b"..", letter.mail))
    return conversation


def _say_the_final_dot(conversation: Conversation) -> None:
    try:
        conversation.limited().send(b".\r\n")
        answer = conversation.limited().getreply()
    except OSError as error:
        raise Unclear(f"the mail relay took the mail and gave no answer: {type(error).__name__}") from error
    _demand_clear(answer)
    _demand(answer, 250, "mail")


def _demand_clear(answer: tuple[int, bytes]) -> None:
    """Raise `Unclear` for what is neither a yes nor a refusal: a line cut short can be the start of either."""
    code, _ = answer
    if code not in {250, 251} and not 400 <= code < 600:  # noqa: PLR2004 - SMTP's own numbers
        raise Unclear("the mail relay took the mail and gave an answer that cannot be read")


def _demand(answer: tuple[int, bytes], wanted: int, what: str) -> None:
    code, text = answer
    if code == wanted or (wanted == 250 and code == 251):  # noqa: PLR2004 - SMTP's own numbers
        return
    raise _refusal(code, text, what)


def _refusal(code: int, text: bytes, what: str) -> SendError:
    found = _ENHANCED.match(text)
    named = found[1].decode("ascii") if found else str(code)
    if code in _CLOSING:
        return BrokeOffError(f"the mail relay closes the connection: {named}")
    if code in _LOGIN_WANTED:
        return TryLater(f"the mail relay wants another login: {code}")
    if not 500 <= code < 600:  # noqa: PLR2004 - SMTP's own numbers
        return TryLater(f"the mail relay put the {what} off: {named}")
    said = clean_line(without_addresses(text.decode("utf-8", "replace")), 160)
    bad = what == "recipient" and named in BAD_ADDRESS
    return Undeliverable(f"the mail relay refused the {what}: {code} {said}", code=named, bad_address=bad)
