"""A relay that says lines from a script, whatever it hears."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress

DRIPPED = "drip: "


class ScriptedRelay:
    """Another side that takes one connection a script and says its lines in turn, and hangs up after the last.

    An empty line is said by silence; what stands behind `DRIPPED` is said over and over for three seconds.
    """

    def __init__(self, scripts: Sequence[Sequence[str]], context: ssl.SSLContext | None) -> None:
        self.scripts = scripts
        self.context = context
        self.heard = b""
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self) -> None:
        for answers in self.scripts:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # nobody else came
                return
            self.connections += 1
            with suppress(OSError), closing(self.encrypted(connection)) as said_over:
                self.play(said_over, answers)

    def encrypted(self, connection: socket.socket) -> socket.socket:
        return self.context.wrap_socket(connection, server_side=True) if self.context else connection

    def play(self, connection: socket.socket, answers: Sequence[str]) -> None:
        for number, answer in enumerate(answers):
            if number:
                self.hear(connection, b"\r\n.\r\n" if answers[number - 1].startswith("354") else b"\r\n")
            if not answer:
                self.hear(connection, b"never")
                return
            if answer.startswith(DRIPPED):
                self.drip(connection, answer.removeprefix(DRIPPED).encode())
                return
            connection.sendall(answer.encode() + b"\r\n")

    def drip(self, connection: socket.socket, piece: bytes) -> None:
        for _ in range(150):
            connection.sendall(piece)
            time.sleep(0.02)

    def hear(self, connection: socket.socket, end: bytes) -> None:
        said = b""
        while not said.endswith(end):
            piece = connection.recv(65536)
            if not piece:
                return
            said += piece
            self.heard += piece


@contextmanager
def relays(*scripts: Sequence[str], context: ssl.SSLContext | None = None) -> Iterator[ScriptedRelay]:
    """Run a relay that takes as many connections as there are scripts; encrypted from the first byte with a context."""
    scripted = ScriptedRelay(scripts, context)
    thread = threading.Thread(target=scripted.run)
    thread.start()
    with closing(scripted.listener):
        yield scripted
        with suppress(OSError):
            scripted.listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    assert not thread.is_alive()


@contextmanager
def relay(*answers: str) -> Iterator[ScriptedRelay]:
    """Run a relay that takes one connection."""
    with relays(answers) as scripted:
        yield scripted
