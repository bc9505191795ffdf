"""The outbox: which sends a change causes. They are rows of the same transaction as the change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from channels.base import Plan, bounded
from channels.registry import Registry
from models.attachments import StoredFile, add_attachments, has_files, sendable_files
from models.deliveries import NOT_BEGUN, NewDelivery, Purpose, cancel_deliveries, lock_deliveries_to_client
from models.departments import Desk, desk_of
from models.messages import add_message, not_yet_shown
from models.ticket_addresses import answers_go_to
from models.tickets import Ticket
from workers.db import deliver_soon
from workers.enclosures import enclosures
from workers.thread_text import posts, whole

# The channel in which agents work, and the type of a ticket's thread there.
AGENTS_CHANNEL = "slack"
AGENTS_THREAD = "slack_agents"
# Messages, the newest, when a ticket moves.
MOST_THAT_FOLLOW = 20


def lane_to(channel: str, recipient: str) -> str:
    """Return the lane of what goes to an address of a client's."""
    return bounded(f"{channel}:{recipient}")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to a client: by which channel, to which address of theirs, from which of ours."""

    channel: str
    recipient: str
    sender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A message as the agents are to see it: with its files, or as a notice `about` a failed send."""

    message_id: int | None = None
    body: str = ""
    files: bool = False
    about: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Makes sends; `hold` is how many seconds an agent's reply waits so that it can be edited or deleted."""

    channels: Registry
    hold: float

    def open_card(self, session: Session, ticket: Ticket, desk: Desk, shown: Shown) -> None:
        """Show a new ticket to its agents: the card, and its first message in the thread."""
        deliver_soon(session, [*self._card(ticket, desk, Purpose.CARD), *self._shown(ticket, desk, shown)])

    def show(self, session: Session, ticket: Ticket, desk: Desk, shown: Shown, *, card: bool = False) -> None:
        """Show a message in the agents' thread; with `card`, renew the card too.

        Where the agents work in another channel by now, a card of its own is posted there first.
        """
        renewal = self._card(ticket, desk, Purpose.CARD_UPDATE) if card else []
        deliver_soon(session, [*self._card(ticket, desk, Purpose.CARD), *self._shown(ticket, desk, shown), *renewal])

    def tell(
        self,
        session: Session,
        ticket: Ticket,
        text: str,
        *,
        about: int | None = None,
        desk: Desk | None = None,
        card: bool = False,
    ) -> None:
        """Tell the agents of a ticket something: a system message, shown in the thread, or in that of another desk."""
        message_id = add_message(session, ticket_id=ticket.id, body=text)
        shown = Shown(message_id=message_id, body=text, about=about)
        self.show(session, ticket, desk or desk_of(session, ticket.department_id), shown, card=card)

    def move(self, session: Session, ticket: Ticket, before: Desk, after: Desk, text: str) -> None:
        """Bring a ticket to another desk: what people said follows its card, and the old card says where it went."""
        moved = Shown(message_id=add_message(session, ticket_id=ticket.id, body=text), body=text)
        earlier = self._earlier(session, ticket, after)
        deliver_soon(
            session,
            [
                *self._shown(ticket, before, moved),
                *self._card(ticket, before, Purpose.CARD_UPDATE),
                # A card that stands there from before is not made again; the renewal brings signs to a new one too.
                *self._card(ticket, after, Purpose.CARD),
                *self._card(ticket, after, Purpose.CARD_UPDATE),
                *(each for shown in (*earlier, moved) for each in self._shown(ticket, after, shown)),
            ],
        )

    def _earlier(self, session: Session, ticket: Ticket, desk: Desk) -> list[Shown]:
        return [
            Shown(message_id=each.id, body=each.body, files=has_files(session, each.id))
            for each in not_yet_shown(session, ticket.id, desk.agents_channel or "", MOST_THAT_FOLLOW)
        ]

    def answers_end(self, channel: str) -> bool:
        """Say whether a channel takes answers for a while only, so that every message of a client's renews the card."""
        return self.channels.channels[channel].answers_within is not None

    def bring(self, session: Session, ticket: Ticket, text: str, files: Sequence[StoredFile]) -> None:
        """Bring files to the agents of a ticket: a system message that has them."""
        message_id = add_message(session, ticket_id=ticket.id, body=text)
        add_attachments(session, message_id, files)
        shown = Shown(message_id=message_id, body=text, files=any(file.storage_key for file in files))
        self.show(session, ticket, desk_of(session, ticket.department_id), shown)

    def renew_card(self, session: Session, ticket: Ticket) -> None:
        """Bring the card up to date; renewals that wait already are this one too."""
        deliver_soon(session, self._card(ticket, desk_of(session, ticket.department_id), Purpose.CARD_UPDATE))

    def send_to_client(
        self,
        session: Session,
        ticket: Ticket,
        message_id: int,
        body: str,
        *,
        hold: bool,
        purpose: Purpose = Purpose.MESSAGE,
    ) -> Plan | None:
        """Send a message of ours to where the client wrote from last, or else to whom the ticket was opened for.

        Returns how it goes, `None` when neither is known.
        """
        source = answers_go_to(session, ticket.id)
        if source is None:
            return None
        recipient = self.channels.channels[source.channel].answer_address(source.sender, source.recipient)
        way = Way(source.channel, recipient, source.recipient)
        plan, parts = self._parts(session, ticket, way, message_id, body)
        wait = self.hold if hold else 0.0
        deliver_soon(session, [replace(each, purpose=purpose, hold=wait) for each in parts])
        return plan

    def send_by(self, session: Session, ticket: Ticket, way: Way, message_id: int, body: str) -> None:
        """Send a message of ours to the client by this way, at once."""
        _, parts = self._parts(session, ticket, way, message_id, body)
        deliver_soon(session, parts)

    def _parts(
        self, session: Session, ticket: Ticket, way: Way, message_id: int, body: str
    ) -> tuple[Plan, list[NewDelivery]]:
        channel = self.channels.channels[way.channel]
        plan = channel.plan(body, enclosures(sendable_files(session, message_id)))
        part = NewDelivery(
            ticket_id=ticket.id,
            message_id=message_id,
            purpose=Purpose.MESSAGE,
            channel=way.channel,
            recipient_type=channel.address_type,
            recipient=way.recipient,
            sender=way.sender,
            to_client=True,
            lane=lane_to(way.channel, way.recipient),
        )
        return plan, [replace(part, part=number) for number in range(len(plan.pieces))]

    def hold_back(self, session: Session, message_id: int) -> bool:
        """Cancel the sends of an agent's message unless one may have gone out; says whether they were canceled."""
        sends = lock_deliveries_to_client(session, message_id)
        if not sends or any(each.status not in NOT_BEGUN for each in sends):
            return False
        cancel_deliveries(session, [each.id for each in sends])
        return True

    def mark(self, session: Session, ticket_id: int, message_id: int, desk: Desk) -> None:
        """Show on an agent's own message what has become of it; the mark is worked out when it is set."""
        if self._on(desk):
            marked = Shown(message_id=message_id)
            deliver_soon(
                session, [self._to_agents(ticket_id, desk, Purpose.RECEIPT, marked, lane=f"mark:{message_id}")]
            )

    def _on(self, desk: Desk) -> bool:
        return desk.agents_channel is not None and self.channels.channels[AGENTS_CHANNEL].connected

    def _card(self, ticket: Ticket, desk: Desk, purpose: Purpose) -> list[NewDelivery]:
        # Renewals have a lane of their own: Slack counts them apart, and no post is to wait behind one.
        lane = bounded(f"card:{ticket.id}:{desk.agents_channel}") if purpose is Purpose.CARD_UPDATE else ""
        return [self._to_agents(ticket.id, desk, purpose, Shown(), lane=lane)] if self._on(desk) else []

    def _shown(self, ticket: Ticket, desk: Desk, shown: Shown) -> list[NewDelivery]:
        if not self._on(desk):
            return []
        parts = range(len(posts(self.channels.channels[AGENTS_CHANNEL], shown.body)))
        texts = [self._to_agents(ticket.id, desk, Purpose.MESSAGE, shown, part=part) for part in parts]
        files = shown.files or whole(shown.body)
        return [*texts, *([self._to_agents(ticket.id, desk, Purpose.FILES, shown)] if files else ())]

    def _to_agents(
        self, ticket_id: int, desk: Desk, purpose: Purpose, shown: Shown, *, part: int = 0, lane: str = ""
    ) -> NewDelivery:
        return NewDelivery(
            ticket_id=ticket_id,
            message_id=shown.message_id,
            purpose=purpose,
            part=part,
            channel=AGENTS_CHANNEL,
            recipient_type=AGENTS_THREAD,
            recipient=desk.agents_channel or "",
            lane=lane or bounded(f"ticket:{ticket_id}:{desk.agents_channel}"),
            about_delivery_id=shown.about,
        )
