"""What a delivery says, worked out when it is sent: text or files of a message, a ticket's card, a mark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from channels.base import (
    Attachment,
    Automatic,
    Button,
    Channel,
    ExternalId,
    Mark,
    OutboundMessage,
    clean_line,
)
from channels.email import tokens
from channels.errors import TryLater, Undeliverable
from channels.plans import Piece
from channels.registry import Registry
from models.attachments import StoredAttachment, attachments_of, sendable_files
from models.base import now
from models.clients import Client
from models.deliveries import (
    PART_BEFORE,
    Delivery,
    DeliveryStatus,
    Purpose,
    deliveries_to_client,
    delivery_by_id,
    parts_before_failed,
)
from models.delivery_claims import ClaimedDelivery
from models.departments import Department, settings_of
from models.inbound_events import is_being_read
from models.merges import family_threads
from models.messages import Message, heard_in, mail_names_before, name_of_message, source_of
from models.offers import offer_below
from models.suppressions import Suppression, SuppressionReason, suppression_of
from models.templates import template_use
from models.ticket_addresses import address_of_ticket
from models.tickets import Ticket, threads_of
from models.users import User
from workers.callbacks import callback_name
from workers.desk.cards import card_of
from workers.desk.files import remarks
from workers.desk.identity import spellings
from workers.desk.mail_instead import mail_buttons
from workers.desk.offers import offer_buttons
from workers.desk.originals import original_buttons
from workers.desk.reports import retry_button
from workers.desk.window import buttons as held_buttons
from workers.desk.window import refuse_outside
from workers.enclosures import enclosures
from workers.media import FOR_CLIENTS, FOR_PROVIDERS, media_url
from workers.outbox import AGENTS_CHANNEL, AGENTS_THREAD
from workers.store import AttachmentStore, StoreAwayError
from workers.thread_text import posts, whole

NO_CARD_YET = "the ticket's card is not posted yet"
_REFERENCES = 30
_LONGEST_NAME = 60
_PATIENCE_WITH_AGENTS = timedelta(minutes=2)
_FAILED = (DeliveryStatus.FAILED, DeliveryStatus.UNCONFIRMED)
_ARRIVED = (DeliveryStatus.DELIVERED, DeliveryStatus.READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """Works out sends from rows."""

    channels: Registry
    store: AttachmentStore
    secret: bytes = field(repr=False)
    public_url: str

    def message(self, session: Session, claimed: ClaimedDelivery) -> OutboundMessage:
        """Return the send of a claimed delivery. Raises a `SendError` when it must not or cannot go out.

        For a look-up, which compares and sends nothing, the files are there by name only.
        """
        if claimed.to_client:
            return self._to_client(session, claimed)
        if claimed.purpose in {Purpose.CARD, Purpose.CARD_UPDATE}:
            return OutboundMessage(
                idempotency_key=claimed.idempotency_key,
                to=ExternalId(type=AGENTS_CHANNEL, value=claimed.recipient),
                card=card_of(session, self.channels, claimed.ticket_id, claimed.recipient),
            )
        return self._to_agents(session, claimed)

    def card_message(self, session: Session, claimed: ClaimedDelivery) -> ExternalId:
        """Return which message of the agents' channel is the ticket's card."""
        return ExternalId(type="slack", value=_thread(session, claimed))

    def mark(self, session: Session, claimed: ClaimedDelivery) -> tuple[ExternalId, Mark] | None:
        """Return the agent's message and the mark it should bear; `None` for one that does not stand in the thread."""
        message = session.get_one(Message, claimed.message_id)
        threads = family_threads(session, message.ticket_id, AGENTS_THREAD)
        if not threads:
            raise TryLater(NO_CARD_YET)
        # The first name is that of the agent's own message; others are those of copies where the ticket moved to.
        places = {thread.rpartition("/")[0] for thread in threads}
        name = name_of_message(session, message.id, AGENTS_CHANNEL, places)
        if name is None:
            return None
        sends = deliveries_to_client(session, message.id)
        return ExternalId(type=AGENTS_CHANNEL, value=name), self._mark_of(sends)

    def _mark_of(self, sends: Sequence[Delivery]) -> Mark:
        if not sends:
            return Mark.NONE
        if any(each.status in _FAILED for each in sends):
            return Mark.FAILED
        if all(each.status == DeliveryStatus.READ for each in sends):
            return Mark.READ
        return Mark.DELIVERED if all(self._arrived(each) for each in sends) else Mark.WAITING

    def _arrived(self, send: Delivery) -> bool:
        if self.channels.channels[send.channel].reports_delivery:
            return send.status in _ARRIVED
        return send.status in {*_ARRIVED, DeliveryStatus.SENT}

    def _to_client(self, session: Session, claimed: ClaimedDelivery) -> OutboundMessage:
        message = session.get_one(Message, claimed.message_id)
        if not claimed.look_up:
            _keep_together(session, claimed)
            _refuse_suppressed(session, claimed)
            _let_agents_finish(session, claimed, message)
        channel = self.channels.channels[claimed.channel]
        template = template_use(session, message.id) if channel.answers_within else None
        if template is None and not claimed.look_up:
            refuse_outside(session, channel, claimed)
        ticket = session.get_one(Ticket, claimed.ticket_id)
        stored = sendable_files(session, message.id)
        pieces = channel.plan(message.body, enclosures(stored)).pieces
        piece = pieces[claimed.part] if claimed.part < len(pieces) else Piece()
        files = [stored[place] for place in piece.files]
        habits = settings_of(session, ticket.department_id)
        return OutboundMessage(
            idempotency_key=claimed.idempotency_key,
            to=ExternalId(type=claimed.recipient_type, value=claimed.recipient),
            sender=ExternalId(type=channel.address_type, value=claimed.sender),
            sender_name=habits.from_name or _speaker(session, message, ticket),
            subject=_subject(session, ticket),
            body="\n".join(each for each in (piece.body, *self._links(piece, stored, claimed)) if each),
            references=tuple(mail_names_before(session, message.ticket_id, message.id, _REFERENCES)),
            attachments=tuple(self._attachment(each, claimed) for each in files),
            thread=self._client_thread(session, channel, ticket, message),
            callback_url=self._callback_url(channel, claimed),
            media_urls=tuple(self._media_url(each, now() + FOR_PROVIDERS) for each in files),
            template=template.external_id if template else "",
            filled=tuple(template.filled.items()) if template else (),
            signature=habits.signature,
            automatic=Automatic.ANSWER if claimed.purpose is Purpose.ACKNOWLEDGEMENT else Automatic.NO,
            written_at=claimed.tried_since,
        )

    def _callback_url(self, channel: Channel, claimed: ClaimedDelivery) -> str:
        """Return where the provider reports: our key in it finds the send even before the provider's id is known."""
        if not channel.reports_delivery:
            return ""
        webhook = self.channels.webhook_of[channel.name]
        name = callback_name(self.secret, claimed.idempotency_key, claimed.attempts)
        return f"{self.public_url}/webhooks/{webhook}/status/{name}"

    def _links(self, piece: Piece, stored: Sequence[StoredAttachment], claimed: ClaimedDelivery) -> Iterator[str]:
        """Yield a line for each file that the client fetches: the same at every attempt, so that a look-up finds it."""
        for place in piece.links:
            url = self._media_url(stored[place], claimed.tried_since + FOR_CLIENTS)
            yield f"{clean_line(stored[place].name, _LONGEST_NAME)}: {url}"

    def _media_url(self, file: StoredAttachment, until: datetime) -> str:
        return media_url(self.public_url, self.secret, file.id, until)

    def _client_thread(self, session: Session, channel: Channel, ticket: Ticket, message: Message) -> str:
        if channel.name == AGENTS_CHANNEL:
            return _thread_in_slack(session, ticket, message).rpartition("/")[2]
        return tokens.mint(self.secret, ticket.id, ticket.client_id)

    def _to_agents(self, session: Session, claimed: ClaimedDelivery) -> OutboundMessage:
        channel, _, thread = _thread(session, claimed).rpartition("/")
        to = ExternalId(type=AGENTS_CHANNEL, value=channel)
        message = session.get_one(Message, claimed.message_id)
        if claimed.purpose is Purpose.FILES:
            stored = (self._attachment(each, claimed) for each in sendable_files(session, message.id))
            files = (*whole(message.body), *stored)
            return OutboundMessage(idempotency_key=claimed.idempotency_key, to=to, thread=thread, attachments=files)
        parts = posts(self.channels.channels[AGENTS_CHANNEL], message.body)
        last = claimed.part >= len(parts) - 1
        told = remarks(attachments_of(session, message.id)) if last else ""
        body = (parts[min(claimed.part, len(parts) - 1)] + told).strip()
        return OutboundMessage(
            idempotency_key=claimed.idempotency_key,
            to=to,
            thread=thread,
            body=body or "(no text)",
            sender_name=_author(session, message),
            buttons=self._buttons(session, claimed, message) if last else (),
        )

    def _buttons(self, session: Session, claimed: ClaimedDelivery, message: Message) -> tuple[Button, ...]:
        about = delivery_by_id(session, claimed.about_delivery_id) if claimed.about_delivery_id else None
        if about is not None:
            ticket = session.get_one(Ticket, claimed.ticket_id)
            return (*_remedies(session, about), *mail_buttons(session, self.channels, about, ticket))
        if message.is_system_message:
            return offer_buttons(offer_below(session, message.id))
        return original_buttons(source_of(session, message.id))

    def _attachment(self, file: StoredAttachment, claimed: ClaimedDelivery) -> Attachment:
        if claimed.look_up:
            return Attachment(name=file.name, content_type=file.content_type)
        try:
            content = self.store.get(file.storage_key or "")
        except FileNotFoundError as error:
            raise Undeliverable(f"the file {file.id} is gone from the attachment store", code="file_gone") from error
        except StoreAwayError as error:
            raise TryLater("the attachment store does not answer") from error
        return Attachment(name=file.name, content_type=file.content_type, data=content)


def _thread(session: Session, claimed: ClaimedDelivery) -> str:
    """Return the ticket's thread in the channel where this is shown; each channel has a card of its own."""
    threads = threads_of(session, claimed.ticket_id, AGENTS_THREAD)
    here = next((each for each in threads if each.startswith(f"{claimed.recipient}/")), None)
    if here is None:
        raise TryLater(NO_CARD_YET)
    return here


def _thread_in_slack(session: Session, ticket: Ticket, message: Message) -> str:
    """Return the client's thread for an answer: a ticket that others were merged into has several."""
    own = next(iter(threads_of(session, ticket.id, AGENTS_CHANNEL)), "")
    if own and ticket.id != message.ticket_id:  # made before the merge, for this thread
        return own
    threads = family_threads(session, message.ticket_id, AGENTS_CHANNEL)
    heard = heard_in(session, message.id) if len(threads) > 1 else None
    return heard if heard in threads else own or next(iter(threads), "")


def _let_agents_finish(session: Session, claimed: ClaimedDelivery, message: Message) -> None:
    """Wait for what has arrived from the ticket's threads: it may be the edit or the deletion of this very answer."""
    if now() - claimed.tried_since >= _PATIENCE_WITH_AGENTS:
        return
    if any(is_being_read(session, each) for each in family_threads(session, message.ticket_id, AGENTS_THREAD)):
        raise TryLater("what the agents wrote since is read first", retry_after=1)


def _refuse_suppressed(session: Session, claimed: ClaimedDelivery) -> None:
    address = ExternalId(type=claimed.recipient_type, value=claimed.recipient)
    ticket = session.get_one(Ticket, claimed.ticket_id)
    ours, theirs = spellings(claimed.sender), spellings(address.value)
    why = suppression_of(session, address, senders=ours, alike=theirs, client_id=ticket.client_id)
    if why is not None:
        raise Undeliverable(
            f"this address takes no messages since {why.created_at:%d %b %Y, %H:%M} UTC: {_because(why)}",
            code="suppressed",
        )


def _because(why: Suppression) -> str:
    if why.reason == SuppressionReason.INVALID:
        return "it does not exist, as the provider said"
    if why.reason == SuppressionReason.BOUNCED:
        return "what was sent there came back"
    return f"its owner opted out{f', {why.detail}' if why.detail else ''}"


def _keep_together(session: Session, claimed: ClaimedDelivery) -> None:
    """Hold back what comes after a part that the client has not got: without its beginning it would mislead."""
    if claimed.part and claimed.message_id and parts_before_failed(session, claimed.message_id, claimed.id):
        raise Undeliverable("a part before it was not sent", code=PART_BEFORE)


def _subject(session: Session, ticket: Ticket) -> str:
    title = ticket.title
    if address_of_ticket(session, ticket.id) is not None:  # what we begin answers nothing
        return f"{title} [#{ticket.id}]"
    while title[:3].lower() == "re:":
        title = title[3:].strip()
    return f"Re: {title} [#{ticket.id}]"


def _speaker(session: Session, message: Message, ticket: Ticket) -> str:
    user = session.get(User, message.user_id) if message.user_id else None
    department = session.get(Department, ticket.department_id) if ticket.department_id else None
    return " · ".join(each.name for each in (user, department) if each is not None)


def _remedies(session: Session, delivery: Delivery) -> tuple[Button, ...]:
    if delivery.status == DeliveryStatus.HELD:
        return held_buttons(session, delivery)
    return (retry_button(delivery.id),)


def _author(session: Session, message: Message) -> str:
    if message.client_id is not None:
        return session.get_one(Client, message.client_id).name
    return session.get_one(User, message.user_id).name if message.user_id is not None else ""
