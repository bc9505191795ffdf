"""What agents do to their messages after these were sent: the client keeps them, unless an agent sends a correction."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from channels.base import AgentAction, Profile, clean_line, clean_text
from models.base import row_id
from models.corrections import add_correction, correction_by_id, take_correction
from models.deliveries import Delivery, DeliveryStatus
from models.departments import desk_of, settings_of
from models.merges import lock_standing
from models.messages import Message, add_message
from models.offers import Offered, OfferKind, offer
from models.tickets import Ticket
from workers.desk.identity import Agent, Refusal, agent_for
from workers.desk.outcome import Outcome, answered
from workers.desk.refusing import refused
from workers.desk.replies import Replies, reply_text
from workers.outbox import Outbox, Shown

# Behind what the message began with: a deleted one cannot be looked at any more.
CHANGED = "was changed after it had been sent: the client keeps the first text."
DELETED = "was deleted after it had been sent: the client keeps it."
NOT_THERE = "The message was changed, but had not reached the client. Write the new text as a message of its own."
NEVER_THERE = "The message was deleted. It had not reached the client."
CORRECTION = "Correction: "
_BEGINNING = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrections:
    """Answers late edits and deletions in the thread, and sends a correction when somebody says so."""

    outbox: Outbox

    def answer(
        self,
        session: Session,
        ticket: Ticket,
        message: Message,
        sends: list[Delivery],
        action: AgentAction,
        profile: Profile | None,
    ) -> None:
        """Say in the thread what the client has, and offer to send the new text of an edit by its author."""
        deleted = action.action == "delete"
        if all(each.status == DeliveryStatus.FAILED for each in sends):
            self.outbox.tell(session, ticket, NEVER_THERE if deleted else NOT_THERE)
        elif deleted:
            self.outbox.tell(session, ticket, f"{_named(message)} {DELETED}")
        elif (text := _new_text(session, ticket, message, action, profile)) is not None:
            self._offer(session, ticket, message, text)
        else:
            self.outbox.tell(session, ticket, f"{_named(message)} {CHANGED} Write again to correct it.")

    def _offer(self, session: Session, ticket: Ticket, message: Message, text: str) -> None:
        correction = add_correction(session, message.id, text)
        said = f"{_named(message)} {CHANGED}"
        told = add_message(session, ticket_id=ticket.id, body=said)
        offer(session, told, Offered(kind=OfferKind.CORRECTION, subject_id=correction))
        self.outbox.show(session, ticket, desk_of(session, ticket.department_id), Shown(message_id=told, body=said))

    def send(self, session: Session, action: AgentAction, profile: Profile | None) -> Outcome:
        """Send the text of an edit as a new message, once."""
        correction = correction_by_id(session, row_id(action.value) or 0)
        message = session.get(Message, correction.message_id) if correction else None
        ticket = lock_standing(session, message.ticket_id) if message else None
        if correction is None or ticket is None:
            return answered(action, "There is no such text.")
        agent = agent_for(session, action.actor, profile, ticket.department_id)
        if isinstance(agent, Refusal):
            return refused(action, agent)
        if not take_correction(session, correction.id):
            return answered(action, "Nothing was sent: it was sent already, or the message was changed again since.")
        text = f"{CORRECTION}{correction.body}"
        Replies(outbox=self.outbox).write(session, ticket, user_id=agent.user_id, name=agent.name, text=text)
        return Outcome()


def _named(message: Message) -> str:
    beginning = clean_line(message.body, _BEGINNING)
    return f"“{beginning}”" if beginning else "A message"


def _new_text(
    session: Session, ticket: Ticket, message: Message, action: AgentAction, profile: Profile | None
) -> str | None:
    """Return what an edit would send, `None` when it is somebody else's, a note, or what the client has."""
    agent = agent_for(session, action.actor, profile, ticket.department_id)
    if not isinstance(agent, Agent) or agent.user_id != message.user_id:
        return None
    text = reply_text(action.value, action.mentions, settings_of(session, ticket.department_id).reply_mode)
    new = clean_text(text) if text else ""
    return new if new and new != message.body else None
