"""Socket Mode: the app's own connections, over which everything goes to it while one of them is open.

See https://docs.slack.dev/apis/events-api/using-socket-mode.
"""

import asyncio
import json
import secrets
import uuid
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.outgoing import Answer
from sandbox.wire import Json

ENVELOPES = {"slack/events": "events_api", "slack/interactivity": "interactive", "slack/commands": "slash_commands"}


class Sockets:
    """The open connections and the envelopes that wait for their acknowledgement."""

    def __init__(self) -> None:
        self._tickets: set[str] = set()
        self._open: list[WebSocket] = []
        self._waiting: dict[str, asyncio.Future[bytes]] = {}

    @property
    def open(self) -> bool:
        """Say whether the app listens over a connection of its own."""
        return bool(self._open)

    def ticket(self) -> str:
        """Return the one-time end of the address to connect to."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, websocket: WebSocket) -> None:
        """Hold a connection until either side ends it."""
        if websocket.path_params["ticket"] not in self._tickets:
            await websocket.close(4403)
            return
        self._tickets.discard(websocket.path_params["ticket"])
        await websocket.accept()
        await websocket.send_json({"type": "hello", "num_connections": len(self._open) + 1})
        self._open.append(websocket)
        try:
            while True:
                self._acknowledged(await websocket.receive_json())
        except WebSocketDisconnect:
            pass
        finally:
            self._open.remove(websocket)

    async def hand_over(self, name: str, payload: Json, seconds: float) -> Answer:
        """Send an envelope over the newest connection and wait for its acknowledgement."""
        if not self._open:
            return Answer(status=0, problem="connection_failed")
        envelope = str(uuid.uuid4())
        waiting = self._waiting[envelope] = asyncio.get_running_loop().create_future()
        message = {"type": ENVELOPES[name], "envelope_id": envelope, "payload": payload}
        try:
            await self._open[-1].send_json({**message, "accepts_response_payload": name != "slack/events"})
            return Answer(status=200, content=await asyncio.wait_for(waiting, seconds))
        except TimeoutError:
            return Answer(status=0, problem="http_timeout")
        except (RuntimeError, WebSocketDisconnect):
            return Answer(status=0, problem="connection_failed")
        finally:
            del self._waiting[envelope]

    async def cut(self, *, politely: bool) -> int:
        """End every connection, with a word before it or without one, and return how many there were."""
        ended = list(self._open)
        for websocket in ended:
            with suppress(RuntimeError):
                if politely:
                    await websocket.send_json({"type": "disconnect", "reason": "refresh_requested"})
                else:
                    await websocket.close(1011)
        return len(ended)

    def _acknowledged(self, message: Json) -> None:
        waiting = self._waiting.get(str(message.get("envelope_id")))
        if waiting is not None and not waiting.done():
            waiting.set_result(json.dumps(message.get("payload") or "").encode())
