"""A desk driven from a test: what arrives is stored as the doors store it, and `work` does what the workers would.

Real database, real rules, real channels; the other side is the sandbox. Only Celery is left out: tests of rules need no
luck with time. Whole processes are driven in tests/acceptance.
"""

import json
import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import text
from sqlalchemy.orm import Session

import sandbox
from channels.base import RawEvent, Request
from channels.email.event import raw_event
from models.deliveries import Delivery
from models.delivery_claims import due_deliveries
from models.inbound_events import due_events
from models.messages import Message, messages_of
from models.notes import Note, notes_of
from models.tickets import Ticket, TicketStatus, list_tickets
from sandbox.client import Sandbox
from workers.callbacks import callback_name
from workers.cli.apply import Applier, read_desk
from workers.inbox import Inbox
from workers.runtime import Runtime
from workers.tasks.inbound import ingest_conversation
from workers.tasks.outbound import deliver_lane

NO_TIME = timedelta(0)
_WAITS = {
    "deliveries": ("next_attempt_at", "lease_until", "turn_at"),
    "inbound_events": ("next_attempt_at", "lease_until"),
    "throttles": ("turns_until", "paused_until", "next_try_at"),
}
_numbers = count(1)
# How many effects and mails a sandbox had when the last desk beside it was made, by the sandbox's address.
_seen: dict[str, tuple[int, int]] = {}


def apply_example(tools: Runtime) -> None:
    example = Path(str(sandbox.__file__)).with_name("desk.toml")
    with tools.database.session_scope() as session:
        list(Applier(session=session, channels=tools.channels).apply(read_desk(example)))


class Desk:
    """One desk and the sandbox beside it."""

    def __init__(self, tools: Runtime, sandbox: Sandbox) -> None:
        self.tools = tools
        self.sandbox = sandbox
        self.inbox = Inbox(tools.database, lambda _: None)
        self._effects, self._mails = self._what_others_left()
        # The sandbox outlives the desk: a number of its own keeps another test's texts out of what is looked up.
        self.phone = f"+1555{uuid.uuid4().int % 10_000_000:07}"

    def _what_others_left(self) -> tuple[int, int]:
        # Only what is new is read: the ledger of a whole run takes seconds, and hundreds of desks ask.
        effects, mails = _seen.get(self.sandbox.url, (0, 0))
        new = self.sandbox.ledger(after=effects)
        mails += sum(each["service"] == "mailbox" for each in new)
        _seen[self.sandbox.url] = effects + len(new), mails
        return _seen[self.sandbox.url]

    # What arrives

    def accept(self, *events: RawEvent) -> int:
        return self.inbox.accept(events)

    def mail(
        self,
        body: str = "It burns.",
        *,
        sender: str = "Cleo <cleo@client.example>",
        to: str = "support@desk.example",
        subject: str = "Printer on fire",
        headers: dict[str, str] | None = None,
        files: Sequence[tuple[str, bytes]] = (),
    ) -> str:
        """Hand a mail in and return its Message-ID."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
        mail["Message-ID"] = make_msgid(domain="client.example")
        for name, value in (headers or {}).items():
            del mail[name]
            mail[name] = value
        mail.set_content(body)
        for name, content in files:
            mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
        mailbox = to.replace(to[to.find("+") : to.find("@")], "") if "+" in to else to
        raw = mail.as_bytes().replace(b"\n", b"\r\n")
        self.accept(
            raw_event(raw, mail_from=parseaddr(sender)[1], rcpt_tos=[to], peer="192.0.2.1", mailboxes=[mailbox])
        )
        return str(mail["Message-ID"])

    def text(self, body: str, *, sender: str = "", to: str = "+15550100001", **more: str) -> str:
        """Hand a text in (with `whatsapp:` before both numbers, a WhatsApp message) and return its SID."""
        sid = f"SM{next(_numbers):032x}"
        form = {
            "MessageSid": sid,
            "SmsSid": sid,
            "AccountSid": "AC0",
            "From": sender or self.phone,
            "To": to,
            "Body": body,
            **more,
        }
        form.setdefault("NumMedia", "0")
        self.webhook("twilio", "/webhooks/twilio/messages", urlencode(form).encode())
        return sid

    def slack(self, event: dict[str, object], team: str = "T0DESK") -> str:
        """Hand a Slack event in and return its id."""
        event_id = f"Ev{next(_numbers):09d}"
        envelope = {
            "type": "event_callback",
            "team_id": team,
            "api_app_id": "A0FRONTDESK",
            "event_id": event_id,
            "event_time": 1_795_000_000,
            "authorizations": [{"team_id": team, "user_id": "U0FRONTDESK", "is_bot": True}],
            "event": event,
        }
        self.webhook("slack", "/webhooks/slack/events", json.dumps(envelope).encode())
        return event_id

    def say(
        self, body: str, *, user: str = "U0ADA", thread: str = "", channel: str = "C0SUPPORT", **more: object
    ) -> str:
        """Let somebody write in Slack and return the message's `ts`; in Slack itself too, so that it can be marked."""
        ts = self.sandbox.say(user, channel, body, thread_ts=thread)
        event = {"type": "message", "user": user, "channel": channel, "text": body, "ts": ts, "channel_type": "channel"}
        self.slack({**event, **({"thread_ts": thread} if thread else {}), **more})
        return ts

    def edit(self, ts: str, body: str, *, thread: str, user: str = "U0ADA", channel: str = "C0SUPPORT") -> None:
        after = {
            "type": "message",
            "user": user,
            "text": body,
            "ts": ts,
            "thread_ts": thread,
            "edited": {"user": user, "ts": ts},
        }
        before = {"type": "message", "user": user, "text": "before", "ts": ts, "thread_ts": thread}
        self.slack(
            {
                "type": "message",
                "subtype": "message_changed",
                "channel": channel,
                "ts": f"{ts}9",
                "message": after,
                "previous_message": before,
            }
        )

    def delete(self, ts: str, *, thread: str, user: str = "U0ADA", channel: str = "C0SUPPORT") -> None:
        before = {"type": "message", "user": user, "text": "before", "ts": ts, "thread_ts": thread}
        self.slack(
            {
                "type": "message",
                "subtype": "message_deleted",
                "channel": channel,
                "ts": f"{ts}9",
                "deleted_ts": ts,
                "previous_message": before,
            }
        )

    def press(
        self,
        action: str,
        value: object,
        *,
        user: str = "U0ADA",
        channel: str = "C0SUPPORT",
        times: int = 1,
        choice: str = "",
    ) -> None:
        """Hand a press of a button in, with `choice` the use of a menu, as often as Slack calls about it."""
        chosen = (
            {"type": "static_select", "selected_option": {"value": f"{value}:{choice}"}}
            if choice
            else {"type": "button", "value": str(value)}
        )
        payload = {
            "type": "block_actions",
            "team": {"id": "T0DESK"},
            "user": {"id": user, "team_id": "T0DESK"},
            "api_app_id": "A0FRONTDESK",
            "channel": {"id": channel},
            "container": {"type": "message", "message_ts": "1.2", "channel_id": channel},
            "message": {"ts": "1.2"},
            "trigger_id": f"{next(_numbers)}.1.a",
            "response_url": f"{self.sandbox.url}/slack/response/none",
            "actions": [{"action_id": action, "block_id": "b", "action_ts": "1.3", **chosen}],
        }
        body = urlencode({"payload": json.dumps(payload)}).encode()
        for _ in range(times):
            self.webhook("slack", "/webhooks/slack/interactivity", body)

    def pick(
        self, action: str, value: str | None = None, *, user: str = "U0ADA", channel: str = "C0SUPPORT", ts: str = ""
    ) -> None:
        """Hand in what Slack calls when somebody presses or chooses what stands on a card (the newest ticket's)."""
        self.hand_in(self.sandbox.press(user, channel, ts or self.thread(channel=channel), action, value))

    def submit(self, values: dict[str, object], *, user: str = "U0ADA") -> None:
        """Hand in what Slack calls when somebody sends off the form that was opened last."""
        view = dict(self.effects("slack", "view")[-1]["view"])  # type: ignore[call-overload]
        self.hand_in(self.sandbox.submit(user, view["id"], values))

    def open_home(self, *, user: str = "U0ADA") -> str:
        """Let somebody open the app's home tab, and return what they see then, as JSON."""
        self.hand_in(self.sandbox.open_home(user))
        self.work()
        return self.home(user=user)

    def home(self, *, user: str = "U0ADA") -> str:
        return json.dumps(self.sandbox.home(user), ensure_ascii=False)

    def press_home(self, action: str, value: object, *, user: str = "U0ADA") -> None:
        """Hand in what Slack calls when somebody presses a button of their home tab."""
        self.hand_in(self.sandbox.press_home(user, action, str(value)))
        self.work()

    def command(self, words: str, *, user: str = "U0ADA", channel: str = "C0SUPPORT") -> str:
        """Let somebody type `/desk` with these words, and return what they, and only they, are answered."""
        before = len(self.effects("slack", "response"))
        self.hand_in(self.sandbox.command(user, channel, "/desk", words))
        self.work()
        return "\n".join(map(_shown, self.effects("slack", "response")[before:]))

    def shortcut(self, ts: str, *, user: str = "U0ADA", channel: str = "C0CLIENTS") -> str:
        """Let somebody use “Open a ticket” on a message, and return what they are answered."""
        before = len(self.effects("slack", "response"))
        self.hand_in(self.sandbox.shortcut(user, channel, ts, "open_ticket"))
        self.work()
        return "\n".join(map(_shown, self.effects("slack", "response")[before:]))

    def react(self, emoji: str, *, user: str = "U0ADA", channel: str = "C0SUPPORT", ts: str = "") -> None:
        """Hand in what Slack calls when somebody puts an emoji on a card, or another message."""
        self.sandbox.react(user, channel, ts or self.thread(channel=channel), emoji)
        self.hand_in(int(self.sandbox.webhooks("slack/events")[-1]["id"]))

    def form(self) -> str:
        """Return what the form that was opened last is about."""
        view = dict(self.effects("slack", "view")[-1]["view"])  # type: ignore[call-overload]
        return str(json.loads(view["private_metadata"])["value"])

    def hand_in(self, webhook: int, more: bytes = b"") -> None:
        """Hand in a call that Slack made, with `more` behind its body."""
        (call,) = [each for each in self.sandbox.webhooks(after=webhook - 1) if each["id"] == webhook]
        path = f"/webhooks/{call['name']}"
        self.webhook("slack", path, str(call["body"]).encode() + more)

    def report(self, key: str, sid: str, status: str, *, attempt: int | None = None, **more: str) -> None:
        """Hand a status callback of Twilio in, on the newest attempt unless told which."""
        attempts = self._attempts(key) if attempt is None else attempt
        self.report_as(callback_name(self.tools.settings.secret_key, key, attempts), sid, status, **more)

    def report_as(self, name: str, sid: str, status: str, **more: str) -> None:
        """Hand a status callback of Twilio in, under any name."""
        form = {"MessageSid": sid, "MessageStatus": status, "AccountSid": "AC0", "To": "+1", "From": "+1", **more}
        self.webhook("twilio", f"/webhooks/twilio/status/{name}".removesuffix("/"), urlencode(form).encode())

    def _attempts(self, key: str) -> int:
        return next((each.attempts for each in self.deliveries() if str(each.idempotency_key) == key), 0)

    def webhook(self, name: str, path: str, body: bytes) -> None:
        request = Request(url=f"https://desk.example.com{path}", path=path, headers={}, body=body)
        self.accept(*self.tools.channels.webhooks[name].receive(request).events)

    # What the workers do

    def work(self) -> None:
        """Ingest and send everything that is due now."""
        while due := self._due():
            for task, row_id in due:
                (ingest_conversation if task == "in" else deliver_lane)(self.tools, row_id)

    def ingest(self) -> None:
        """Record everything that is due now, and send nothing of it."""
        while due := [row_id for task, row_id in self._due() if task == "in"]:
            for row_id in due:
                ingest_conversation(self.tools, row_id)

    def _due(self) -> list[tuple[str, int]]:
        with self.session() as session:
            events = [("in", row) for row, _ in due_events(session, older_than=NO_TIME, limit=1000)]
            return events or [("out", row) for row, _ in due_deliveries(session, older_than=NO_TIME, limit=1000)]

    def let_pass(self, seconds: float) -> None:
        """Let time pass for what waits in the outbox and the inbox, and do what is due then."""
        self.let_time_pass(seconds)
        self.work()

    def let_time_pass(self, seconds: float) -> None:
        """Let time pass for what waits in the outbox and the inbox, and do nothing of it."""
        with self.session() as session:
            for table, columns in _WAITS.items():
                earlier = ", ".join(f"{column} = {column} - :by" for column in columns)
                session.execute(text(f"UPDATE {table} SET {earlier}"), {"by": timedelta(seconds=seconds)})  # noqa: S608 (names of ours)

    def older(self, session: Session, hours: float) -> None:
        """Let everything that came in have come so much earlier."""
        session.execute(text("UPDATE inbound_events SET created_at = created_at - :by"), {"by": timedelta(hours=hours)})

    # What there is then

    def session(self) -> AbstractContextManager[Session]:
        return self.tools.database.session_scope()

    def tickets(self) -> list[Ticket]:
        with self.session() as session:
            return sorted(
                (row[0] for row in list_tickets(session, tuple(TicketStatus), 1000)), key=lambda each: each.id
            )

    def ticket(self) -> Ticket:
        (ticket,) = self.tickets()
        return ticket

    def messages(self, ticket_id: int | None = None) -> list[Message]:
        with self.session() as session:
            return messages_of(session, ticket_id or self.ticket().id)

    def bodies(self, ticket_id: int | None = None) -> list[str]:
        """Return what people wrote, without system messages."""
        return [each.body for each in self.messages(ticket_id) if not each.is_system_message]

    def notes(self, ticket_id: int | None = None) -> list[Note]:
        with self.session() as session:
            return notes_of(session, ticket_id or self.ticket().id)

    def scalars(self, statement: str, **values: object) -> list[object]:
        with self.session() as session:
            return list(session.execute(text(statement), values).scalars())

    def count(self, table: str) -> int:
        return int(str(self.scalars(f"SELECT count(*) FROM {table}")[0]))  # noqa: S608 (a name from a test)

    def deliveries(self) -> list[Delivery]:
        """Return the sends to clients."""
        with self.session() as session:
            return list(session.query(Delivery).where(Delivery.to_client.is_(True)).order_by(Delivery.id))

    def rules(self) -> list[object]:
        return self.scalars("SELECT threaded_by FROM message_sources ORDER BY message_id")

    def effects(self, service: str = "", kind: str = "") -> list[dict[str, object]]:
        """Return what the other side saw happen since this desk was made."""
        return [dict(each) for each in self.sandbox.ledger(service, kind, self._effects)]

    def mailbox(self) -> list[dict[str, Any]]:
        """Return the mails that this desk sent, as their readers see them."""
        return self.sandbox.mailbox(after=self._mails)

    def thread(self, ticket_id: int | None = None, *, channel: str = "") -> str:
        """Return the `ts` of a ticket's card, of one that moved that in this channel."""
        named = "SELECT value FROM ticket_external_ids WHERE type = 'slack_agents' AND ticket_id = :id ORDER BY id"
        values = map(str, self.scalars(named, id=ticket_id or self.ticket().id))
        *_, value = (each for each in values if f"/{channel}" in each)
        return value.rpartition("/")[2]

    def card(self, ticket_id: int | None = None, *, channel: str = "C0SUPPORT") -> str:
        """Return what stands on a ticket's card, as JSON."""
        return json.dumps(self.sandbox.thread(channel, self.thread(ticket_id, channel=channel))[0], ensure_ascii=False)

    def told(self, ticket_id: int | None = None) -> str:
        """Return what the system said in a ticket."""
        return "\n".join(each.body for each in self.messages(ticket_id) if each.is_system_message)

    def in_thread(self, *, channel: str = "C0SUPPORT") -> list[str]:
        """Return the texts below a ticket's card, oldest first."""
        return [str(each["text"]) for each in self.sandbox.thread(channel, self.thread(channel=channel))[1:]]

    def notice(self, words: str) -> str:
        """Return the `ts` of the last post below the newest ticket's card that says this."""
        posts = self.sandbox.thread("C0SUPPORT", self.thread())
        return next(str(each["ts"]) for each in reversed(posts) if words in str(each["text"]))

    def offer(self, label: str) -> tuple[str, str]:
        """Return the action and the value of the last button that says this."""
        posts = self.sandbox.thread("C0SUPPORT", self.thread())
        buttons = [each for post in posts for block in post["blocks"] for each in block.get("elements", [])]
        found = next(each for each in reversed(buttons) if label in str(each.get("text")))
        return str(found["action_id"]), str(found["value"])

    def words(self) -> list[str]:
        """Return what single people were told, oldest first."""
        return [str(each["text"]) for kind in ("response", "ephemeral") for each in self.effects("slack", kind)]


def _shown(answer: dict[str, object]) -> str:
    return json.dumps(answer["blocks"], ensure_ascii=False) if answer["blocks"] else str(answer["text"])
