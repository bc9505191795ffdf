"""The hands and eyes of the demo: what people do, through the real doors, and what the other side then has."""

import base64
import json
import re
from collections.abc import Mapping
from email import message_from_bytes
from email.message import Message
from typing import Any

import click

from sandbox.client import Sandbox, wait_for
from sandbox.wire import Json
from workers.local.desk import RunningDesk
from workers.local.supervisor import Supervisor

SUPPORT = "support@desk.example"
CLEO = "Cleo Client <cleo@client.example>"
AGENTS, CLIENTS, BILLING = "C0SUPPORT", "C0CLIENTS", "C0BILLING"
ADA, BEN, CLIENT_IN_SLACK = "U0ADA", "U0BEN", "U0CLEO"


class StepFailedError(Exception):
    """What should be so is not."""


class Play:
    """A running desk, the other side, and what the steps remember for one another."""

    def __init__(self, running: RunningDesk, supervisor: Supervisor, sandbox: Sandbox) -> None:
        self.running = running
        self.supervisor = supervisor
        self.sandbox = sandbox
        self.cards: dict[str, str] = {}
        self.first_mail: Message | None = None
        self.whatsapp_closed_at = 0.0

    def show(self, text: str) -> None:
        """Tell the reader what happens."""
        click.echo(f"   {text}")

    def check(self, holds: object, claim: str) -> None:
        """Fail the step unless a claim holds."""
        if not holds:
            raise StepFailedError(f"it is not so that {claim}")
        self.show(f"{click.style('✓', fg='green')} {claim}")

    def ask(self, *words: str) -> list[dict[str, Any]]:
        """Return what a `frontdesk … --json` command prints."""
        return [json.loads(line) for line in self.running.frontdesk(*words, "--json").splitlines()]

    def mail(
        self,
        text: str,
        *,
        subject: str,
        sender: str = CLEO,
        to: str = SUPPORT,
        headers: Mapping[str, str] | None = None,
        files: list[Json] | None = None,
    ) -> None:
        """Hand a mail to the SMTP door, as a client's mail server would."""
        answer = self.sandbox.mail(sender, to, subject, text, headers=headers, attachments=files or [])
        self.check(answer["code"] == 250, f"the SMTP door took the mail: {answer['code']} {answer['text']}")  # noqa: PLR2004 (SMTP's yes)

    def card(self, title: str) -> str:
        """Return the `ts` of the card that shows this title, once it is there."""
        return wait_for(lambda: self.find_card(title), f"card “{title}” in the agents' channel", 30)

    def find_card(self, title: str, channel: str = AGENTS) -> str:
        """Return the `ts` of the newest card that shows this title in a channel, empty while there is none."""
        posts = self.sandbox.history(channel)
        return next((str(post["ts"]) for post in posts if title in json.dumps(post, ensure_ascii=False)), "")

    def face(self, card: str) -> str:
        """Return what stands on a card in the agents' channel."""
        return json.dumps(self.sandbox.thread(AGENTS, card)[0], ensure_ascii=False)

    def choose(self, user: str, card: str, action: str, label: str) -> None:
        """Let somebody choose from a menu on a card in the agents' channel, by the words they see."""
        elements = [
            each for block in self.sandbox.thread(AGENTS, card)[0]["blocks"] for each in block.get("elements", [])
        ]
        options = next(each["options"] for each in elements if each.get("action_id") == action)
        value = next(each["value"] for each in options if each["text"]["text"] == label)
        self.sandbox.press(user, AGENTS, card, action, value)
        self.show(f"“{label}” was chosen on the card")

    def said_in(self, channel: str, card: str, text: str) -> str:
        """Return everything below a card, empty until this text is there."""
        said = json.dumps(self.sandbox.thread(channel, card)[1:], ensure_ascii=False)
        return said if text in said else ""

    def in_thread(self, card: str, text: str, seconds: float = 30) -> Json:
        """Return the message with this text in a card's thread, once it is there."""
        return wait_for(lambda: self._in_thread(card, text), f"“{text}” in the thread", seconds)

    def _in_thread(self, card: str, text: str) -> Json | None:
        messages = self.sandbox.thread(AGENTS, card)[1:]
        return next((each for each in messages if text in json.dumps(each, ensure_ascii=False)), None)

    def answer(self, card: str, text: str) -> str:
        """Let Ada write in a thread and return the message's `ts`."""
        return self.sandbox.say(ADA, AGENTS, text, thread_ts=card)

    def mail_with(self, text: str) -> Message:
        """Return the mail with this text that reached a client, once it is there."""
        found = wait_for(
            lambda: [each for each in self.sandbox.mailbox() if text in each["text"]], f"a mail “{text}”", 30
        )
        return message_from_bytes(base64.b64decode(found[0]["raw_base64"]))

    def text_with(self, text: str) -> Json:
        """Return the text message that reached a client, once it is there."""
        found = wait_for(lambda: self._texts(text), f"a text “{text}”", 30)
        return found[0]

    def _texts(self, text: str) -> list[Json]:
        return [each for each in self.sandbox.ledger("twilio", "message") if text in str(each["body"])]

    def marked(self, ts: str, emoji: str) -> bool:
        """Say whether a mark comes to stand on an agent's message."""
        return bool(wait_for(lambda: emoji in self._marks(ts), f"mark :{emoji}: on the agent's message", 30))

    def _marks(self, ts: str) -> set[str]:
        marks: set[str] = set()
        for effect in self.sandbox.ledger("slack"):
            if effect.get("ts") == ts and effect["kind"] == "reaction":
                marks.add(str(effect["name"]))
            if effect.get("ts") == ts and effect["kind"] == "unreaction":
                marks.discard(str(effect["name"]))
        return marks

    def ticket(self, card: str) -> int:
        """Return the number on a card."""
        found = re.search(r"#(\d+)", json.dumps(self.sandbox.thread(AGENTS, card)[0]))
        if found is None:
            raise StepFailedError("it is not so that the card bears a ticket's number")
        return int(found[1])

    def messages(self, ticket: int) -> list[dict[str, Any]]:
        """Return a ticket's messages, system messages left out."""
        return [each for each in self.ask("tickets", "show", str(ticket)) if each["from"] != "system"]
