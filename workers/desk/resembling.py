"""Asking the agents whether a new client is one we know, and keeping what they say."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from channels.base import Automatic, Profile, Verdict, clean_line
from models.belongings import departments_of_clients
from models.clients import client_by_id, names_of_client
from models.departments import desk_of
from models.merges import MergeKind, lock_standing, survivor_of
from models.messages import add_message, last_source
from models.offers import Offered, OfferKind, offer
from models.resemblances import Resemblance, greet, note_resemblance, tell_apart
from models.tickets import Ticket, tickets_of_client
from models.users import User
from workers.desk.duplicates import Proposal, possible_duplicates
from workers.desk.merging import MergeRefusedError, allow
from workers.logs import get_logger
from workers.outbox import Outbox, Shown

log = get_logger()

# Of one newcomer: more questions than that are answered by nobody.
_MOST = 3
_NAMES, _LONGEST_LIST = 3, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Resembling:
    """Asks in the thread of the newcomer's ticket, about each two clients once."""

    outbox: Outbox

    def look_at(self, session: Session, client_id: int, profiles: Sequence[Profile]) -> int:
        """Look once for clients whom a newcomer may be and return about how many of them the agents are asked."""
        ticket = _ticket_of(session, client_id) if greet(session, client_id) else None
        if ticket is None or not _a_person_wrote(session, ticket):
            return 0
        found = possible_duplicates(session, ticket.client_id, profiles)[:_MOST]
        return sum(self._ask(session, ticket, each) for each in found)

    def _ask(self, session: Session, ticket: Ticket, proposal: Proposal) -> bool:
        elsewhere = departments_of_clients(session, (proposal.client_id,))
        if elsewhere and ticket.department_id not in elsewhere:  # whose client that is, is not this desk's to know
            return False
        pair = note_resemblance(session, ticket.client_id, proposal.client_id, ticket.id)
        if pair is None:
            return False
        others = [each.value for each in names_of_client(session, proposal.client_id) if each.value != proposal.name]
        names = ", ".join(others[:_NAMES])
        known_as = f" ({clean_line(names, _LONGEST_LIST)})" if names else ""
        text = f"This client may be {proposal.name}{known_as}, who {proposal.reason}."
        message_id = add_message(session, ticket_id=ticket.id, body=text)
        offer(session, message_id, Offered(kind=OfferKind.SAME_CLIENT, subject_id=pair))
        shown = Shown(message_id=message_id, body=text)
        self.outbox.show(session, ticket, desk_of(session, ticket.department_id), shown)
        log.info("resemblance_asked", ticket_id=ticket.id, resemblance_id=pair)
        return True

    def keep_apart(self, session: Session, pair: Resemblance, agent: User) -> None:
        """Note that two clients are two; said before, it is left. Raises `MergeRefusedError`."""
        ticket = lock_standing(session, pair.ticket_id)
        allow(session, agent, departments_of_clients(session, (pair.client_id, pair.other_id)))
        one, other = (survivor_of(session, MergeKind.CLIENT, each) for each in (pair.client_id, pair.other_id))
        if one == other:
            raise MergeRefusedError("They are one client by now: undo that merge first.")
        if tell_apart(session, pair.id, agent.id) and ticket is not None:
            known = client_by_id(session, pair.client_id)
            self.outbox.tell(session, ticket, f"{agent.name} said that this is not {known.name if known else 'them'}.")


def _ticket_of(session: Session, client_id: int) -> Ticket | None:
    newest, _ = tickets_of_client(session, client_id, 1)
    return lock_standing(session, newest[0].id) if newest else None


def _a_person_wrote(session: Session, ticket: Ticket) -> bool:
    """Leave out machines, who name whom they write about, and senders who are not who they say."""
    source = last_source(session, ticket.id)
    return source is not None and source.automatic == Automatic.NO and source.authenticated != Verdict.FAIL
