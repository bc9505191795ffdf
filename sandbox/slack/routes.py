"""Slack's addresses: `/slack/api/<method>`, uploads, downloads and `response_url`s."""

import hmac
from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from sandbox.faults import Faults, answer
from sandbox.slack import chat, files, lookup
from sandbox.slack.errors import SlackError
from sandbox.slack.interactivity import Interactivity
from sandbox.slack.workspace import Workspace
from sandbox.wire import BadRequest, Json, form, is_json, json_object

Method = Callable[[Workspace, Json], Json]

METHODS: dict[str, Method] = {
    "auth.test": lookup.auth_test,
    "chat.postMessage": chat.post_message,
    "chat.postEphemeral": chat.post_ephemeral,
    "chat.update": chat.update,
    "chat.delete": chat.delete,
    "chat.getPermalink": chat.get_permalink,
    "conversations.history": lookup.history,
    "conversations.replies": lookup.replies,
    "conversations.info": lookup.conversation_info,
    "conversations.list": lookup.conversation_list,
    "conversations.open": lookup.conversation_open,
    "files.getUploadURLExternal": files.get_upload_url,
    "files.completeUploadExternal": files.complete_upload,
    "files.info": files.info,
    "reactions.add": chat.add_reaction,
    "reactions.remove": chat.remove_reaction,
    "reactions.get": chat.get_reactions,
    "team.info": lookup.team_info,
    "users.info": lookup.user_info,
    "users.list": lookup.user_list,
    "users.lookupByEmail": lookup.user_by_email,
}


class SlackTrouble:
    """Slack's words for too much and for broken."""

    success = 200

    def too_many(self, retry_after: int) -> Response:
        """Answer as the rate limit does."""
        return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers={"Retry-After": str(retry_after)})

    def broken(self, status: int) -> Response:
        """Answer as the front of a sick service does: no JSON."""
        return PlainTextResponse("upstream connect error", status)


class SlackDoor:
    """Answers the app's calls."""

    def __init__(self, slack: Workspace, interactivity: Interactivity, faults: Faults) -> None:
        self._slack = slack
        self._interactivity = interactivity
        self._faults = faults
        self._methods = METHODS | {
            "views.open": self._view(interactivity.open_view),
            "views.publish": self._view(interactivity.publish_view),
        }

    def routes(self) -> list[BaseRoute]:
        """Return Slack's addresses on this host."""
        return [
            Route("/slack/api/{method}", self.api, methods=["GET", "POST"]),
            Route("/slack/upload/v1/{file}", self.upload, methods=["POST"]),
            Route("/slack/files/{path:path}", self.download),
            Route("/slack/response/{token}", self.response, methods=["POST"]),
            WebSocketRoute("/slack/socket/{ticket}", self._slack.sockets.serve),
        ]

    async def api(self, request: Request) -> Response:
        """Answer a Web API call."""
        method = request.path_params["method"]
        given, token = await _arguments(request)
        act = partial(self._act, method, given, token)
        place = str(given.get("channel") or given.get("channel_id") or "")
        return await answer(self._faults.take("slack", method, place), act, SlackTrouble())

    async def upload(self, request: Request) -> Response:
        """Take the bytes of a file."""
        body = await request.body()
        file = request.path_params["file"]

        def act() -> Response:
            known = files.receive_bytes(self._slack, file, body)
            return PlainTextResponse(f"OK - {len(body)}") if known else PlainTextResponse("not found", 404)

        return await answer(self._faults.take("slack", "upload"), act, SlackTrouble())

    async def download(self, request: Request) -> Response:
        """Hand out a file to who holds the bot's token; others get a sign-in page, as from Slack."""
        file = self._slack.files.get(request.path_params["path"].partition("/")[0].partition("-")[2])
        allowed = self._is_ours(_bearer(request))

        def act() -> Response:
            if not allowed:
                return Response("<html>Sign in</html>", media_type="text/html")
            return (
                Response(file.content, media_type=file.about["mimetype"])
                if file
                else PlainTextResponse("not found", 404)
            )

        return await answer(self._faults.take("slack", "download"), act, SlackTrouble())

    async def response(self, request: Request) -> Response:
        """Take an answer to an interaction."""
        given, _ = await _arguments(request)
        act = partial(self._respond, request.path_params["token"], given)
        return await answer(self._faults.take("slack", "response_url"), act, SlackTrouble())

    def _act(self, method: str, given: Json, token: str) -> Response:
        try:
            return JSONResponse({"ok": True} | self._answer(method, given, token))
        except SlackError as error:
            notes = (
                {"response_metadata": {"messages": list(error.notes)}, "errors": list(error.notes)}
                if error.notes
                else {}
            )
            return JSONResponse({"ok": False, "error": error.code} | notes)

    def _answer(self, method: str, given: Json, token: str) -> Json:
        if not token:
            raise SlackError("not_authed")
        if method == "apps.connections.open":
            return self._open_connection(token)
        if not self._is_ours(token):
            raise SlackError("invalid_auth")
        if method not in self._methods:
            raise SlackError("unknown_method")
        return self._methods[method](self._slack, given)

    def _open_connection(self, token: str) -> Json:
        expected = self._slack.settings.slack_app_token
        if not expected or not hmac.compare_digest(token.encode(), expected.encode()):
            raise SlackError("invalid_auth")
        host = self._slack.settings.own_url.replace("http", "ws", 1)
        return {"url": f"{host}/slack/socket/{self._slack.sockets.ticket()}"}

    def _respond(self, token: str, given: Json) -> Response:
        try:
            known = self._interactivity.answer(token, given)
        except SlackError as error:
            return PlainTextResponse(error.code, 400)
        return PlainTextResponse("ok") if known else PlainTextResponse("used_url", 404)

    def _is_ours(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._slack.settings.slack_bot_token.encode())

    def _view(self, show: Callable[[Json, Json], Json]) -> Method:
        def method(_: Workspace, given: Json) -> Json:
            view = chat.structured(given, "view")
            if not isinstance(view, dict):
                raise SlackError("invalid_arguments")
            return show(given, view)

        return method


async def _arguments(request: Request) -> tuple[Json, str]:
    body = await request.body()
    try:
        given = json_object(body) if is_json(request.headers) else form(body)
    except BadRequest:
        given = {}
    everything = {**request.query_params, **given}
    return everything, _bearer(request) or str(everything.get("token") or "")


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ").strip()
