"""SMS and WhatsApp as channels: the same account and code, told apart by their name."""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

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
from channels.download import download, own_host
from channels.errors import TryLater, Undeliverable
from channels.pace import Act, Pace
from channels.text import split_text
from channels.twilio import media
from channels.twilio.account import Account
from channels.twilio.numbers import address_type, written_address
from channels.twilio.pace import pace
from channels.twilio.parse import parse

if TYPE_CHECKING:
    from twilio.rest import Client

FETCH_TIMEOUT = 20.0
# After a client's last message WhatsApp takes nothing but templates once this has passed: https://www.twilio.com/docs/api/errors/63016.
WHATSAPP_WINDOW = timedelta(hours=24)
# Seconds before each look for a message of which nobody knows whether Twilio took it: 2, 5, 15, 60 and 300 s after the
# call. The list may be half a minute behind; the last look is for what was in Twilio's own queue, or for its callback.
LOOK_AFTER = (2.0, 3.0, 10.0, 45.0, 240.0)


class TwilioChannel:
    """One of the two channels of a Twilio account."""

    # Ten seconds to connect and ten to answer, and something over.
    send_timeout = 25.0
    reports_delivery = True
    lists_received = True

    def __init__(self, name: str, account: Account, look_after: tuple[float, ...] = LOOK_AFTER) -> None:
        self.name = name
        # Absence proves nothing: a message may show in the list late, and another with the same text may hide it.
        self.lookup = Lookup(delays=look_after, absence_is_proof=False)
        self.address_type = address_type(name)
        self.answers_within = WHATSAPP_WINDOW if name == "whatsapp" else None
        self._account = account
        self._media_hosts = ("api.twilio.com", ".twiliocdn.com", own_host(account.api_url))

    @property
    def connected(self) -> bool:
        """Say whether there is an account to send from."""
        return bool(self._account.sid and self._account.token)

    def address(self, text: str) -> ExternalId:
        """Return a number a person wrote as E.164; raise `ValueError` when it is none."""
        return written_address(self.name, text)

    def answer_address(self, sender: str, recipient: str) -> str:  # noqa: ARG002 (the protocol's; a number has one place)
        """Return the sender's own number."""
        return sender

    def parse(self, raw: RawEvent) -> tuple[Parsed, ...]:
        """Translate a stored call; raises `Malformed`."""
        return parse(raw)

    def split(self, body: str) -> tuple[str, ...]:
        """Cut a text into messages of at most 1,600 characters."""
        return split_text(body, media.BODY_LIMIT)

    def plan(self, body: str, files: Sequence[Enclosure]) -> Plan:
        """Tell an answer in messages of this channel: text, then files, then links to what it cannot carry."""
        return media.plan(self.name, body, files)

    def pace(self, act: Act, recipient: str, sender: str) -> Pace | None:  # noqa: ARG002 (the protocol's; numbers are counted)
        """Return the number of ours that a message goes out from."""
        return pace(self.name, sender, self._account.sms_per_second)

    def send(self, outbound: OutboundMessage) -> ExternalId:
        """Send once and return the SID. Raises a `SendError`."""
        if not self.connected:
            raise Undeliverable("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set.", code="not_connected")
        from channels.twilio import send as library  # noqa: PLC0415 (17 MB that a process which never sends need not hold)

        return library.send(self._client, self.name, outbound)

    def find_sent(self, outbound: OutboundMessage, since: datetime) -> tuple[ExternalId, ...]:
        """Return the SIDs that could be this send, oldest first. Raises `TryLater`."""
        if not self.connected:
            raise TryLater("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set.")
        from channels.twilio import send as library  # noqa: PLC0415 (17 MB that a process which never sends need not hold)

        return library.find_sent(self._client, self.name, outbound, since)

    def missed(self, place: ExternalId, since: datetime) -> tuple[RawEvent, ...]:
        """Return what came to a number of ours since then, oldest first, heard or not. Raises `TryLater`."""
        from channels.twilio.missed import missed  # noqa: PLC0415 (17 MB that a process which never asks need not hold)

        return missed(self._client, self.name, place, since)

    def fetch(self, attachment: Attachment, limit: int) -> bytes:
        """Get a media file: its address asks for credentials, then redirects to a file host that must not get them."""
        headers = {"Authorization": "Basic " + self._credentials()}
        return download(
            attachment.url or "", headers=headers, hosts=self._media_hosts, limit=limit, timeout=FETCH_TIMEOUT
        )

    def profile(self, person: ExternalId) -> Profile | None:  # noqa: ARG002 (the protocol's; Twilio knows nothing)
        """Know nothing of a person but the name they send along."""
        return None

    def templates(self) -> tuple[Template, ...]:
        """Return the templates that WhatsApp has approved. Raises a `SendError`."""
        if self.answers_within is None or not self.connected:
            return ()
        from channels.twilio import templates as library  # noqa: PLC0415 (17 MB that a process which never sends need not hold)

        return library.approved(self._client)

    def _credentials(self) -> str:
        return base64.b64encode(f"{self._account.sid}:{self._account.token}".encode()).decode()

    @cached_property
    def _client(self) -> "Client":
        from channels.twilio import send as library  # noqa: PLC0415 (17 MB that a process which never sends need not hold)

        return library.rest_client(self._account)
