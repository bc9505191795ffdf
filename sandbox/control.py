"""The calls under `/control/`: play the people, plan the faults, read what happened. JSON in, JSON out."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.faults import KINDS, Faults
from sandbox.hand_in import hand_in
from sandbox.ledger import Calls, Ledger
from sandbox.mailbox import Mailbox
from sandbox.slack.errors import SlackError
from sandbox.slack.people import People
from sandbox.twilio.account import Account, Habits
from sandbox.twilio.messages import Media, new_sid
from sandbox.twilio.rules import WHATSAPP
from sandbox.webhooks import Webhooks
from sandbox.wire import BadRequest, Json, decoded, is_json, json_object, need

Call = Callable[[Json], object]


class Control:
    """Who plays with the sandbox talks to this."""

    def __init__(
        self,
        records: tuple[Ledger, Calls],
        faults: Faults,
        webhooks: Webhooks,
        people: People,
        account: Account,
        mailbox: Mailbox,
    ) -> None:
        self._ledger, self._calls = records
        self._faults = faults
        self._webhooks = webhooks
        self._people = people
        self._account = account
        self._mailbox = mailbox

    def routes(self) -> list[Route]:
        """Return the control addresses."""
        posts: dict[str, Call] = {
            "faults": lambda given: asdict(self._faults.plan(given)),
            "webhooks/repeat": lambda given: {"webhook": self._webhooks.repeat(int(given.get("id") or 0))},
            "twilio/text": self._text,
            "twilio/habits": self._habits,
            "twilio/service": self._service,
            "twilio/sender": lambda given: self._account.directory.add_sender(need(given, "number")),
            "mailbox/refuse": self._refuse,
        }
        posts |= {f"slack/{name}": call for name, call in self._people.calls().items()}
        gets: dict[str, Call] = {
            "ledger": lambda asked: self._ledger.entries(**_kept(asked, "service", "kind"), after=_after(asked)),
            "calls": lambda _: self._calls.as_json(),
            "faults": lambda _: self._faults.as_json(),
            "offers": lambda _: {"faults": KINDS, "authserv_id": self._account.settings.authserv_id},
            "webhooks": lambda asked: self._webhooks.entries(**_kept(asked, "name"), after=_after(asked)),
            "mailbox": lambda asked: self._mailbox.entries(_after(asked)),
            "slack/thread": lambda asked: self._people.thread(need(asked, "channel"), need(asked, "ts")),
            "slack/home": lambda asked: self._people.home(need(asked, "user")),
            "slack/views": lambda asked: self._people.views(need(asked, "user")),
            "slack/history": lambda asked: self._people.history(need(asked, "channel")),
            "twilio/messages": lambda asked: self._account.messages.page(self._account.sid, asked)["messages"],
        }
        return [
            *(Route(f"/control/{path}", partial(_posted, call), methods=["POST"]) for path, call in posts.items()),
            *(Route(f"/control/{path}", partial(_asked, call)) for path, call in gets.items()),
            Route("/control/faults", self._clear_faults, methods=["DELETE"]),
            Route("/control/mail", self._mail, methods=["POST"]),
            Route("/control/slack/socket/cut", self._cut, methods=["POST"]),
        ]

    async def _clear_faults(self, _: Request) -> Response:
        self._faults.clear()
        return JSONResponse({})

    async def _mail(self, request: Request) -> Response:
        """Hand a mail in; in a thread, as the door may take its time."""
        door = self._account.settings.smtp_door
        return await _answered(lambda given: asyncio.to_thread(hand_in, door, given), request)

    async def _cut(self, request: Request) -> Response:
        """End the app's own connections to Slack."""

        async def act(given: Json) -> object:
            return {"ended": await self._people.cut(politely=bool(given.get("politely")))}

        return await _answered(act, request)

    def _text(self, given: Json) -> Json:
        media = [_media(one) for one in given.get("media") or []]
        sender = need(given, "from")
        message = self._account.receive(
            sender=sender,
            to=need(given, "to"),
            body=str(given.get("body") or ""),
            media=media,
            extra=_extra(given, sender, kind="image" if media else "text"),
            ago=float(given.get("ago") or 0),
        )
        return {"sid": message.sid}

    def _habits(self, given: Json) -> Json:
        try:
            self._account.habits = Habits(**given)
        except TypeError as error:
            raise BadRequest("the habits are window, delay, redirect_media, list_behind and failing") from error
        return asdict(self._account.habits)

    def _service(self, given: Json) -> Json:
        return self._account.directory.add_service(list(given.get("numbers") or []), list(given.get("senders") or []))

    def _refuse(self, given: Json) -> Json:
        self._mailbox.refuse(need(given, "recipient"), int(given.get("code") or 0), str(given.get("text") or "refused"))
        return {}


async def _posted(call: Call, request: Request) -> Response:
    async def act(given: Json) -> object:
        return call(given)

    return await _answered(act, request)


async def _answered(call: Callable[[Json], Awaitable[object]], request: Request) -> Response:
    # A page elsewhere can make a browser post a form or plain text here, but not JSON.
    if not is_json(request.headers):
        return JSONResponse({"error": "send application/json"}, 415)
    try:
        return JSONResponse(await call(json_object(await request.body())))
    except (BadRequest, SlackError) as error:
        return JSONResponse({"error": str(error)}, 400)


async def _asked(call: Call, request: Request) -> Response:
    try:
        return JSONResponse(call(dict(request.query_params)))
    except (BadRequest, SlackError) as error:
        return JSONResponse({"error": str(error)}, 400)


def _kept(asked: Json, *names: str) -> dict[str, str]:
    return {name: asked[name] for name in names if name in asked}


def _after(asked: Json) -> int:
    text = str(asked.get("after") or "0")
    if not text.isdecimal():
        raise BadRequest("after is a number")
    return int(text)


def _media(given: Json) -> Media:
    content = decoded(str(given.get("content_base64") or ""))
    return Media(sid=new_sid("ME"), content_type=given.get("mimetype") or "image/jpeg", content=content)


def _extra(given: Json, sender: str, *, kind: str) -> dict[str, str]:
    if not sender.startswith(WHATSAPP):
        return {}
    extra = {
        "ProfileName": given.get("profile_name") or "",
        "MessageType": kind,
        "ChannelMetadata": '{"type":"whatsapp"}',
    }
    extra["WaId"] = sender.removeprefix(WHATSAPP).removeprefix("+")
    if given.get("replied_sid"):
        extra |= {"OriginalRepliedMessageSid": given["replied_sid"], "OriginalRepliedMessageSender": need(given, "to")}
    return extra
