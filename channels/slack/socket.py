"""Slack's calls over a connection that we open (Socket Mode), for a desk without a public address.

Slack sends each call in an envelope, takes it for heard once the envelope's id comes back, and sends it again when that
does not happen in time: so the id goes back only after the call is stored.
See https://docs.slack.dev/apis/events-api/using-socket-mode.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode

from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web import WebClient

from channels.base import RawEvent
from channels.slack.client import TIMEOUT, slack_errors
from channels.slack.settings import Settings
from channels.slack.webhook import receive_command, receive_event, receive_interaction

Accept = Callable[[Sequence[RawEvent]], object]

# The library logs what passes through it.
_QUIET = logging.getLogger("channels.slack.socket.library")
_QUIET.setLevel(logging.CRITICAL + 1)
# Seconds between the looks whether the connection still stands; without an answer for four of them it is made anew.
_PING_INTERVAL = 5


class SlackSocket:
    """A connection that is made again whenever it ends. `accept` stores, and raises when it could not."""

    def __init__(self, settings: Settings, accept: Accept) -> None:
        """Prepare it; raises `ValueError` without an app-level token."""
        if not settings.app_token.startswith("xapp-"):
            raise ValueError(
                "SLACK_APP_TOKEN is not set, or is no app-level token: make one with connections:write under Basic "
                "Information, App-Level Tokens; it begins with xapp-"
            )
        self._accept = accept
        self._client = SocketModeClient(
            app_token=settings.app_token,
            web_client=WebClient(base_url=settings.api_url, timeout=TIMEOUT, retry_handlers=[], logger=_QUIET),
            logger=_QUIET,
            ping_interval=_PING_INTERVAL,
            concurrency=1,  # calls are stored in the order they came
        )
        self._client.socket_mode_request_listeners.append(self._heard)

    @property
    def connected(self) -> bool:
        """Say whether calls come through now."""
        return bool(self._client.is_connected())

    def connect(self) -> None:
        """Open the connection; later ones are the library's doing. Raises a `SendError`."""
        with slack_errors():
            self._client.connect()

    def close(self) -> None:
        """End it."""
        self._client.close()

    def _heard(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        events = calls(request.type, request.payload)
        if events:
            self._accept(events)
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))


def calls(kind: str, payload: Mapping[str, object]) -> tuple[RawEvent, ...]:
    """Return what to store of an envelope, in the form in which the web door gets it; nothing for what is unknown."""
    if kind == "events_api":
        return receive_event(json.dumps(payload).encode()).events
    if kind == "interactive":
        return receive_interaction(urlencode({"payload": json.dumps(payload)}).encode()).events
    if kind == "slash_commands":
        return receive_command(urlencode({name: str(value) for name, value in payload.items()}).encode()).events
    return ()
