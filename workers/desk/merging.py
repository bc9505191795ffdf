"""Merging tickets of one client, merging clients who are one person, and undoing either.

Only people merge, never the desk by itself. Nothing is deleted: rows change hands, and the journal says which.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from channels.base import clean_line
from models.belongings import (
    departments_of_clients,
    give_back_since,
    give_messages_to_tickets_client,
    lock_names,
    move_all,
    move_back,
    open_tickets,
)
from models.clients import Client, client_by_id
from models.departments import desk_of
from models.merges import (
    Merge,
    MergeKind,
    add_merge,
    lock_merges,
    lock_standing,
    mark_undone,
    merge_by_id,
    newer_merge,
    restore_states,
    state_of,
    survivor_of,
)
from models.messages import add_message
from models.offers import Offered, OfferKind, offer
from models.tickets import Ticket, TicketStatus, lock_ticket
from models.users import User, works_in
from workers.desk import lifecycle
from workers.logs import get_logger
from workers.outbox import Outbox, Shown

log = get_logger()

_TITLE = 100


class MergeRefusedError(Exception):
    """Nothing was changed; the text is a sentence for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """Merges and undoes, and tells the agents of the tickets; `agent` is the user who asks, if they may."""

    outbox: Outbox

    def merge_tickets(self, session: Session, kept_id: int, merged_id: int, agent: User) -> Merge:
        """Put a ticket into another of the same client; for one merged before, the ticket that stands for it counts.

        Raises `MergeRefusedError`.
        """
        lock_merges(session)
        merged, kept = _standing_ticket(session, merged_id), _standing_ticket(session, kept_id)
        allow(session, agent, {merged.department_id, kept.department_id})
        _refuse_tickets(merged, kept, (merged_id, kept_id))
        before = _states(session, (merged, kept))
        moved = move_all(session, MergeKind.TICKET, merged.id, kept.id)
        told = self._take_over(session, kept, merged, agent)
        self._end(session, merged, kept, agent)
        after = _states(session, (merged, kept))
        states = {each: {"before": before[each], "after": after[each]} for each in after}
        return _written(
            session,
            Merge(
                kind=MergeKind.TICKET,
                kept_id=kept.id,
                merged_id=merged.id,
                user_id=agent.id,
                moved=moved,
                states=states,
            ),
            [told],
        )

    def _take_over(self, session: Session, kept: Ticket, merged: Ticket, agent: User) -> int:
        why = f"#{merged.id} was merged into this ticket by {agent.name}: {clean_line(merged.title, _TITLE)}"
        said = lifecycle.take_over(session, kept, TicketStatus(merged.status), why)
        told = said or add_message(session, ticket_id=kept.id, body=f"{why}.")
        self._show(session, kept, told)
        return told

    def _end(self, session: Session, merged: Ticket, kept: Ticket, agent: User) -> None:
        why = f"merged into #{kept.id} by {agent.name}"
        ended = TicketStatus(merged.status).ended
        said = None if ended else lifecycle.move(session, merged, TicketStatus.CLOSED, why)
        self._show(session, merged, said or add_message(session, ticket_id=merged.id, body=f"This ticket was {why}."))

    def merge_clients(self, session: Session, kept_id: int, merged_id: int, agent: User) -> Merge:
        """Put a client into another, with outside names, tickets and messages. Raises `MergeRefusedError`."""
        lock_merges(session)
        merged, kept = _standing_client(session, merged_id), _standing_client(session, kept_id)
        _refuse_clients(merged, kept, (merged_id, kept_id))
        lock_names(session, merged.id)
        allow(session, agent, departments_of_clients(session, (merged.id, kept.id)))
        moved = move_all(session, MergeKind.CLIENT, merged.id, kept.id)
        text = f"The client {merged.name} was merged into {kept.name} by {agent.name}."
        told = self._tell(session, moved["tickets"], text)
        return _written(
            session,
            Merge(
                kind=MergeKind.CLIENT,
                kept_id=kept.id,
                merged_id=merged.id,
                user_id=agent.id,
                moved=moved,
                states={},
            ),
            told,
        )

    def undo_merge(self, session: Session, merge_id: int, agent: User) -> Merge:
        """Put exactly the rows that moved back. Raises `MergeRefusedError`.

        What came since stays where it is, but for tickets that only the parted client's names speak of.
        """
        lock_merges(session)
        merge = merge_by_id(session, merge_id)
        if merge is None:
            raise MergeRefusedError(f"There is no merge {merge_id}.")
        if merge.undone_at is not None:
            raise MergeRefusedError("This merge was undone already.")
        if (newer := newer_merge(session, merge)) is not None:
            raise MergeRefusedError(f"Merge {newer} builds on merge {merge_id}: undo {newer} first.")
        undo = self._part_tickets if merge.kind == MergeKind.TICKET else self._part_clients
        undo(session, merge, agent)
        mark_undone(session, merge)
        log.info("merge_undone", merge_id=merge.id, kind=merge.kind)
        return merge

    def _part_tickets(self, session: Session, merge: Merge, agent: User) -> None:
        tickets = [ticket for each in (merge.merged_id, merge.kept_id) if (ticket := lock_ticket(session, each))]
        allow(session, agent, {each.department_id for each in tickets})
        move_back(session, MergeKind.TICKET, merge.moved, merge.kept_id, merge.merged_id)
        restore_states(session, merge)
        for ticket in tickets:
            body = f"The merge of #{merge.merged_id} into #{merge.kept_id} was undone by {agent.name}."
            self._show(session, ticket, add_message(session, ticket_id=ticket.id, body=body))

    def _part_clients(self, session: Session, merge: Merge, agent: User) -> None:
        lock_names(session, merge.kept_id)
        allow(session, agent, departments_of_clients(session, (merge.merged_id, merge.kept_id)))
        move_back(session, MergeKind.CLIENT, merge.moved, merge.kept_id, merge.merged_id)
        since = give_back_since(session, merge)
        give_messages_to_tickets_client(session, merge.kept_id, merge.merged_id)
        merged, kept = _client(session, merge.merged_id), _client(session, merge.kept_id)
        text = f"The merge of the client {merged.name} into {kept.name} was undone by {agent.name}."
        self._tell(session, [*merge.moved["tickets"], *since], text)

    def _tell(self, session: Session, ticket_ids: Collection[int], text: str) -> list[int]:
        """Tell the agents of those tickets that are still worked on: they speak to another client now."""
        told = {
            ticket: add_message(session, ticket_id=ticket.id, body=text) for ticket in open_tickets(session, ticket_ids)
        }
        for ticket, message_id in told.items():
            self._show(session, ticket, message_id)
        return list(told.values())

    def _show(self, session: Session, ticket: Ticket, message_id: int) -> None:
        desk = desk_of(session, ticket.department_id)
        self.outbox.show(session, ticket, desk, Shown(message_id=message_id), card=True)


def _written(session: Session, merge: Merge, told: Collection[int]) -> Merge:
    """Write a merge down, and offer to undo it below the messages that tell of it."""
    add_merge(session, merge)
    for message_id in told:
        offer(session, message_id, Offered(kind=OfferKind.UNDO_MERGE, subject_id=merge.id))
    log.info("merged", merge_id=merge.id, kind=merge.kind, kept_id=merge.kept_id, merged_id=merge.merged_id)
    return merge


def _states(session: Session, tickets: Sequence[Ticket]) -> Mapping[str, dict[str, str | None]]:
    return {str(each.id): state_of(session, each) for each in tickets}


def _standing_ticket(session: Session, ticket_id: int) -> Ticket:
    ticket = lock_standing(session, ticket_id)
    if ticket is None:
        raise MergeRefusedError(f"There is no ticket {ticket_id}.")
    return ticket


def _standing_client(session: Session, client_id: int) -> Client:
    return _client(session, survivor_of(session, MergeKind.CLIENT, client_id))


def _client(session: Session, client_id: int) -> Client:
    client = client_by_id(session, client_id)
    if client is None:
        raise MergeRefusedError(f"There is no client {client_id}.")
    return client


def _refuse_tickets(merged: Ticket, kept: Ticket, asked: tuple[int, int]) -> None:
    first, second = asked
    if first == second:
        raise MergeRefusedError("A ticket cannot be merged into itself.")
    if merged.id == kept.id:
        raise MergeRefusedError(f"#{first} and #{second} are one ticket already: #{kept.id}.")
    if merged.client_id != kept.client_id:
        raise MergeRefusedError(
            f"#{merged.id} and #{kept.id} are of different clients: if these are one person, merge the clients first."
        )


def _refuse_clients(merged: Client, kept: Client, asked: tuple[int, int]) -> None:
    first, second = asked
    if first == second:
        raise MergeRefusedError("A client cannot be merged into themselves.")
    if merged.id == kept.id:
        raise MergeRefusedError(f"Clients {first} and {second} are one already: {kept.id}.")


def allow(session: Session, agent: User, department_ids: Collection[int | None]) -> None:
    """Raise `MergeRefusedError` unless an agent is one of every department that something concerns."""
    if not all(works_in(session, agent, each) for each in department_ids):
        raise MergeRefusedError(f"{agent.name} is not an agent of every department that this concerns.")
