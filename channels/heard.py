"""What comes in: events as they arrived, and what channels read out of them."""

import quopri
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from channels.text import unbase64, unuuencode
from models.external_ids import ExternalId


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

    `content_id` is what the message itself calls it: a mail's Content-ID, Slack's id of a file.

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
    among them: a department that owns it, and not the recipient, answers from it. `edited_at` is when the text became
    this one, where it was another first; `before` is that one, where it is known.
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
    edited_at: datetime | None = None
    before: str | None = None


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
    other place for an answer. Of an edit, `files` are the `content_id`s of what the message still has, and `edited_at`
    is when it was.
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
    files: tuple[str, ...] = ()
    edited_at: datetime | None = None


Parsed = InboundMessage | DeliveryReport | AgentAction


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What the outside knows of a person. `email` only where the provider vouches for it."""

    id: ExternalId
    name: str
    kind: ProfileKind
    email: str = ""
