"""The few types that doors, channels and rules speak in.

All frozen; times are aware and UTC; text is `str`, payloads are `bytes`.
"""

import quopri
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from channels.listing import Home, Listing
from channels.pace import Act, Pace
from channels.plans import Enclosure, Plan
from channels.text import unbase64, unuuencode
from models.external_ids import ExternalId, bounded, clean_line, clean_text

__all__ = [
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


class Automatic(StrEnum):
    """Who wrote a message: a person, or which kind of machine."""

    NO = "no"
    ANSWER = "answer"  # a vacation note or another automatic answer to a mail of ours
    ECHO = "echo"  # our own mail come back
    NOTICE = "notice"  # lists, bulk, forms, notifications


class Verdict(StrEnum):
    """What a trusted server says of whether a sender is who they say; `UNKNOWN` when none said anything."""

    UNKNOWN = ""
    NONE = "none"
    PASS = "pass"  # noqa: S105 (a verdict)
    FAIL = "fail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class Consent(StrEnum):
    """What a message says of whether its sender wants to hear from us; `HELP` asks the provider what this is."""

    UNSAID = ""
    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    HELP = "help"


class ReportState(StrEnum):
    """What a provider says became of a message; `DELAYED` changes nothing but is shown."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    DELAYED = "delayed"
    FAILED = "failed"


class ProfileKind(StrEnum):
    """What the outside says a person is; only a `MEMBER` can be an agent."""

    MEMBER = "member"
    GUEST = "guest"
    FOREIGN = "foreign"
    BOT = "bot"
    DEACTIVATED = "deactivated"


class Mark(StrEnum):
    """What agents see on their own message: waiting, delivered, read, failed, or nothing."""

    NONE = ""
    WAITING = "waiting"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class Sign(StrEnum):
    """What a sign on the card says, whoever put it there; an agent's asks for it."""

    TAKEN = "taken"
    CLOSED = "closed"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEvent:
    """One thing that arrived, untouched.

    `external_id` is the provider's delivery id, or a hash of the payload where it has none: with `channel` it is the
    key under which a second arrival is the same one. `conversation` says who is speaking: events of one conversation
    are recorded in the order accepted. `facts` are transport facts (envelope, peer, url), JSON values only.
    """

    channel: str
    external_id: str
    conversation: str
    payload: bytes
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file, either here or to fetch from `url`.

    `data` is in its transfer `encoding`: empty, `base64`, `quoted-printable` or `uuencode`. The bytes stay encoded
    until `content` is called, so that twenty files of a mail are never all decoded at once.
    """

    name: str
    content_type: str = "application/octet-stream"
    content_id: str | None = None
    data: bytes | memoryview = b""
    encoding: str = ""
    url: str | None = None

    def content(self) -> bytes:
        """Return the decoded bytes; broken base64 gives what could be read."""
        if self.encoding == "base64":
            return unbase64(self.data)
        if self.encoding == "quoted-printable":
            return quopri.decodestring(bytes(self.data))
        if self.encoding == "uuencode":
            return unuuencode(bytes(self.data))
        return bytes(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """What a person (or their machine) said to us.

    `external_id` names the message itself, `recipients` our addresses it was sent to (best first), `references` what it
    answers, in the order to try: types `reply_token` (`<ticket>.<mac>`), `email` (Message-ID), `twilio` (SID), `slack`
    (`T…/C…/ts` of the thread's first message) and `subject_tag` (ticket number). `mentions` are people named in the
    text, `also_known_as` other names of the sender that the provider gives. `direct` says that only the sender and we
    take part: what refers to nothing goes on with what is open. `beside` says that others write there too: what refers
    to nothing goes on with what its sender said just now.

    `authenticated` is what a trusted server says of the sender: `pass`, `fail`, `none` or an error's name, empty when
    nobody trusted said anything. `reply_to` is where the sender asked for answers: shown, never used. `cut_by` names
    what made `body` less than the whole, so that the original is worth showing. `certainly_automatic` says that no
    person can have written what is automatic. `service` is an address of ours that stands for several, the recipient
    among them: a department that owns it, and not the recipient, answers from it.
    """

    external_id: ExternalId | None
    sender: ExternalId
    sender_name: str = ""
    also_known_as: tuple[ExternalId, ...] = ()
    recipients: tuple[ExternalId, ...] = ()
    subject: str = ""
    body: str = ""
    sent_at: datetime | None = None
    references: tuple[ExternalId, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    mentions: tuple[ExternalId, ...] = ()
    direct: bool = False
    beside: bool = False
    automatic: Automatic = Automatic.NO
    certainly_automatic: bool = False
    authenticated: Verdict = Verdict.UNKNOWN
    reply_to: str = ""
    cut_by: str = ""
    consent: Consent = Consent.UNSAID
    service: ExternalId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """What a provider says became of a message of ours: found by its id or by our idempotency key.

    Who is no provider that signs proves by the `token` of the ticket that they had the message. `recipients` are whom
    the report names, empty where it names nobody: a mail is sent on, and then comes back from somewhere else.
    `window_closed` says that it failed only because the client last wrote too long ago.

    Of a failure: `bad_address` and `opted_out` say what it means for the address, `again_after` in how many seconds
    the same may arrive if it is sent once more, `stopped` that an operator must act first.
    """

    external_id: ExternalId | None
    state: ReportState
    idempotency_key: str = ""
    code: str = ""
    detail: str = ""
    at: datetime | None = None
    token: str = ""
    recipients: tuple[ExternalId, ...] = ()
    bad_address: bool = False
    window_closed: bool = False
    opted_out: bool = False
    again_after: float | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAction:
    """Something a person did rather than wrote: a button, a command, an edit or deletion of a message.

    `action` is our word (`edit`, `delete`, `take`, `close`, `retry`, `command`, `sign`); `thread` and `message` say on
    what; `value` is the button's value, the command's words, the edited text or the `Sign`; `choices` are what was
    chosen of a menu, `filled` what was written into a form (name, text). `answer_url` takes an answer only they see;
    `trigger` lets us ask them something, for 3 seconds. `about` is the message that a shortcut was used on; it is empty
    for one that no person wrote. With `at_home` it was done on what they see when they open the app, where there is no
    other place for an answer.
    """

    actor: ExternalId
    action: str
    value: str = ""
    thread: ExternalId | None = None
    message: ExternalId | None = None
    mentions: tuple[ExternalId, ...] = ()
    choices: tuple[str, ...] = ()
    filled: tuple[tuple[str, str], ...] = ()
    answer_url: str = ""
    trigger: str = ""
    about: InboundMessage | None = None
    at_home: bool = False


Parsed = InboundMessage | DeliveryReport | AgentAction


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button under a message of ours; pressing it comes back as an `AgentAction` with this action and value."""

    label: str
    action: str
    value: str
    danger: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing that can be chosen: its words, and what comes back."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """A choice under a card or in a form; it comes back as an `AgentAction` with this action and value, and `choices`.

    `chosen` are the values chosen now. `several` says that any number may be chosen, none too: in forms only. `title`
    stands above a form that is not about the ticket that `value` names.
    """

    label: str
    action: str
    value: str
    choices: tuple[Choice, ...]
    chosen: tuple[str, ...] = ()
    several: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """A place to write in: its name, what it asks for, and what stands there at first."""

    name: str
    label: str
    given: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A form to write in: `text` above its blanks. It comes back as an `AgentAction` with this action and `filled`."""

    label: str
    action: str
    value: str
    text: str
    blanks: tuple[Blank, ...] = ()


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
class TicketCard:
    """What the agents see of a ticket at a glance; rendered at the moment of sending.

    `buttons` come after those that fit every ticket, `more` are kept behind a further press. `answer_until` is when the
    channel stops taking answers. With `moved_to` the ticket is worked on elsewhere, and the card says only that.
    `signs` stand beside it.
    """

    ticket_id: int
    title: str
    client: str
    channel: str
    department: str
    status: str
    priority: str
    opened_at: datetime
    address: str = ""
    assignees: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    merged_into: int | None = None
    menus: tuple[Menu, ...] = ()
    more: tuple[Button, ...] = ()
    answer_until: datetime | None = None
    moved_to: str = ""
    signs: frozenset[Sign] = frozenset()


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
class Profile:
    """What the outside knows of a person. `email` only where the provider vouches for it."""

    id: ExternalId
    name: str
    kind: ProfileKind
    email: str = ""


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
    def files_apart(self) -> bool:
        """Say whether files go in a send of their own, after the text."""

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

        What the door may have stored has the same key, so that storing it again is harmless.
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
