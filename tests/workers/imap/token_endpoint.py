"""A sign-in service over real HTTP: what it was asked, and what it answers next."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl


@dataclass
class TokenEndpoint:
    """Gives access token `access-1` for the first call, and so on; `answers` go first where there are any."""

    asked: list[dict[str, str]] = field(default_factory=list)
    answers: list[tuple[int, object]] = field(default_factory=list)
    url: str = ""

    def answer(self) -> tuple[int, object]:
        granted = {"access_token": f"access-{len(self.asked)}", "expires_in": 3600, "token_type": "Bearer"}
        return self.answers.pop(0) if self.answers else (200, granted)


@contextmanager
def token_endpoint() -> Iterator[TokenEndpoint]:
    endpoint = TokenEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            endpoint.asked.append(dict(parse_qsl(body.decode())))
            status, said = endpoint.answer()
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/token"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join()
