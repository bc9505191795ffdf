"""A mail server that stores nothing: what the library can do alone."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiosmtpd.smtp import SMTP

from workers.local.supervisor import free_port


class Sink:
    """A handler that takes every mail and forgets it."""

    async def handle_DATA(self, _server: object, _session: object, _envelope: object) -> str:  # noqa: N802 (aiosmtpd's name)
        return "250 OK"


@contextmanager
def bare_sink(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Run aiosmtpd alone: what the library can do when nothing is stored."""
    port, loop, ready = free_port(), asyncio.new_event_loop(), threading.Event()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(
            loop.create_server(lambda: SMTP(Sink(), hostname="sink", loop=loop, tls_context=tls), "127.0.0.1", port)
        )
        ready.set()
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    yield port
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
