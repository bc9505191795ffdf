"""Mail as a channel."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from channels.base import (
    Attachment,
    Enclosure,
    ExternalId,
    Lookup,
    OutboundMessage,
    Parsed,
    Plan,
    Profile,
    RawEvent,
    Template,
)
from channels.email import address, authentication, compose, event, parse
from channels.email.dkim import Signer
from channels.email.relay import Relay
from channels.email.send import Letter, Sender
from channels.errors import TryLater, Undeliverable
from channels.pace import Act, Pace
from channels.plans import files_with_last

_SLACK_SECONDS = 5.0
_DEFAULT_TIMEOUT = "60"


class EmailChannel:
    """Clients write to a mailbox; we answer through a relay, or only read when none is set."""

    name = "email"
    address_type = "email"
    reports_delivery = False  # bounces come, receipts do not
    answers_within = None
    lists_received = False  # the IMAP door looks back by itself
    lookup = Lookup()  # SMTP has no way to ask what became of a mail, so not finding it proves nothing

    def __init__(
        self, relay: Relay | None, timeout: float, signer: Signer | None = None, trusted: frozenset[str] = frozenset()
    ) -> None:
        self._sender = Sender(relay) if relay else None
        self._signer = signer
        self._trusted = trusted
        self.send_timeout = timeout + _SLACK_SECONDS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "EmailChannel":
        """Read the settings of mail that README lists. Raises `ValueError` for what cannot be meant."""
        timeout = _seconds(environment.get("SMTP_TIMEOUT") or _DEFAULT_TIMEOUT)
        url = environment.get("SMTP_RELAY_URL", "")
        hostname = environment.get("SMTP_HOSTNAME", "")
        relay = Relay.from_url(url, timeout=timeout, hostname=hostname) if url else None
        trusted = authentication.trusted_ids(environment.get("TRUSTED_AUTHSERV_ID", ""))
        return cls(relay, timeout, Signer.from_environment(environment), trusted)

    @property
    def connected(self) -> bool:
        """Say whether there is a relay to send through."""
        return self._sender is not None

    def address(self, text: str) -> ExternalId:
        """Return a mail address in normal form; raise `ValueError` when it is none."""
        return address.external_id(text)

    def answer_address(self, sender: str, recipient: str) -> str:  # noqa: ARG002 (the protocol's; mail has one place)
        """Return the sender's own address, whatever Reply-To said."""
        return sender

    def parse(self, raw: RawEvent) -> tuple[Parsed, ...]:
        """Translate a mail. Raises `Malformed`."""
        event.refuse_set_aside(raw)
        return parse.parse(raw, self._trusted)

    def split(self, body: str) -> tuple[str, ...]:
        """Return the text whole: a mail has room."""
        return (body,)

    def plan(self, body: str, files: Sequence[Enclosure]) -> Plan:
        """Tell an answer in one mail with all its files."""
        return files_with_last(self.split(body), files)

    def pace(self, act: Act, recipient: str, sender: str) -> Pace | None:  # noqa: ARG002 - the protocol's arguments
        """Return nothing: a relay takes mails as they come, and keeps those that must wait."""
        return None

    def send(self, outbound: OutboundMessage) -> ExternalId:
        """Send one mail and return its Message-ID. Raises a `SendError`."""
        if self._sender is None:
            raise TryLater("no mail relay is set")
        mail = compose.compose(outbound, datetime.now(UTC))
        mail_from, to = compose.envelope(outbound)
        if self._signer is not None and self._signer.speaks_for(address.domain_of(mail_from)):
            mail = self._signer.sign(mail)
        self._sender.deliver(Letter(mail_from=mail_from, to=to, mail=mail))
        return ExternalId(type="email", value=compose.message_id(outbound))

    def find_sent(self, outbound: OutboundMessage, since: datetime) -> tuple[ExternalId, ...]:  # noqa: ARG002 - the protocol's arguments
        """Return nothing: a relay cannot be asked."""
        return ()

    def missed(self, place: ExternalId, since: datetime) -> tuple[RawEvent, ...]:  # noqa: ARG002 - the protocol's arguments
        """Return nothing: a mail server that did not get through comes again."""
        return ()

    def fetch(self, attachment: Attachment, limit: int) -> bytes:  # noqa: ARG002 - the protocol's arguments
        """Refuse: the files of a mail come with it."""
        raise Undeliverable("a mail's files are never fetched")

    def templates(self) -> tuple[Template, ...]:
        """Return none: answers are taken at any time."""
        return ()

    def profile(self, person: ExternalId) -> Profile | None:  # noqa: ARG002 - the protocol's arguments
        """Return nothing: mail knows nobody."""
        return None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:  # noqa: PLR2004 - a second to an hour; also leaves out NaN
        raise ValueError("SMTP_TIMEOUT must be a number of seconds from 1 to 3600")
    return seconds
