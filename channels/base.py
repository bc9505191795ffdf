"""The few types that doors, channels and rules speak in.

All frozen; times are aware and UTC; text is `str`, payloads are `bytes`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from channels.heard import (
    AgentAction,
    Attachment,
    Automatic,
    Consent,
    DeliveryReport,
    InboundMessage,
    Parsed,
    Profile,
    ProfileKind,
    RawEvent,
    ReportState,
    Verdict,
)
from channels.listing import Home, Listing
from channels.pace import Act, Pace
from channels.plans import Enclosure, Plan
from channels.shown import Blank, Button, Choice, Mark, Menu, Sheet, Sign, TicketCard
from models.external_ids import ExternalId, bounded, clean_line, clean_text

__all__ = [
    "THREADS_LISTED",
    "AgentAction",
    "AgentsDesk",
    "Attachment",
    "Automatic",
    "Blank",
    "Button",
    "Channel",
    "Choice",
    "Connection",
    "Consent",
    "DeliveryReport",
    "Enclosure",
    "ExternalId",
    "Home",
    "InboundMessage",
    "Listing",
    "Lookup",
    "Mark",
    "Menu",
    "OutboundMessage",
    "Parsed",
    "Plan",
    "Profile",
    "ProfileKind",
    "RawEvent",
    "Receipt",
    "ReportState",
    "Request",
    "Sheet",
    "Sign",
    "Template",
    "TicketCard",
    "Verdict",
    "Webhook",
    "bounded",
    "clean_line",
    "clean_text",
]


# How old the beginning of a thread may be for what is said there to be found when its whole place is asked.
THREADS_LISTED = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text that a provider has approved for clients who have not written for long.

    `id` is the provider's own. In `body`, `{{name}}` stands for what is filled in; `blanks` are these names in order.
    """

    id: str
    name: str
    language: str
    body: str
    blanks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One send.

    `idempotency_key` is a UUID's text, the same at every attempt. `thread` is the channel's own thread mark: the `ts`
    of a Slack thread, the reply token (`<ticket>.<mac>`) of a mail. `references` are provider ids of what is answered,
    oldest first. `callback_url` is where the provider reports; `media_urls` stand for the attachments where the
    provider fetches them itself. With `template`, that one is sent with the (name, text) pairs of `filled`, and `body`
    is how it reads then. `signature` stands below a mail; `automatic` says whether a machine of ours wrote it;
    `written_at`, the same at every attempt, is what a mail says of its date. `listing` stands in place of the body.

    `body` and `signature` are plain text as people type it in chats, with its light marks: `*bold*`, `_italic_`,
    `~struck~`, `` `code` ``, ``` around blocks of it, `> ` before quotes, `• ` before items of a list.
    """

    idempotency_key: str
    to: ExternalId
    sender: ExternalId | None = None
    sender_name: str = ""
    subject: str = ""
    body: str = ""
    references: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    thread: str = ""
    buttons: tuple[Button, ...] = ()
    card: TicketCard | None = None
    callback_url: str = ""
    media_urls: tuple[str, ...] = ()
    template: str = ""
    filled: tuple[tuple[str, str], ...] = ()
    signature: str = ""
    automatic: Automatic = Automatic.NO
    written_at: datetime | None = None
    listing: Listing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A webhook call.

    `url` is the configured public address plus path and query, never built from Host; `headers` have lower-case names.
    """

    url: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a webhook call brought (to be stored first) and what to answer once it is."""

    events: tuple[RawEvent, ...] = ()
    body: str = ""
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """How an unclear send is looked up.

    `delays` are the seconds to wait before each look; `absence_is_proof` says that what is not found was not sent.
    """

    delays: tuple[float, ...] = ()
    absence_is_proof: bool = False


class Channel(Protocol):
    """One way clients write to us and we to them."""

    @property
    def name(self) -> str:
        """Return the word used in queues, rows and logs."""

    @property
    def connected(self) -> bool:
        """Say whether the settings to send are there."""

    @property
    def lookup(self) -> Lookup:
        """Return how unclear sends are looked up."""

    @property
    def send_timeout(self) -> float:
        """Return the most seconds one `send` may take; a lease outlives it."""

    @property
    def address_type(self) -> str:
        """Return the type of the outside names by which this channel knows people."""

    @property
    def reports_delivery(self) -> bool:
        """Say whether the provider tells later that a message arrived; otherwise sent is the most we learn."""

    @property
    def answers_within(self) -> timedelta | None:
        """Return how long after a client's message answers are taken, `None` where that has no end."""

    @property
    def lists_received(self) -> bool:
        """Say whether the provider can be asked what came to an address of ours."""

    def address(self, text: str) -> ExternalId:
        """Return an address that a person wrote in normal form; raise `ValueError` when it is none."""

    def answer_address(self, sender: str, recipient: str) -> str:
        """Return where an answer to `sender`, who wrote to our `recipient`, goes."""

    def parse(self, raw: RawEvent) -> tuple[Parsed, ...]:
        """Translate stored bytes; empty means understood and nothing for us. Raises `Malformed`. Pure."""

    def split(self, body: str) -> tuple[str, ...]:
        """Cut a text into the parts this channel sends one by one, in order; at least one part."""

    def plan(self, body: str, files: Sequence[Enclosure]) -> Plan:
        """Tell an answer in sends: which part of its text and which of its files go together, in order. Pure."""

    def pace(self, act: Act, recipient: str, sender: str) -> Pace | None:
        """Return what a send is counted with, by whom it goes to and from; `None` where nothing is ever counted."""

    def send(self, outbound: OutboundMessage) -> ExternalId:
        """Send once and return the provider's id. Raises a `SendError`."""

    def find_sent(self, outbound: OutboundMessage, since: datetime) -> tuple[ExternalId, ...]:
        """Return what the provider has that could be this send, oldest first. Raises `TryLater`."""

    def missed(self, place: ExternalId, since: datetime) -> tuple[RawEvent, ...]:
        """Return what people said to an address of ours since then, oldest first, heard or not. Raises `TryLater`.

        What the door may have stored has the same key, so that storing it again is harmless. A thread that began more
        than `THREADS_LISTED` ago is a place of its own.
        """

    def fetch(self, attachment: Attachment, limit: int) -> bytes:
        """Get a file by its `url`, at most `limit` bytes. Raises `TryLater` or `Undeliverable`."""

    def profile(self, person: ExternalId) -> Profile | None:
        """Return what the outside knows of a sender, `None` where it knows nothing. Raises `TryLater`."""

    def templates(self) -> tuple[Template, ...]:
        """Return the approved texts that may be sent after `answers_within`. Raises a `SendError`."""


class AgentsDesk(Channel, Protocol):
    """The channel in which agents work: it can also change what it has posted."""

    def update(self, message: ExternalId, card: TicketCard) -> None:
        """Bring a posted card up to date; may be repeated. Raises a `SendError`."""

    def mark(self, message: ExternalId, mark: Mark) -> None:
        """Make this what our marks on a message say; may be repeated. Raises a `SendError`."""

    def sign(self, message: ExternalId, put: Collection[Sign], take_away: Collection[Sign]) -> None:
        """Put signs of ours on a card and take others away; may be repeated. Raises a `SendError`."""

    def answer(self, url: str, text: str, listing: Listing | None = None) -> None:
        """Say something, or list tickets, where only the person who acted sees it. Raises a `SendError`."""

    def show_home(self, person: ExternalId, home: Home) -> None:
        """Show somebody what they see when they open the app; may be repeated. Raises a `SendError`."""

    def whisper(self, place: ExternalId, thread: ExternalId | None, person: ExternalId, text: str) -> None:
        """Say something in a channel, or a thread of it, that only one person there sees. Raises a `SendError`."""

    def ask(self, trigger: str, answer_url: str, asked: Menu | Sheet) -> None:
        """Open a form for the person who acted, at most 3 seconds later; refusals go to `answer_url`.

        Raises a `SendError`.
        """


class Webhook(Protocol):
    """The calls a provider makes to us, under `/webhooks/<name>/`."""

    @property
    def name(self) -> str:
        """Return the first segment of the path."""

    @property
    def missing(self) -> str:
        """Return the setting without which every call of this provider would be refused; empty when all is there."""

    def verify(self, request: Request) -> None:
        """Raise `Refused` unless the provider signed exactly these bytes."""

    def receive(self, request: Request) -> Receipt:
        """Say what to store and what to answer. Raises `Refused` for what is not of this provider's form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What one folder brings: its channels, and its webhook if it has one."""

    channels: tuple[Channel, ...]
    webhook: Webhook | None = None
