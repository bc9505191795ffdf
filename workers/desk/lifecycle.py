"""How a ticket's status moves. Every change is also a system message, so that the ticket tells its own story."""

from sqlalchemy.orm import Session

from models.assignments import assign, assigned_ids
from models.base import now
from models.messages import add_message, answered_before
from models.tickets import Priority, Ticket, TicketStatus


def client_wrote(session: Session, ticket: Ticket) -> int | None:
    """Move a ticket on because its client wrote; returns the system message that says so if that reopened it."""
    status = TicketStatus(ticket.status)
    if status.ended:
        return move(session, ticket, TicketStatus.WAITING_FOR_AGENT, "the client wrote again")
    if status is TicketStatus.WAITING_FOR_USER:
        move(session, ticket, TicketStatus.WAITING_FOR_AGENT, "the client answered")
    return None


def agent_answered(session: Session, ticket: Ticket, agent: str) -> None:
    """Move a ticket on because an agent answered the client."""
    move(session, ticket, TicketStatus.WAITING_FOR_USER, f"{agent} answered")


def answer_taken_back(session: Session, ticket: Ticket) -> bool:
    """Move a ticket back because an answer was taken back before it left; says whether that changed anything."""
    if ticket.status != TicketStatus.WAITING_FOR_USER:
        return False
    move(session, ticket, TicketStatus.WAITING_FOR_AGENT, "the answer was taken back before it left")
    return True


def answer_failed(session: Session, ticket: Ticket) -> bool:
    """Move a ticket back because an answer may not have arrived; says whether that changed anything."""
    if ticket.status != TicketStatus.WAITING_FOR_USER:
        return False
    move(session, ticket, TicketStatus.WAITING_FOR_AGENT, "an answer may not have reached the client")
    return True


def take_over(session: Session, ticket: Ticket, status: TicketStatus, why: str) -> int | None:
    """Give a ticket the status of one that was merged into it, if that one waits for somebody and this one less so."""
    return move(session, ticket, status, why) if _waits_for(status) > _waits_for(TicketStatus(ticket.status)) else None


def _waits_for(status: TicketStatus) -> int:
    """Rank by who must act: nobody, the client, an agent."""
    if status.ended:
        return 0
    return 1 if status is TicketStatus.WAITING_FOR_USER else 2


def move(session: Session, ticket: Ticket, status: TicketStatus, why: str) -> int | None:
    """Set a ticket's status and tell why in a system message, whose id is returned; `None` when nothing changes."""
    if ticket.status == status:
        return None
    before = ticket.status
    ticket.status = status
    ticket.closed_at = now() if status.ended else None
    return add_message(session, ticket_id=ticket.id, body=f"Status {_words(before)} → {_words(status)}: {why}.")


def _words(status: str) -> str:
    return status.replace("_", " ")


def set_priority(session: Session, ticket: Ticket, priority: Priority, agent: str) -> int | None:
    """Set how soon a ticket is to be answered; returns the system message that says so, `None` when it was that."""
    if ticket.priority == priority:
        return None
    before = ticket.priority
    ticket.priority = priority
    return add_message(session, ticket_id=ticket.id, body=f"Priority {before} → {priority}: {agent} set it.")


def first_answer(session: Session, ticket: Ticket, message_id: int, user_id: int, agent: str) -> int | None:
    """Assign a ticket that nobody has to the author of its first answer; returns the system message that says so."""
    if assigned_ids(session, ticket.id) or answered_before(session, ticket.id, message_id):
        return None
    assign(session, ticket.id, user_id)
    return add_message(session, ticket_id=ticket.id, body=f"{agent} answered first and has the ticket now.")


def take(session: Session, ticket: Ticket, user_id: int, agent: str) -> int | None:
    """Assign an agent; returns the system message that says so, `None` when they were assigned already."""
    if not assign(session, ticket.id, user_id):
        return None
    return add_message(session, ticket_id=ticket.id, body=f"{agent} took the ticket.")
