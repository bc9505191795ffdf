"""What agents press about merges: a ticket into another, two clients into one, and either undone.

The ticket is not locked before: merges take their own lock first, and their tickets in their own order.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from channels.base import AgentAction, Choice, Menu, Profile, clean_line
from models.base import row_id
from models.merges import standing_tickets_of
from models.resemblances import Resemblance, resemblance_by_id
from models.tickets import Ticket
from models.users import User, UserType, departments_of
from workers.desk.identity import Refusal, user_for
from workers.desk.merging import MergeRefusedError, Merging
from workers.desk.offers import NOT_SAME, SAME, UNDO
from workers.desk.outcome import Outcome, answered
from workers.desk.refusing import refused
from workers.desk.resembling import Resembling

# As many as a menu shows without groups.
_LISTED = 100
_TITLE = 50


def merge_menu(session: Session, ticket: Ticket, user: User) -> Menu:
    """Return the tickets that this one can be merged into: the client's others, of the user's departments."""
    own = None if user.type == UserType.ADMINISTRATOR else departments_of(session, user)
    tickets = standing_tickets_of(session, ticket.client_id, _LISTED + 1, department_ids=own)
    others = [each for each in tickets if each.id != ticket.id][:_LISTED]
    choices = tuple(Choice(label=_label(each), value=str(each.id)) for each in others)
    return Menu(label="Merge this ticket into", action="merge", value=str(ticket.id), choices=choices)


def _label(ticket: Ticket) -> str:
    return f"#{ticket.id} {clean_line(ticket.title, _TITLE)} ({ticket.status.replace('_', ' ')})"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeActions:
    """Merges, and says why not; who may is asked by `Merging`, for every department that this concerns."""

    merging: Merging

    @property
    def ways(self) -> dict[str, Callable[[Session, AgentAction, User], None]]:
        """Return what can be asked for, by the name of the action."""
        return {
            "merge": self._merge_tickets,
            UNDO: self._undo,
            SAME: self._merge_clients,
            NOT_SAME: self._tell_apart,
        }

    def record(self, session: Session, action: AgentAction, profile: Profile | None) -> Outcome:
        """Do what was pressed; what is so already is left, and said."""
        user = user_for(session, action.actor, profile)
        if isinstance(user, Refusal):
            return refused(action, user)
        try:
            self.ways[action.action](session, action, user)
        except MergeRefusedError as error:
            return answered(action, f"Nothing was changed: {error}")
        return Outcome()

    def _merge_tickets(self, session: Session, action: AgentAction, user: User) -> None:
        kept = action.choices[0] if len(action.choices) == 1 else ""
        self.merging.merge_tickets(session, _number(kept), _number(action.value), user)

    def _undo(self, session: Session, action: AgentAction, user: User) -> None:
        self.merging.undo_merge(session, _number(action.value), user)

    def _merge_clients(self, session: Session, action: AgentAction, user: User) -> None:
        pair = _pair(session, action)
        if pair.distinct_since is not None:
            raise MergeRefusedError("An agent said that these are two people. `frontdesk clients merge` merges them.")
        self.merging.merge_clients(session, pair.client_id, pair.other_id, user)

    def _tell_apart(self, session: Session, action: AgentAction, user: User) -> None:
        Resembling(outbox=self.merging.outbox).keep_apart(session, _pair(session, action), user)


def _pair(session: Session, action: AgentAction) -> Resemblance:
    pair = resemblance_by_id(session, _number(action.value))
    if pair is None:
        raise MergeRefusedError("There are no such two clients.")
    return pair


def _number(text: str) -> int:
    return row_id(text) or 0
