"""The outbox: which sends a change causes. They are rows of the same transaction as the change."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from channels.registry import Registry
from models.deliveries import DeliveryStatus, NewDelivery, Purpose, cancel_deliveries, deliveries_to_client
from models.departments import Desk, desk_of
from models.messages import add_message, last_source
from models.tickets import Ticket
from workers.db import deliver_soon

# The channel in which agents work, and the type of a ticket's thread there.
AGENTS_CHANNEL = "slack"
AGENTS_THREAD = "slack_agents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Makes sends; `hold` is how many seconds an agent's reply waits so that it can be edited or deleted."""

    channels: Registry
    hold: float

    def open_card(self, session: Session, ticket: Ticket, desk: Desk, message_id: int, *, files: bool) -> None:
        """Show a new ticket to its agents: the card, and its first message in the thread."""
        self._add(
            session, [*self._card(ticket, desk, Purpose.CARD), *self._shown(ticket, desk, [message_id], files=files)]
        )

    def show(  # noqa: PLR0913 (what may be shown together)
        self,
        session: Session,
        ticket: Ticket,
        desk: Desk,
        message_ids: Sequence[int],
        *,
        files: bool = False,
        about: int | None = None,
        card: bool = False,
    ) -> None:
        """Show messages in the agents' thread, in order; with `card`, renew the card too."""
        shown = self._shown(ticket, desk, message_ids, files=files, about=about)
        self._add(session, [*shown, *(self._card(ticket, desk, Purpose.CARD_UPDATE) if card else ())])

    def tell(
        self, session: Session, ticket: Ticket, text: str, *, about: int | None = None, card: bool = False
    ) -> None:
        """Tell the agents of a ticket something: a system message, shown in the thread."""
        message_id = add_message(session, ticket_id=ticket.id, body=text)
        self.show(session, ticket, desk_of(session, ticket.department_id), [message_id], about=about, card=card)

    def renew_card(self, session: Session, ticket: Ticket) -> None:
        """Bring the card up to date; renewals that wait already are this one too."""
        self._add(session, self._card(ticket, desk_of(session, ticket.department_id), Purpose.CARD_UPDATE))

    def send_to_client(self, session: Session, ticket: Ticket, message_id: int, body: str, *, hold: bool) -> bool:
        """Send an agent's message to where the client wrote from last; false when they never wrote."""
        source = last_source(session, ticket.id)
        if source is None:
            return False
        channel = self.channels.channels[source.channel]
        recipient = channel.answer_address(source.sender, source.recipient)
        deliver_soon(
            session,
            [
                NewDelivery(
                    ticket_id=ticket.id,
                    message_id=message_id,
                    purpose=Purpose.MESSAGE,
                    part=part,
                    channel=channel.name,
                    recipient_type=channel.address_type,
                    recipient=recipient,
                    sender=source.recipient,
                    to_client=True,
                    lane=f"{channel.name}:{recipient}",
                    hold=self.hold if hold else 0.0,
                )
                for part in range(len(channel.split(body)))
            ],
        )
        return True

    def hold_back(self, session: Session, message_id: int) -> bool:
        """Cancel the sends of an agent's message unless one has begun; says whether they were canceled."""
        sends = deliveries_to_client(session, message_id)
        if not sends or any(each.status != DeliveryStatus.PENDING or each.attempts for each in sends):
            return False
        cancel_deliveries(session, [each.id for each in sends])
        return True

    def mark(self, session: Session, ticket_id: int, message_id: int, desk: Desk) -> None:
        """Show on an agent's own message what has become of it; the mark is worked out when it is set."""
        if self._on(desk):
            self._add(
                session, [self._to_agents(ticket_id, desk, Purpose.RECEIPT, message_id, lane=f"mark:{message_id}")]
            )

    def _on(self, desk: Desk) -> bool:
        return desk.agents_channel is not None and self.channels.channels[AGENTS_CHANNEL].connected

    def _add(self, session: Session, deliveries: Sequence[NewDelivery]) -> None:
        deliver_soon(session, deliveries)

    def _card(self, ticket: Ticket, desk: Desk, purpose: Purpose) -> list[NewDelivery]:
        return [self._to_agents(ticket.id, desk, purpose, None)] if self._on(desk) else []

    def _shown(
        self, ticket: Ticket, desk: Desk, message_ids: Sequence[int], *, files: bool, about: int | None = None
    ) -> list[NewDelivery]:
        if not self._on(desk):
            return []
        texts = [self._to_agents(ticket.id, desk, Purpose.MESSAGE, each, about=about) for each in message_ids]
        return [*texts, *([self._to_agents(ticket.id, desk, Purpose.FILES, message_ids[-1])] if files else ())]

    def _to_agents(
        self,
        ticket_id: int,
        desk: Desk,
        purpose: Purpose,
        message_id: int | None,
        *,
        lane: str = "",
        about: int | None = None,
    ) -> NewDelivery:
        return NewDelivery(
            ticket_id=ticket_id,
            message_id=message_id,
            purpose=purpose,
            channel=AGENTS_CHANNEL,
            recipient_type=AGENTS_THREAD,
            recipient=desk.agents_channel or "",
            lane=lane or f"ticket:{ticket_id}",
            about_delivery_id=about,
        )
