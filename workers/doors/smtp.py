"""The SMTP door: what the listener asks of the house, and its life as a process."""

import asyncio
import signal
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from channels.base import ExternalId, RawEvent
from channels.email.smtp_server import start
from models.departments import owner_of
from workers import app
from workers.inbox import Inbox
from workers.logs import get_logger
from workers.runtime import Runtime
from workers.settings import SettingsError

log = get_logger()

_Result = TypeVar("_Result")

# Each mail under way needs a connection to the database for a moment.
_THREADS = 8


class DeskIntake:
    """Knows which mailboxes are ours, and stores mail."""

    def __init__(self, tools: Runtime) -> None:
        self._tools = tools
        self._inbox = Inbox(tools.database, app.publish)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="intake")

    async def knows(self, mailbox: str) -> bool:
        """Say whether a department owns this mailbox."""
        return await self._in_thread(lambda: self._is_owned(mailbox))

    async def accept(self, event: RawEvent) -> None:
        """Store a mail; returning means it is committed."""
        await self._in_thread(lambda: self._inbox.accept([event]))

    def _is_owned(self, mailbox: str) -> bool:
        with self._tools.database.session_scope() as session:
            return owner_of(session, ExternalId(type="email", value=mailbox)) is not None

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def serve(tools: Runtime, *, host: str, port: int) -> None:
    """Run the SMTP door until SIGTERM or Ctrl-C."""
    asyncio.run(_serve(tools, host, port))


async def _serve(tools: Runtime, host: str, port: int) -> None:
    environment = tools.settings.environment
    server = await start(
        DeskIntake(tools),
        host=host,
        port=port,
        hostname=environment.get("SMTP_HOSTNAME") or "frontdesk",
        tls_context=_tls(environment.get("SMTP_TLS_CERT", ""), environment.get("SMTP_TLS_KEY", "")),
    )
    log.info("smtp_listening", host=host, port=port)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    server.close()
    log.info("smtp_stopped")


def _tls(certificate: str, key: str) -> ssl.SSLContext | None:
    if not certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key or None)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"SMTP_TLS_CERT or SMTP_TLS_KEY cannot be used: {error}") from error
    return context
