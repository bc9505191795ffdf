"""The door on a loop of its own, and a sender that speaks SMTP line by line."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from channels.base import RawEvent
from channels.email import smtp_server
from channels.email.smtp_server import Limits, start


@dataclass
class Intake:
    """A house that keeps mail in a list, or fails as told."""

    accepted: list[RawEvent] = field(default_factory=list)
    trouble: Exception | None = None
    hangs: bool = False

    async def knows(self, address: str) -> bool:
        return address == "support@desk.example"

    async def accept(self, event: RawEvent) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.trouble:
            raise self.trouble
        self.accepted.append(event)


@contextmanager
def door(
    intake: smtp_server.Intake, limits: Limits | None = None, context: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Run the server on a loop of its own and give its port."""
    loop = asyncio.new_event_loop()
    listening = start(
        intake, host="127.0.0.1", port=0, hostname="desk.example", tls_context=context, limits=limits or Limits()
    )
    with served(loop, listening) as port:
        yield port


@contextmanager
def served(loop: asyncio.AbstractEventLoop, listening: Coroutine[None, None, asyncio.Server]) -> Iterator[int]:
    """Run a listening server on this loop, in a thread, and give its port."""
    server = loop.run_until_complete(listening)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(closed(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def closed(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class Talk:
    """A raw conversation, line by line."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.lines = self.socket.makefile("rb")

    def hear(self) -> str:
        while (line := self.lines.readline()) and line[3:4] == b"-":
            pass
        return line.decode().rstrip("\r\n")

    def say(self, text: bytes | str) -> str:
        self.socket.sendall((text.encode() if isinstance(text, str) else text) + b"\r\n")
        return self.hear()

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


@contextmanager
def talk(port: int, *, greeted: bool = True) -> Iterator[Talk]:
    conversation = Talk(port)
    try:
        if greeted:
            conversation.hear()
            conversation.say("EHLO client.example")
        yield conversation
    finally:
        conversation.close()
