"""Everything put together in one process: HTTP on one port, SMTP on another."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace

import uvicorn
from starlette.applications import Starlette

from sandbox import page
from sandbox.control import Control
from sandbox.faults import Faults
from sandbox.ledger import Calls, Ledger, Tell
from sandbox.mailbox import Mailbox
from sandbox.reset import ResettableConnection
from sandbox.settings import Settings
from sandbox.slack.interactivity import Interactivity
from sandbox.slack.people import People
from sandbox.slack.routes import SlackDoor
from sandbox.slack.workspace import Workspace
from sandbox.twilio.account import Account
from sandbox.twilio.routes import TwilioDoor
from sandbox.webhooks import Webhooks

GRACE = 1  # seconds for calls under way at the end; a fault of silence would hold its connection for ever


class _Server(uvicorn.Server):
    """A uvicorn that ends without passing the signal on, so that a clean stop has exit code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


async def serve(settings: Settings, tell: Tell) -> None:
    """Run until a signal comes. Raises `OSError` when a port or the ledger's file cannot be had."""
    with socket.create_server((settings.host, settings.port)) as listening:
        # asyncio does so only for sockets that name their protocol; without it half an answer waits 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        settings = replace(settings, port=listening.getsockname()[1])
        ledger, calls = Ledger(settings.ledger, tell), Calls()
        faults = Faults(calls)
        webhooks, mailbox = Webhooks(settings, faults, tell), Mailbox(ledger, faults)
        app = _application(settings, (ledger, calls), faults, webhooks, mailbox)
        mail = await mailbox.listen(settings.host, settings.smtp_port)
        tell(f"sandbox listens: {settings.own_url} and mail on port {mail.sockets[0].getsockname()[1]}")
        try:
            await _Server(_config(app)).serve([listening])
        finally:
            # Not waited for: a connection under a fault of silence would never end by itself.
            mail.close()
            await webhooks.close()
            ledger.close()


def _application(
    settings: Settings, records: tuple[Ledger, Calls], faults: Faults, webhooks: Webhooks, mailbox: Mailbox
) -> Starlette:
    slack = Workspace(settings, records[0], webhooks)
    interactivity = Interactivity(slack)
    account = Account(settings, records[0], webhooks)
    control = Control(records, faults, webhooks, People(slack, interactivity), account, mailbox)
    doors = [*SlackDoor(slack, interactivity, faults).routes(), *TwilioDoor(account, faults).routes()]
    return Starlette(routes=[*page.routes(), *doors, *control.routes()])


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=ResettableConnection,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE,
    )
