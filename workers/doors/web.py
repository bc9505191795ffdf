"""The web door: webhooks in, files of answers out, health.

A webhook is verified over its raw bytes, stored, then answered. Whatever goes wrong on our side is a 503, which a
provider that repeats its calls takes as "not yet".
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import urlsplit

import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import ClientDisconnect
from starlette.requests import Request as WebRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from channels.base import Receipt, Request, Webhook
from channels.errors import Refused
from models.attachments import answer_file
from models.base import ping
from models.departments import has_address
from workers import app
from workers.doors.files import file_response
from workers.inbox import Inbox
from workers.logs import get_logger
from workers.media import is_ours, is_over
from workers.runtime import Runtime
from workers.settings import SettingsError
from workers.store import StoreAwayError

log = get_logger()

LARGEST_BODY = 1 << 20
# Slack waits 3 s for an answer, Twilio 15 s: what takes longer is refused for now and comes again.
ACCEPT_TIMEOUT = 2.0
READ_TIMEOUT = 10.0
HEAD_TIMEOUT = 10.0
# Each needs a connection to the database for a moment.
THREADS = 8

_Result = TypeVar("_Result")


class _Number(IntegerConvertor):
    """A number in an address, short enough for Python to read and for PostgreSQL to hold."""

    regex = "[0-9]{1,18}"


register_url_convertor("number", _Number())


def check_secrets(tools: Runtime) -> None:
    """Refuse to start where every call about an address of ours would be refused. Raises `SettingsError`."""
    for webhook in tools.channels.webhooks.values():
        if not webhook.missing:
            continue
        names = [name for name, path in tools.channels.webhook_of.items() if path == webhook.name]
        with tools.database.session_scope() as session:
            used = has_address(session, {tools.channel(name).address_type for name in names})
        if used:
            raise SettingsError(
                f"{webhook.missing} is not set, and the desk has addresses for {' and '.join(names)}: "
                "every call about them would be refused"
            )


class Web:
    """The routes, over one process's tools."""

    def __init__(self, tools: Runtime) -> None:
        self._tools = tools
        self._inbox = Inbox(tools.database, app.publish)
        # The path of the public address, which some proxies take away and others leave.
        self._prefix = urlsplit(tools.settings.public_url).path
        self.app = Starlette(
            routes=[
                Route("/healthz", _healthz),
                Route("/readyz", self._readyz),
                *(route for prefix in dict.fromkeys(("", self._prefix)) for route in self._public(prefix)),
            ]
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="web")
        # Its address would be built from Host; what nearly fits a route is as unknown as the rest.
        self.app.router.redirect_slashes = False

    def _public(self, prefix: str) -> tuple[Route, Route]:
        return (
            Route(f"{prefix}/webhooks/{{name}}/{{rest:path}}", self._webhook, methods=["POST"]),
            Route(f"{prefix}/media/{{attachment_id:number}}/{{expires:number}}/{{mac}}", self._media),
        )

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        """Do blocking work in one of a fixed number of threads, and wait no longer than a provider does."""
        return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._threads, work), ACCEPT_TIMEOUT)

    async def _webhook(self, request: WebRequest) -> Response:
        webhook = self._tools.channels.webhooks.get(request.path_params["name"])
        if webhook is None:
            return PlainTextResponse("unknown", 404)
        try:
            body = await asyncio.wait_for(_read(request), READ_TIMEOUT)
            receipt = await self._accept(webhook, self._signed_request(request, body))
        except Refused as error:
            log.warning("webhook_refused", webhook=webhook.name, status=error.status, reason=str(error))
            return PlainTextResponse("refused", error.status)
        except (TimeoutError, SQLAlchemyError) as error:
            log.warning("webhook_not_stored", webhook=webhook.name, error=type(error).__name__)
            return PlainTextResponse("try again later", 503)
        return Response(receipt.body, media_type=receipt.content_type)

    async def _accept(self, webhook: Webhook, request: Request) -> Receipt:
        webhook.verify(request)
        receipt = webhook.receive(request)
        if receipt.events:
            await self._in_thread(lambda: self._inbox.accept(receipt.events))
        return receipt

    def _signed_request(self, request: WebRequest, body: bytes) -> Request:
        """Build the address from the configured one: a caller chooses Host and forwarded headers, not what we trust."""
        path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
        query = request.scope["query_string"].decode("latin-1")
        return Request(
            url=f"{self._tools.settings.public_url}{self._own(path)}{'?' + query if query else ''}",
            path=self._own(request.url.path),
            # A header that came twice counts with all its values: which one was signed is not ours to choose.
            headers={name: ", ".join(request.headers.getlist(name)) for name in request.headers},
            body=body,
        )

    def _own(self, path: str) -> str:
        return path.removeprefix(self._prefix) if path.startswith(f"{self._prefix}/") else path

    async def _readyz(self, _request: WebRequest) -> Response:
        try:
            await self._in_thread(self._ping)
        except (TimeoutError, SQLAlchemyError):
            return PlainTextResponse("the database does not answer", 503)
        return PlainTextResponse("ready")

    def _ping(self) -> None:
        with self._tools.database.session_scope() as session:
            ping(session)

    async def _media(self, request: WebRequest) -> Response:
        attachment_id, expires = request.path_params["attachment_id"], request.path_params["expires"]
        if not is_ours(self._tools.settings.secret_key, attachment_id, expires, request.path_params["mac"]):
            return PlainTextResponse("not found", 404)
        if is_over(expires):
            return PlainTextResponse("this address is good no more", 410)
        try:
            return await run_in_threadpool(self._file, attachment_id)
        except (SQLAlchemyError, StoreAwayError) as error:
            log.warning("media_not_found_out", error=type(error).__name__)
            return PlainTextResponse("try again later", 503)

    def _file(self, attachment_id: int) -> Response:
        with self._tools.database.session_scope() as session:
            file = answer_file(session, attachment_id)
        if file is None or file.storage_key is None:
            return PlainTextResponse("not found", 404)
        try:
            return file_response(file, self._tools.store.get(file.storage_key))
        except FileNotFoundError:
            log.error("media_gone", attachment_id=attachment_id)  # noqa: TRY400 (the trace would tell where files lie)
            return PlainTextResponse("not found", 404)


class _Impatient(H11Protocol):
    """Closes a connection that has not sent the head of a request in time: silence must not hold the door shut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        """Start the clock."""
        super().connection_made(transport)
        self.loop.call_later(HEAD_TIMEOUT, self._close_if_silent, transport)

    def _close_if_silent(self, transport: asyncio.Transport) -> None:
        if not getattr(self, "cycle", None):  # set by the first request; uvicorn's types know no time before it
            transport.close()


async def _healthz(_request: WebRequest) -> Response:
    return PlainTextResponse("alive")


async def _read(request: WebRequest) -> bytes:
    if int(request.headers.get("content-length") or 0) > LARGEST_BODY:
        raise Refused(413, "the body is too large")
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_BODY:
                raise Refused(413, "the body is too large")
    except ClientDisconnect as error:
        raise Refused(400, "the caller hung up") from error
    return bytes(body)


def serve(tools: Runtime, *, host: str, port: int) -> None:
    """Run the web door until SIGTERM or Ctrl-C. Raises `SettingsError` where its secrets are missing."""
    check_secrets(tools)
    log.info("web_listening", host=host, port=port, public_url=tools.settings.public_url)
    uvicorn.run(
        Web(tools).app,
        host=host,
        port=port,
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=_Impatient,
        timeout_graceful_shutdown=10,
    )
