"""Twilio's addresses, below `/twilio`."""

import base64
import binascii
import hmac
from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.faults import Faults, answer
from sandbox.twilio.account import TEMPLATES, Account, content_sid
from sandbox.twilio.errors import TwilioError
from sandbox.twilio.messages import API, Media, Message
from sandbox.twilio.rules import BLANK
from sandbox.wire import Json, pairs

ACCOUNT = f"/twilio/{API}/Accounts/{{account}}"


class TwilioTrouble:
    """Twilio's words for too much and for broken."""

    success = 201

    def too_many(self, retry_after: int) -> Response:
        """Answer as the concurrency limit does."""
        error = TwilioError(429, 20429, "Too Many Requests")
        return JSONResponse(error.as_json(), 429, headers={"Retry-After": str(retry_after)})

    def broken(self, status: int) -> Response:
        """Answer as a sick service does."""
        return JSONResponse(TwilioError(status, 20500, "An internal server error has occurred").as_json(), status)


class TwilioDoor:
    """Answers the account's calls."""

    def __init__(self, account: Account, faults: Faults) -> None:
        self._account = account
        self._faults = faults

    def routes(self) -> list[Route]:
        """Return Twilio's addresses on this host."""
        return [
            Route(ACCOUNT + "/Messages.json", self.create, methods=["POST"]),
            Route(ACCOUNT + "/Messages.json", self.list_messages),
            Route(ACCOUNT + "/Messages/{sid}.json", self.fetch),
            Route(ACCOUNT + "/Messages/{sid}/Media.json", self.list_media),
            Route(ACCOUNT + "/Messages/{sid}/Media/{media}.json", self.fetch_media),
            Route(ACCOUNT + "/Messages/{sid}/Media/{media}", self.download),
            Route("/twilio/cdn/{sid}/{media}", self.content),
            Route("/twilio/v1/ContentAndApprovals", self.templates),
            *self._account.directory.routes(self._answer),
        ]

    async def create(self, request: Request) -> Response:
        """Send a text."""
        fields = pairs(await request.body())
        media = [value for name, value in fields if name == "MediaUrl"]
        act = partial(self._account.send, dict(fields), media)
        return await self._answer(request, "POST Messages", lambda: JSONResponse(act().as_json(), 201))

    async def list_messages(self, request: Request) -> Response:
        """List texts, newest first."""
        behind = self._account.habits.list_behind
        act = partial(self._account.messages.page, self._account.sid, request.query_params, behind)
        return await self._answer(request, "GET Messages", lambda: JSONResponse(act()))

    async def fetch(self, request: Request) -> Response:
        """Describe one text."""
        return await self._answer(request, "GET Message", lambda: JSONResponse(self._message(request).as_json()))

    async def list_media(self, request: Request) -> Response:
        """List the files of a text."""
        return await self._answer(request, "GET Media", lambda: JSONResponse(_media_page(self._message(request))))

    async def fetch_media(self, request: Request) -> Response:
        """Describe one file."""
        return await self._answer(request, "GET Media", lambda: JSONResponse(_media_json(*self._media(request))))

    async def download(self, request: Request) -> Response:
        """Hand out a file, or send the caller to where it lies."""
        return await self._answer(request, "GET Media content", partial(self._content_or_redirect, request))

    async def templates(self, request: Request) -> Response:
        """List WhatsApp's templates."""
        page = _templates(str(request.url))
        return await self._answer(request, "GET ContentAndApprovals", lambda: JSONResponse(page))

    async def content(self, request: Request) -> Response:
        """Hand out a file by its unguessable address, to anybody."""
        try:
            return _content(self._media(request)[1])
        except TwilioError as error:
            return JSONResponse(error.as_json(), error.status)

    async def _answer(self, request: Request, method: str, act: Callable[[], Response]) -> Response:
        return await answer(self._faults.take("twilio", method), partial(self._act, request, act), TwilioTrouble())

    def _act(self, request: Request, act: Callable[[], Response]) -> Response:
        try:
            self._authenticate(request)
            return act()
        except TwilioError as error:
            return JSONResponse(error.as_json(), error.status)

    def _authenticate(self, request: Request) -> None:
        wanted = f"{self._account.sid}:{self._account.settings.twilio_auth_token}".encode()
        if not hmac.compare_digest(_credentials(request), wanted):
            raise TwilioError(401, 20003, "Authenticate")
        if request.path_params.get("account", self._account.sid) != self._account.sid:
            raise TwilioError(404, 20404, f"The requested resource {request.url.path} was not found")

    def _content_or_redirect(self, request: Request) -> Response:
        message, media = self._media(request)
        if self._account.habits.redirect_media:
            return RedirectResponse(f"{self._account.settings.own_url}/twilio/cdn/{message.sid}/{media.sid}", 307)
        return _content(media)

    def _message(self, request: Request) -> Message:
        return self._account.messages.get(request.path_params["sid"])

    def _media(self, request: Request) -> tuple[Message, Media]:
        message = self._message(request)
        wanted = request.path_params["media"]
        media = next((one for one in message.media if one.sid == wanted), None)
        if media is None:
            raise TwilioError(404, 20404, f"The requested resource /Media/{wanted} was not found")
        return message, media


def _credentials(request: Request) -> bytes:
    try:
        return base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic "), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _content(media: Media) -> Response:
    return Response(media.content, media_type=media.content_type)


def _media_json(message: Message, media: Media) -> Json:
    about = {
        "sid": media.sid,
        "account_sid": message.account,
        "parent_sid": message.sid,
        "content_type": media.content_type,
    }
    about["date_created"] = about["date_updated"] = message.as_json()["date_created"]
    return about | {"uri": f"{message.path}/Media/{media.sid}.json"}


def _templates(url: str) -> Json:
    shown = [
        {
            "sid": content_sid(name),
            "friendly_name": name,
            "language": language,
            "variables": dict.fromkeys(BLANK.findall(body), ""),
            "types": {"twilio/text": {"body": body}},
            "approval_requests": {"name": name, "category": "UTILITY", "content_type": "twilio/text", "status": status},
        }
        for name, (language, body, status) in TEMPLATES.items()
    ]
    meta = {"page": 0, "page_size": 50, "first_page_url": url, "previous_page_url": None, "next_page_url": None}
    return {"contents": shown, "meta": {**meta, "url": url, "key": "contents"}}


def _media_page(message: Message) -> Json:
    shown = [_media_json(message, media) for media in message.media]
    uri = f"{message.path}/Media.json?PageSize=50&Page=0"
    page: Json = {
        "media_list": shown,
        "page": 0,
        "page_size": 50,
        "start": 0,
        "end": max(len(shown) - 1, 0),
        "uri": uri,
    }
    return page | {"first_page_uri": uri, "next_page_uri": None, "previous_page_uri": None}
