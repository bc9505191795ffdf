"""What agents see of their work: at home, in a list that they ask for, in a line."""

from collections.abc import Collection, Iterator

from sqlalchemy.orm import Session

from channels.base import AgentAction, ExternalId, Home, Listing, Profile
from channels.listing import TicketLine
from models.inbound_events import EventStatus
from models.users import User, UserType, departments_of
from models.worklists import NOT_ENDED, WAITING, Listed, Worklist, of_nobody, of_user, within, worklist
from workers.desk.identity import Refusal, user_for
from workers.desk.outcome import HomeShown, Outcome
from workers.outbox import AGENTS_CHANNEL

# Of each list at home.
LINES = 20
_NO_AGENT = "Your account {refusal}.\n\nFrontdesk is where your team answers its clients."
_YOUR_ID = " If you are to answer too, give an administrator this id for desk.toml: {person}"


def departments_for(session: Session, user: User) -> set[int] | None:
    """Return the departments in which a user may act, `None` where that is everywhere."""
    return None if user.type == UserType.ADMINISTRATOR else departments_of(session, user)


def home_for(session: Session, person: ExternalId, profile: Profile | None, notice: str = "") -> Home:
    """Return what somebody sees when they open the app, whoever they are."""
    user = user_for(session, person, profile)
    if isinstance(user, Refusal):
        may_become_one = _YOUR_ID.format(person=person.value) if user is Refusal.UNKNOWN else ""
        return Home(notice=_NO_AGENT.format(refusal=user) + may_become_one)
    return Home(notice=notice, listings=tuple(_lists(session, user, departments_for(session, user))))


def refreshed(session: Session, action: AgentAction, profile: Profile | None, outcome: Outcome) -> Outcome:
    """Show somebody's home anew after what they did there; what they would be answered stands on top of it."""
    if outcome.status is not EventStatus.PROCESSED:
        return outcome
    notice = "\n".join(answer.text for answer in outcome.answers)
    shown = HomeShown(person=action.actor, home=home_for(session, action.actor, profile, notice))
    return Outcome(asks=outcome.asks, homes=(shown,))


def _lists(session: Session, user: User, department_ids: Collection[int] | None) -> Iterator[Listing]:
    mine = worklist(session, NOT_ENDED, LINES, of_user(user.id), within(department_ids))
    yield listing_of("Your tickets", mine, more="/desk mine", empty="You have no tickets.")
    free = worklist(session, WAITING, LINES, of_nobody(), within(department_ids))
    yield listing_of("Nobody's tickets", free, more="/desk waiting", empty="Nothing waits for an agent.", free=True)


def listing_of(title: str, tickets: Worklist, *, more: str = "", empty: str = "", free: bool = False) -> Listing:
    """Return tickets as agents see them."""
    return Listing(
        title=title,
        lines=tuple(map(line_of, tickets.listed)),
        left_out=tickets.number - len(tickets.listed),
        more=more,
        empty=empty,
        free=free,
    )


def line_of(listed: Listed) -> TicketLine:
    """Return one ticket as agents see it."""
    return TicketLine(
        ticket_id=listed.ticket.id,
        title=listed.ticket.title,
        client=listed.client,
        channel=listed.channel,
        status=listed.ticket.status,
        priority=listed.ticket.priority,
        opened_at=listed.ticket.created_at,
        waiting_since=listed.waiting_since,
        assignees=listed.assignees,
        thread=ExternalId(type=AGENTS_CHANNEL, value=listed.thread) if listed.thread else None,
    )
