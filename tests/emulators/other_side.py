"""The emulated Slack and Twilio as people and phones use them, each through the provider's own client.

The emulated Slack calls nobody when it is used as a library: the events of what was said are made here, from what it
stored, and handed to our door as Slack hands them over.
"""

import itertools
import json
import time
from collections.abc import Iterator

import httpx
from slack_sdk import WebClient
from twilio.rest import Client

from tests.conftest import CREDENTIALS
from tests.emulators.seeds import APP, BOT_USER, PEOPLE, SUPPORT, TEAM, Json, token
from tests.workers.doors.open_doors import EVENTS, slack_call

_numbers = itertools.count(1)


class Slack:
    """The workspace, and the people in it."""

    def __init__(self, url: str, door: str, http: httpx.Client) -> None:
        self._people = {name: WebClient(token(name), base_url=f"{url}/api/", retry_handlers=[]) for name in PEOPLE}
        self._url, self._door, self._http = url, door, http
        self.users: dict[str, str] = {each["name"]: each["id"] for each in self._ask("users.list")["members"]}
        self.channels: dict[str, str] = {each["name"]: each["id"] for each in self._conversations()}

    def _conversations(self) -> list[Json]:
        return list(self._ask("conversations.list", types="public_channel,private_channel")["channels"])

    def _ask(self, method: str, person: str = "ada", **given: object) -> Json:
        answer = self._people[person].api_call(method, json=given)
        assert isinstance(answer.data, dict)
        return answer.data

    def invite_bot(self, channel: str) -> None:
        self._ask("conversations.invite", channel=self.channels[channel], users=BOT_USER)

    def direct_message(self, person: str) -> str:
        """Return the id of somebody's conversation with our bot."""
        return str(self._ask("conversations.open", person, users=BOT_USER)["channel"]["id"])

    def say(self, person: str, channel: str, text: str, *, thread: str = "", heard: bool = True) -> str:
        """Let somebody write, tell our door unless nobody heard it, and return the message's `ts`."""
        where = self.channels.get(channel, channel)
        more = {"thread_ts": thread} if thread else {}
        said = self._ask("chat.postMessage", person, channel=where, text=text, **more)
        if heard:
            self.tell(where, said["message"])
        return str(said["ts"])

    def share(self, person: str, channel: str, name: str, content: bytes, *, thread: str = "") -> None:
        """Let somebody share a file, and tell our door."""
        where = self.channels[channel]
        answer = self._people[person].files_upload_v2(
            channel=where, thread_ts=thread or None, filename=name, content=content, initial_comment="See this"
        )
        shared = self._ask("files.info", file=answer["file"]["id"])["file"]["shares"]
        ((share,),) = [places[where] for places in shared.values()]
        self.tell(where, self.message(channel, share["ts"], thread=thread))

    def edit(self, person: str, channel: str, ts: str, text: str, *, thread: str) -> None:
        """Let somebody change what they wrote, and tell our door."""
        before = self.message(channel, ts, thread=thread)
        after = self._ask("chat.update", person, channel=self.channels[channel], ts=ts, text=text)["message"]
        change = {"subtype": "message_changed", "ts": f"{ts}9", "message": after, "previous_message": before}
        self.tell(self.channels[channel], {"type": "message", **change})

    def tell(self, channel: str, message: Json) -> None:
        """Hand an event of this message to our door, signed. Slack's own fields around it are not the emulator's."""
        kind = {"D": "im", "G": "group"}.get(channel[0], "channel")
        self._hand_over({**message, "channel": channel, "channel_type": kind, "event_ts": message["ts"]})

    def open_home(self, person: str) -> None:
        """Let somebody open the app's home tab, and tell our door."""
        event = {"type": "app_home_opened", "user": self.users[person], "tab": "home", "event_ts": str(time.time())}
        self._hand_over({**event, "channel": self.direct_message(person)})

    def home_tabs(self) -> str:
        """Return the page on which the emulator shows the home tabs that were put up."""
        return self._http.get(f"{self._url}/?tab=views").raise_for_status().text

    def _hand_over(self, event: Json) -> None:
        body = {
            "type": "event_callback",
            "team_id": TEAM,
            "api_app_id": APP,
            "event_id": f"Ev{next(_numbers):09}",
            "event_time": int(time.time()),
            "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
            "event": event,
        }
        call = slack_call(EVENTS, json.dumps(body).encode())
        headers = [(name.encode(), value) for name, value in call.headers]
        self._http.post(self._door + call.path, headers=headers, content=call.body).raise_for_status()

    def history(self, channel: str) -> list[Json]:
        """Return what stands in a channel itself, oldest first."""
        where = self.channels[channel]
        return list(reversed(self._ask("conversations.history", channel=where, limit=1000)["messages"]))

    def thread(self, ts: str, channel: str = SUPPORT, person: str = "ada") -> list[Json]:
        """Return a thread as somebody sees it, its first message first."""
        where = self.channels.get(channel, channel)
        return list(self._ask("conversations.replies", person, channel=where, ts=ts)["messages"])

    def message(self, channel: str, ts: str, *, thread: str = "") -> Json:
        """Return one message of a channel or thread."""
        return next(each for each in self.thread(thread or ts, channel) if each["ts"] == ts)

    def marks(self, ts: str, *, thread: str) -> set[str]:
        """Return the emoji that our bot has put on a message of the agents' channel."""
        reactions = self.message(SUPPORT, ts, thread=thread).get("reactions", ())
        return {each["name"] for each in reactions if BOT_USER in each["users"]}

    def read(self, file: Json, person: str) -> bytes:
        """Return a file's bytes as somebody sees them."""
        answer = self._http.get(file["url_private_download"], headers={"Authorization": f"Bearer {token(person)}"})
        return answer.raise_for_status().content


class Twilio:
    """The account, and the phones around it."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        self._url, self._http = url, http
        self._auth = (CREDENTIALS["TWILIO_ACCOUNT_SID"], CREDENTIALS["TWILIO_AUTH_TOKEN"])
        self._client = Client(*self._auth)
        self._client.api.base_url = url

    def text(self, sender: str, to: str, body: str) -> str:
        """Let a phone write and return the SID; by then our door has been called and has answered."""
        return str(self._simulate("inbound-message", From=sender, To=to, Body=body)["sid"])

    def report(self, sid: str, status: str) -> None:
        """Let a message of ours go on, and our door be told."""
        self._simulate("message-status", MessageSid=sid, Status=status)

    def _simulate(self, what: str, **form: str) -> Json:
        answer = self._http.post(f"{self._url}/_twilio/simulate/{what}", data=form, auth=self._auth).raise_for_status()
        made: Json = answer.json()
        return made

    def sent(self, to: str) -> list[Json]:
        """Return our messages to a number, oldest first."""
        messages = self._client.messages.list(to=to)
        return [{"sid": each.sid, "from": each.from_, "body": each.body} for each in reversed(messages)]

    def forget(self, sid: str) -> None:
        """Lose a message, as if it had never been made."""
        self._client.messages(sid).delete()

    def media(self, sid: str) -> Iterator[bytes]:
        """Fetch the files of a message of ours from where it says that they are, as Twilio does."""
        for media in self._client.messages(sid).media.list():
            yield self._http.get(str(media.uri)).raise_for_status().content

    def close(self) -> None:
        """Let go of the connections."""
        self._client.http_client.session.close()
