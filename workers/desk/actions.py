"""What agents do rather than write: buttons, emoji, editing and deleting their messages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from channels.base import AgentAction, ExternalId, Profile, Sign, clean_text
from models.attachments import StoredFile, has_files, keep_attachments
from models.base import row_id
from models.deliveries import (
    deliveries_of,
    deliveries_to_client,
    delivery_by_id,
    release_parts_after,
    reopen_delivery,
)
from models.departments import desk_of, settings_of
from models.merges import lock_standing, merged_into
from models.messages import Message, messages_named
from models.notes import add_note
from models.tickets import Ticket, lock_ticket, ticket_by_external_id, ticket_by_id
from workers.db import Wakeup, enqueue
from workers.desk import lifecycle, window
from workers.desk.card_actions import ACTIONS, CardActions
from workers.desk.corrections import Corrections
from workers.desk.identity import Agent, Refusal, agent_for
from workers.desk.mail_instead import ACTION as INSTEAD
from workers.desk.mail_instead import MailInstead
from workers.desk.merge_actions import MergeActions
from workers.desk.merging import Merging
from workers.desk.offers import CORRECT
from workers.desk.originals import ACTION as ORIGINAL
from workers.desk.outcome import Outcome, answered, ignored
from workers.desk.refusing import refused
from workers.desk.replies import reply_text
from workers.desk.window import Windows
from workers.logs import get_logger
from workers.outbox import AGENTS_THREAD, Outbox

log = get_logger()

NOT_SENT = "Nothing was sent: the message was taken back before. Write a new one to answer the client."
_SIGNED = {Sign.TAKEN: "take", Sign.CLOSED: "close", Sign.URGENT: "urgent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """Records actions; who may is asked at the moment of the action, for the ticket at hand."""

    outbox: Outbox
    windows: Windows

    def record(
        self, session: Session, action: AgentAction, profile: Profile | None, files: Sequence[StoredFile] = ()
    ) -> Outcome:
        """Do what was asked, or say why not; `files` are those that the action asks to be shown."""
        merges = MergeActions(merging=Merging(outbox=self.outbox))
        ways = {
            "edit": self._rewrite,
            "delete": self._rewrite,
            "retry": self._retry,
            "sign": self._signed,
            CORRECT: Corrections(outbox=self.outbox).send,
            INSTEAD: MailInstead(outbox=self.outbox).record,
            **dict.fromkeys(merges.ways, merges.record),
        }
        if action.action in ways:
            return ways[action.action](session, action, profile)
        if action.action == ORIGINAL:
            return self._show_original(session, action, profile, files)
        if action.action in window.ACTIONS:
            return self._on_held(session, action, profile)
        if action.action not in ACTIONS:
            return ignored("no action of ours")
        return self._on_ticket(session, action, profile, row_id(action.value))

    def _signed(self, session: Session, action: AgentAction, profile: Profile | None) -> Outcome:
        """Do what an emoji on a ticket's card asks for; on another message it says nothing to us."""
        card = ExternalId(type=AGENTS_THREAD, value=action.message.value) if action.message else None
        ticket_id = ticket_by_external_id(session, card) if card else None
        if ticket_id is None:
            return ignored("an emoji elsewhere than on a card")
        return self._on_ticket(session, replace(action, action=_SIGNED[Sign(action.value)]), profile, ticket_id)

    def _on_ticket(
        self, session: Session, action: AgentAction, profile: Profile | None, ticket_id: int | None
    ) -> Outcome:
        ticket = lock_ticket(session, ticket_id) if ticket_id else None
        if ticket is None:
            return answered(action, "There is no such ticket.")
        agent = agent_for(session, action.actor, profile, ticket.department_id)
        if isinstance(agent, Refusal):
            return refused(action, agent)
        if (other := merged_into(session, ticket)) is not None:
            return answered(action, f"Nothing was changed: this ticket was merged into #{other}.")
        return CardActions(outbox=self.outbox).act(session, ticket, agent, action)

    def _on_held(self, session: Session, action: AgentAction, profile: Profile | None) -> Outcome:
        held = window.held_delivery(session, action)
        ticket = lock_standing(session, held.ticket_id) if held else None
        if held is None or ticket is None:
            return answered(action, "There is no such message.")
        agent = agent_for(session, action.actor, profile, ticket.department_id)
        if isinstance(agent, Refusal):
            log.warning("action_refused", ticket_id=ticket.id, action=action.action, reason=agent.name)
            return answered(action, f"Nothing was changed: your account {agent}.")
        return self.windows.act(session, ticket, agent, action, held)

    def _retry(self, session: Session, action: AgentAction, profile: Profile | None) -> Outcome:
        delivery = delivery_by_id(session, number) if (number := row_id(action.value)) else None
        ticket = lock_standing(session, delivery.ticket_id) if delivery else None
        if delivery is None or ticket is None:
            return answered(action, "There is no such message.")
        agent = agent_for(session, action.actor, profile, ticket.department_id)
        if isinstance(agent, Refusal):
            return refused(action, agent)
        if not self.send_again(session, delivery.id):
            return answered(action, "It was sent again already.")
        return Outcome()

    def send_again(self, session: Session, delivery_id: int) -> bool:
        """Make a failed or unconfirmed send pending again; asking twice sends once, and the second time is false."""
        asked = delivery_by_id(session, delivery_id)
        ticket = lock_standing(session, asked.ticket_id) if asked else None
        delivery = reopen_delivery(session, delivery_id) if ticket else None
        if delivery is None:
            return False
        release_parts_after(session, delivery)  # they leave behind it, in its lane
        enqueue(session, Wakeup(task="outbound.deliver", channel=delivery.channel, row_id=delivery.id))
        if delivery.message_id is not None and ticket is not None:
            self.outbox.mark(session, ticket.id, delivery.message_id, desk_of(session, ticket.department_id))
        return True

    def _show_original(
        self, session: Session, action: AgentAction, profile: Profile | None, files: Sequence[StoredFile]
    ) -> Outcome:
        """Show the whole of a client's mail in its ticket's thread, as a file that a system message brings."""
        message = session.get(Message, number) if (number := row_id(action.value)) else None
        ticket = lock_ticket(session, message.ticket_id) if message else None
        if message is None or ticket is None:
            return answered(action, "There is no such message.")
        agent = agent_for(session, action.actor, profile, ticket.department_id)
        if isinstance(agent, Refusal):
            return refused(action, agent)
        if not files:
            return answered(action, "The original of this message is not kept.")
        text = f"{agent.name} asked for the original of the message of {message.created_at:%d %b %Y, %H:%M} UTC."
        self.outbox.bring(session, ticket, text, files)
        return Outcome()

    def _rewrite(self, session: Session, action: AgentAction, profile: Profile | None) -> Outcome:
        """Follow an edit or a deletion: within the hold it changes what is sent, later it changes nothing."""
        names = [action.message] if action.message else []
        message = next(iter(messages_named(session, names).values()), None)
        ticket = lock_standing(session, message.ticket_id) if message else None
        if message is None or ticket is None:
            return self._rewrote_nothing(session, action, profile)
        if message.client_id is not None:
            return self._told_of_change(session, ticket, action, "The client")
        if not deliveries_of(session, message.id):
            return self._told_of_change(session, ticket, action, "An agent")
        if self.outbox.hold_back(session, message.id):
            return self._within_hold(session, ticket, message, action, profile)
        if sends := deliveries_to_client(session, message.id):
            Corrections(outbox=self.outbox).answer(session, ticket, message, sends, action, profile)
        elif action.action == "edit":
            self.outbox.tell(session, ticket, NOT_SENT)
        return Outcome()

    def _within_hold(
        self, session: Session, ticket: Ticket, message: Message, action: AgentAction, profile: Profile | None
    ) -> Outcome:
        """Send an edit by its author anew, with a new hold; a deletion leaves the send canceled."""
        agent = agent_for(session, action.actor, profile, ticket.department_id)
        edited = action.action == "edit" and isinstance(agent, Agent) and agent.user_id == message.user_id
        text = _left_to_send(session, ticket, message, action) if edited else None
        if text is not None:
            message.body = clean_text(text)
            self.outbox.send_to_client(session, ticket, message.id, text, hold=True)
        elif lifecycle.answer_taken_back(session, ticket):
            self.outbox.renew_card(session, ticket)
        if edited and text is None and action.value.strip() and message.user_id is not None:
            add_note(session, ticket_id=ticket.id, user_id=message.user_id, body=clean_text(action.value))
        self.outbox.mark(session, ticket.id, message.id, desk_of(session, ticket.department_id))
        log.info("reply_rewritten", ticket_id=ticket.id, message_id=message.id, action=action.action)
        if isinstance(agent, Refusal):
            return answered(action, f"Nothing is sent to the client: your account {agent}.")
        return Outcome()

    def _rewrote_nothing(self, session: Session, action: AgentAction, profile: Profile | None) -> Outcome:
        """Refuse again whoever changes what was no answer because they may not give any."""
        thread = ExternalId(type=AGENTS_THREAD, value=action.thread.value) if action.thread else None
        ticket_id = ticket_by_external_id(session, thread) if thread else None
        ticket = ticket_by_id(session, ticket_id) if ticket_id else None
        if ticket is not None:
            agent = agent_for(session, action.actor, profile, ticket.department_id)
            if isinstance(agent, Refusal):
                return refused(action, agent)
        return ignored("not a message of a ticket")

    def _told_of_change(self, session: Session, ticket: Ticket, action: AgentAction, who: str) -> Outcome:
        """Tell the agents what became of words that stand where the client reads them."""
        what = f"{who} edited a message. It now reads:\n{clean_text(action.value)}"
        self.outbox.tell(session, ticket, what if action.action == "edit" else f"{who} deleted a message.")
        return Outcome()


def _left_to_send(session: Session, ticket: Ticket, message: Message, edit: AgentAction) -> str | None:
    """Return the text that an edit sends, with what it has left of the files; `None` when nothing is to be sent."""
    text = reply_text(edit.value, edit.mentions, settings_of(session, ticket.department_id).reply_mode)
    keep_attachments(session, message.id, edit.files)
    return text if text or (text is not None and has_files(session, message.id)) else None
