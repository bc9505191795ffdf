"""Play the other side from Python: the control calls as methods, and a patient wait for what must happen."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Any, TypeVar
from urllib.parse import urlencode

import urllib3

from sandbox.faults import Fault
from sandbox.slack.world import Person
from sandbox.twilio.account import Habits
from sandbox.wire import Json, encoded

T = TypeVar("T")

PAUSE = 0.05
PATIENCE = urllib3.Timeout(total=40)  # handing in a mail may take as long as the door does


class SandboxError(RuntimeError):
    """A control call that asked for something impossible."""


class Sandbox:
    """A running sandbox at `url`.

    What people say in Slack is written in Slack's own marks (`<@U0BEN> see &lt;this&gt;`); phones are `+…` or
    `whatsapp:+…`.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.clear()

    # People in Slack

    def say(self, user: str, channel: str, text: str, *, thread_ts: str = "", files: Sequence[Json] = ()) -> str:
        """Let somebody write and return the message's `ts`; make files with `file`."""
        given = {"user": user, "channel": channel, "text": text, "thread_ts": thread_ts, "files": list(files)}
        return str(self._post("slack/say", given)["ts"])

    def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        """Let somebody change what they wrote."""
        self._post("slack/edit", {"user": user, "channel": channel, "ts": ts, "text": text})

    def delete(self, user: str, channel: str, ts: str) -> None:
        """Let somebody delete what they wrote."""
        self._post("slack/delete", {"user": user, "channel": channel, "ts": ts})

    def react(self, user: str, channel: str, ts: str, name: str) -> None:
        """Let somebody put an emoji (`eyes`) on a message."""
        self._post("slack/react", {"user": user, "channel": channel, "ts": ts, "name": name})

    def unreact(self, user: str, channel: str, ts: str, name: str) -> None:
        """Let somebody take their emoji back."""
        self._post("slack/unreact", {"user": user, "channel": channel, "ts": ts, "name": name})

    def press(self, user: str, channel: str, ts: str, action_id: str, value: str | None = None) -> int:
        """Let somebody press a button and return the webhook's id. Raises `SandboxError` if there is no such button."""
        given = {"user": user, "channel": channel, "ts": ts, "action_id": action_id, "value": value}
        return int(self._post("slack/press", given)["webhook"])

    def shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> int:
        """Let somebody use a message shortcut and return the webhook's id."""
        given = {"user": user, "channel": channel, "ts": ts, "callback_id": callback_id}
        return int(self._post("slack/shortcut", given)["webhook"])

    def command(self, user: str, channel: str, command: str, text: str = "") -> int:
        """Let somebody type a slash command (`/desk`) and return the webhook's id."""
        given = {"user": user, "channel": channel, "command": command, "text": text}
        return int(self._post("slack/command", given)["webhook"])

    def submit(self, user: str, view_id: str, values: Json) -> int:
        """Let somebody send a modal off and return the webhook's id; `values` are `{block_id: {action_id: text}}`."""
        return int(self._post("slack/submit", {"user": user, "view_id": view_id, "values": values})["webhook"])

    def add_user(self, person: Person) -> None:
        """Add a person, or replace one."""
        self._post("slack/user", asdict(person))

    def add_channel(
        self,
        channel: str,
        name: str,
        members: Sequence[str] = (),
        *,
        private: bool = False,
        archived: bool = False,
        bot: bool = True,
    ) -> None:
        """Add a channel, or replace one; the bot is in it unless `bot` is false."""
        flags = {"private": private, "archived": archived, "bot": bot}
        self._post("slack/channel", {"id": channel, "name": name, "members": list(members), **flags})

    def leave(self, channel: str, name: str) -> None:
        """Take the bot, and everybody else, out of a channel."""
        self._post("slack/channel", {"id": channel, "name": name, "bot": False})

    def thread(self, channel: str, ts: str) -> list[Json]:
        """Return a thread, first message first, with metadata."""
        return self._list("slack/thread", channel=channel, ts=ts)

    def history(self, channel: str) -> list[Json]:
        """Return what stands in a channel itself, newest first."""
        return self._list("slack/history", channel=channel)

    def cut_sockets(self, *, politely: bool) -> int:
        """End the connections of an app in Socket Mode, after a word or without one, and return how many there were."""
        return int(self._post("slack/socket/cut", {"politely": politely})["ended"])

    # Phones

    def text(
        self, sender: str, to: str, body: str, *, media: Sequence[Json] = (), replied_sid: str = "", ago: float = 0.0
    ) -> str:
        """Let a phone write, `ago` seconds ago, and return the SID; WhatsApp may quote another by `replied_sid`."""
        given = {"from": sender, "to": to, "body": body, "media": list(media), "replied_sid": replied_sid, "ago": ago}
        return str(self._post("twilio/text", given)["sid"])

    def texts(self) -> list[Json]:
        """Return the last thousand texts of both directions, newest first."""
        return self._list("twilio/messages", PageSize="1000")

    def service(self, numbers: Sequence[str], senders: Sequence[str] = ()) -> str:
        """Make a Messaging Service of numbers and WhatsApp senders (`whatsapp:+…`), and return its SID."""
        return str(self._post("twilio/service", {"numbers": list(numbers), "senders": list(senders)})["sid"])

    def sender(self, number: str) -> str:
        """Make a WhatsApp sender of a number (`+…`), and return its SID."""
        return str(self._post("twilio/sender", {"number": number})["sid"])

    def habits(self, habits: Habits) -> None:
        """Say how the account behaves from now on."""
        self._post("twilio/habits", asdict(habits))

    # Mail

    def mail(
        self,
        sender: str,
        to: str | Sequence[str],
        subject: str = "",
        body: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        attachments: Sequence[Json] = (),
    ) -> Json:
        """Write a mail and hand it to the product; return `code` and `text` of its answer."""
        recipients = [to] if isinstance(to, str) else list(to)
        given = {"from": sender, "to": recipients, "subject": subject, "body": body}
        return self._post("mail", given | {"headers": dict(headers or {}), "attachments": list(attachments)})

    def raw_mail(self, sender: str, to: str | Sequence[str], raw: bytes) -> Json:
        """Hand these very bytes to the product."""
        recipients = [to] if isinstance(to, str) else list(to)
        return self._post("mail", {"from": sender, "to": recipients, "raw_base64": encoded(raw)})

    def mailbox(self, after: int = 0) -> list[Json]:
        """Return the mails the product sent, oldest first."""
        return self._list("mailbox", after=str(after))

    def refuse(self, recipient: str, code: int, text: str = "refused") -> None:
        """Refuse mail to a recipient from now on; code 0 takes it again."""
        self._post("mailbox/refuse", {"recipient": recipient, "code": code, "text": text})

    # What happened, and what shall go wrong

    def ledger(self, service: str = "", kind: str = "", after: int = 0) -> list[Json]:
        """Return the effects the product had, oldest first."""
        return self._list("ledger", service=service, kind=kind, after=str(after))

    def calls(self) -> Json:
        """Return `calls` by service and method, and `faults` shown."""
        return self._as_object(self._request("GET", "calls"))

    def webhooks(self, name: str = "", after: int = 0) -> list[Json]:
        """Return the calls to the product with every attempt and its answer; names are like `slack/events`."""
        filters = {"name": name} if name else {}
        return self._list("webhooks", after=str(after), **filters)

    def repeat(self, webhook: int) -> int:
        """Make a webhook call once more, same bytes, and return its new id."""
        return int(self._post("webhooks/repeat", {"id": webhook})["webhook"])

    def fault(self, fault: Fault) -> None:
        """Plan a fault."""
        self._post("faults", asdict(fault))

    def no_faults(self) -> None:
        """Forget the planned faults."""
        self._request("DELETE", "faults")

    def _list(self, path: str, **query: str) -> list[Json]:
        found = self._request("GET", f"{path}?{urlencode(query)}")
        if not isinstance(found, list):
            raise SandboxError(f"{path} answered no list")
        return found

    def _post(self, path: str, given: Json) -> Json:
        return self._as_object(self._request("POST", path, given))

    def _as_object(self, found: object) -> Json:
        if not isinstance(found, dict):
            raise SandboxError("the control call answered no object")
        return found

    def _request(self, method: str, path: str, given: Json | None = None) -> Any:  # noqa: ANN401  any JSON
        body = None if given is None else json.dumps(given).encode()
        headers = {"Content-Type": "application/json"}
        got = self._http.request(method, f"{self.url}/control/{path}", body=body, headers=headers)
        if got.status >= 400:  # noqa: PLR2004  where HTTP's errors begin
            raise SandboxError(f"{path}: {got.data.decode(errors='replace')}")
        return json.loads(got.data)


def file(name: str, content: bytes, mimetype: str = "application/octet-stream") -> Json:
    """Return a file for `say`, `text` or the attachments of `mail`."""
    return {"name": PurePath(name).name, "content_base64": encoded(content), "mimetype": mimetype}


def wait_for(look: Callable[[], T | None], what: str, seconds: float = 10.0) -> T:
    """Call `look` until it returns something true, and return that. Raises `TimeoutError` saying what was awaited."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"after {seconds:g} s still no {what}")
        time.sleep(PAUSE)
    return found
