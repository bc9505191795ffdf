"""A real HTTP server for tests of the wire: it answers as told or cuts the connection, and keeps what it received."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reset:
    """Read the whole request, then cut the connection without a word."""


Script = Callable[[Received], Answer | Reset]


@dataclass
class Server:
    url: str
    host: str
    received: list[Received]


@contextmanager
def answering(script: Script) -> Iterator[Server]:
    received: list[Received] = []
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script, received))
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    host = f"127.0.0.1:{httpd.server_address[1]}"
    try:
        yield Server(url=f"http://{host}", host=host, received=received)
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def _framing(answer: Answer) -> dict[str, str]:
    if "Transfer-Encoding" in answer.headers:
        return dict(answer.headers)
    return {"Content-Length": str(len(answer.body)), **answer.headers}


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _handler(script: Script, received: list[Received]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            request = Received(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            received.append(request)
            answer = script(request)
            if isinstance(answer, Reset):
                self._reset()
                return
            self.send_response(answer.status)
            for name, value in _framing(answer).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def _reset(self) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            """Say nothing."""

        do_GET = do_POST = _answer  # noqa: N815 (the base class's names)

    return Handler
