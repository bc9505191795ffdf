"""What agents write where clients write: who is which is decided by who they are, not by the channel."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from channels.base import InboundMessage, Profile
from models.attachments import StoredFile
from models.departments import Desk
from models.tickets import Ticket
from models.users import User, works_in
from workers.desk.identity import Agent, Refusal, user_for
from workers.desk.outcome import Outcome, answered, ignored
from workers.desk.replies import Replies
from workers.desk.threading import thread_ticket
from workers.outbox import Outbox

NO_CLIENT = "Nothing was opened: your account is an agent's. Answer in a ticket's thread; `/desk help` says more."


@dataclass(frozen=True, slots=True, kw_only=True)
class AmongClients:
    """Tells agents from clients in the clients' channels, and records what agents answer there."""

    outbox: Outbox
    replies: Replies

    def record(
        self, session: Session, said: InboundMessage, profile: Profile | None, here: Desk, files: Sequence[StoredFile]
    ) -> Outcome | None:
        """Record what an agent of this ticket or of the desk `here` wrote; `None` when they are a client to it.

        Who works in other departments only is one: colleagues ask for help too.
        """
        user = user_for(session, said.sender, profile)
        if isinstance(user, Refusal):
            return None
        ticket = thread_ticket(session, said)
        if ticket is not None and works_in(session, user, ticket.department_id):
            self.replies.heard(session, ticket, Agent(user_id=user.id, name=user.name), said, files)
            return Outcome()
        if here.department_id is None or not works_in(session, user, here.department_id):
            return None
        return self._beside(session, said, user, ticket)

    def _beside(self, session: Session, said: InboundMessage, user: User, ticket: Ticket | None) -> Outcome:
        """Open nothing for an agent who only talks here."""
        if ticket is not None:  # that has moved to a department which is not theirs
            told = f"{user.name}, of another department, wrote in the client's thread:\n{said.body}"
            self.outbox.tell(session, ticket, told)
            return Outcome()
        return answered(said, NO_CLIENT) if said.direct else ignored("an agent beside the clients' threads")
