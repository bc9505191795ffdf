"""Channels that take answers for a while after the client's last message only, as WhatsApp does.

What an agent writes later is held: it goes out when the client writes, or an agent takes it back. Meanwhile an approved
template may be sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy.orm import Session

from channels.base import (
    AgentAction,
    Blank,
    Button,
    Channel,
    Choice,
    Consent,
    InboundMessage,
    Menu,
    Sheet,
    clean_line,
)
from channels.errors import WindowClosed
from channels.shown import spelled
from models.base import now, row_id
from models.deliveries import (
    Delivery,
    DeliveryStatus,
    cancel_deliveries,
    delivery_by_id,
    lock_deliveries_to_client,
    release_held,
)
from models.delivery_claims import ClaimedDelivery
from models.departments import desk_of
from models.merges import lock_standing, standing_ticket
from models.messages import add_message
from models.templates import Template, template_by_id, templates_of, use_template, used_since
from models.tickets import Ticket
from models.windows import EndingWindow, ending_windows, last_heard, remind_once, span
from workers.db import Wakeup, enqueue
from workers.desk import lifecycle
from workers.desk.identity import Agent, spellings
from workers.desk.outcome import Ask, Outcome, answered
from workers.outbox import Outbox, Shown, Way, lane_to

# How long before the end agents are reminded of a client who waits.
AHEAD = timedelta(hours=1)
# Of templates as buttons; a menu holds the others.
FEW = 8
# Of a template with its blanks filled in: https://www.twilio.com/docs/api/errors/63021.
LONGEST = 1024
ACTIONS = frozenset({"ask_template", "ask_templates", "template", "drop"})
# In which two agents may have filled in the same form.
JUST_NOW = timedelta(minutes=5)
_SENT = "the client has written meanwhile, and what was held is on its way."
_TAKEN_BACK = "this answer was taken back already."


def refuse_outside(session: Session, channel: Channel, claimed: ClaimedDelivery) -> None:
    """Raise `WindowClosed` when the client last wrote too long ago."""
    if channel.answers_within is None:
        return
    heard = last_heard(session, channel.name, spellings(claimed.recipient), spellings(claimed.sender))
    if heard is None:
        raise WindowClosed("the client has never written by this channel")
    if now() >= heard + channel.answers_within:
        hours = channel.answers_within // timedelta(hours=1)
        raise WindowClosed(
            f"the client last wrote on {heard:%d %b %Y, %H:%M} UTC, over {hours} hours ago", heard_at=heard
        )


def opened_since(session: Session, claimed: ClaimedDelivery, error: WindowClosed, begun: datetime) -> bool:
    """Say whether the client wrote after a send was refused as too late: by us, or since it was begun."""
    return wrote_since(session, claimed, error.heard_at or begun)


def wrote_since(session: Session, send: ClaimedDelivery | Delivery, moment: datetime) -> bool:
    """Say whether the client of a send wrote by its channel, to where it goes out from, after a moment."""
    heard = last_heard(session, send.channel, spellings(send.recipient), spellings(send.sender))
    return heard is not None and heard > moment


def held_text(channel: str, reason: str) -> str:
    """Return what agents read about an answer that is held."""
    return (
        f"Held, not sent: {reason}, and {spelled(channel)} takes only approved templates then. "
        "It goes out when the client writes again, unless you take it back. A template can be sent now."
    )


def buttons(session: Session, delivery: Delivery) -> tuple[Button, ...]:
    """Return what can be done about a held answer."""
    templates = templates_of(session, delivery.channel)
    offers = [
        Button(label=_label(each), action="ask_template", value=f"{delivery.id}:{each.id}") for each in templates[:FEW]
    ]
    more = [Button(label="More templates …", action="ask_templates", value=str(delivery.id))]
    drop = Button(label="Take it back", action="drop", value=str(delivery.id), danger=True)
    return (*offers, *(more if len(templates) > FEW else []), drop)


def _label(template: Template) -> str:
    language = f" ({template.language})" if template.language else ""
    return f"{template.name.replace('_', ' ')}{language}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Acts on what is held, and reminds agents of windows that end."""

    outbox: Outbox

    def act(self, session: Session, ticket: Ticket, agent: Agent, action: AgentAction, held: Delivery) -> Outcome:
        """Do one of `ACTIONS`; who acts was asked before, and the ticket is locked."""
        sends = lock_deliveries_to_client(session, held.message_id or 0)
        if not any(each.status == DeliveryStatus.HELD for each in sends):
            taken_back = all(each.status == DeliveryStatus.CANCELED for each in sends)
            return answered(action, f"Nothing was changed: {_TAKEN_BACK if taken_back else _SENT}")
        if action.action == "drop":
            return self._drop(session, ticket, agent, sends)
        if action.action == "ask_templates":
            return _asked(action, _menu(session, held))
        return self._template(session, ticket, agent, action, held)

    def _drop(self, session: Session, ticket: Ticket, agent: Agent, sends: Sequence[Delivery]) -> Outcome:
        cancel_deliveries(session, [each.id for each in sends])
        lifecycle.answer_taken_back(session, ticket)
        said = add_message(session, ticket_id=ticket.id, body=f"{agent.name} took the held answer back.")
        desk = desk_of(session, ticket.department_id)
        self.outbox.show(session, ticket, desk, Shown(message_id=said), card=True)
        self.outbox.mark(session, ticket.id, sends[0].message_id or 0, desk)
        return Outcome()

    def _template(self, session: Session, ticket: Ticket, agent: Agent, action: AgentAction, held: Delivery) -> Outcome:
        chosen = action.choices[0] if action.choices else action.value.partition(":")[2]
        template = template_by_id(session, row_id(chosen) or 0)
        if template is None or template.channel != held.channel:
            return answered(action, "Nothing was sent: this template is gone.")
        if action.action == "ask_template" or action.choices:
            return _asked(action, _sheet(held, template))
        filled = dict(action.filled)
        if any(not filled.get(name, "").strip() for name in template.blanks):
            return answered(action, "Nothing was sent: every blank of the template must be filled in.")
        if used_since(session, ticket.id, now() - JUST_NOW):
            return answered(action, "Nothing was sent: a template has just gone out in this ticket.")
        if len(_filled_in(template, filled)) > LONGEST:
            return answered(
                action, f"Nothing was sent: with what is filled in the template is over {LONGEST} characters."
            )
        self._send(session, ticket, agent, held, template, {name: filled[name] for name in template.blanks})
        return Outcome()

    def _send(
        self,
        session: Session,
        ticket: Ticket,
        agent: Agent,
        held: Delivery,
        template: Template,
        filled: Mapping[str, str],
    ) -> None:
        text = _filled_in(template, filled)
        message_id = add_message(session, ticket_id=ticket.id, body=text, user_id=agent.user_id)
        use_template(session, message_id, template.external_id, filled)
        desk = desk_of(session, ticket.department_id)
        self.outbox.show(session, ticket, desk, Shown(message_id=message_id, body=text))
        way = Way(held.channel, held.recipient, held.sender)
        self.outbox.send_by(session, ticket, way, message_id, text)

    def release(self, session: Session, channel: str, said: InboundMessage) -> None:
        """Send what is held for a client who has written: it leaves before what is written from now on."""
        opens = self.outbox.channels.channels[channel].answers_within is not None
        if not opens or said.consent is Consent.WITHDRAWN or not said.recipients:
            return
        for client in sorted(spellings(said.sender.value)):
            self._release(session, lane_to(channel, client), said.recipients[0].value)

    def _release(self, session: Session, lane: str, ours: str) -> None:
        for ticket_id, sends in groupby(release_held(session, lane, spellings(ours)), key=lambda each: each.ticket_id):
            ticket = standing_ticket(session, ticket_id)
            if ticket is None or ticket.closed_at is not None:
                self._too_late(session, ticket, [*sends])
                continue
            for each in sends:
                enqueue(session, Wakeup(task="outbound.deliver", channel=each.channel, row_id=each.id))
            self.outbox.tell(session, ticket, "The client wrote: what was held for them goes out now.")

    def _too_late(self, session: Session, ticket: Ticket | None, sends: Sequence[Delivery]) -> None:
        """Leave out what was held in a ticket that has ended: the client writes about something else."""
        cancel_deliveries(session, [each.id for each in sends])
        if ticket is None:
            return
        desk = desk_of(session, ticket.department_id)
        for message_id in dict.fromkeys(each.message_id or 0 for each in sends):
            self.outbox.mark(session, ticket.id, message_id, desk)
        self.outbox.tell(session, ticket, "The client wrote. What was held here is not sent: this ticket is closed.")

    def remind(self, session: Session) -> int:
        """Tell the agents of clients who wait and soon cannot be answered freely; returns of how many tickets."""
        windows = {
            name: each.answers_within for name, each in self.outbox.channels.channels.items() if each.answers_within
        }
        reminded = 0
        for name, within in windows.items():
            for ending in ending_windows(session, [name], *span(within, AHEAD, now())):
                reminded += self._remind(session, ending, name, within)
        return reminded

    def _remind(self, session: Session, ending: EndingWindow, channel: str, within: timedelta) -> bool:
        ticket = lock_standing(session, ending.ticket_id)
        if ticket is None or not remind_once(session, ending.message_id):
            return False
        ends = ending.heard_at + within
        self.outbox.tell(
            session, ticket, f"The client waits, and {spelled(channel)} takes free answers until {ends:%H:%M} UTC only."
        )
        return True


def held_delivery(session: Session, action: AgentAction) -> Delivery | None:
    """Return the held send that an action is about."""
    return delivery_by_id(session, row_id(action.value.partition(":")[0]) or 0)


def _asked(action: AgentAction, asked: Menu | Sheet) -> Outcome:
    return Outcome(asks=(Ask(trigger=action.trigger, answer_url=action.answer_url, asked=asked),))


def _menu(session: Session, held: Delivery) -> Menu:
    choices = tuple(Choice(label=_label(each), value=str(each.id)) for each in templates_of(session, held.channel))
    return Menu(label="Template", action="template", value=str(held.id), choices=choices)


def _sheet(held: Delivery, template: Template) -> Sheet:
    return Sheet(
        label="Send a template",
        action="template",
        value=f"{held.id}:{template.id}",
        text=template.body,
        blanks=tuple(Blank(name=name, label=f"Blank {name}") for name in template.blanks),
    )


def _filled_in(template: Template, filled: Mapping[str, str]) -> str:
    text = template.body
    for name in template.blanks:
        text = text.replace(f"{{{{{name}}}}}", clean_line(filled[name], LONGEST))
    return text
