"""The Slack door for a desk without a public address: Socket Mode, kept up for as long as the process lives."""

import random
import signal
import threading
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from channels.base import RawEvent
from channels.errors import SendError
from channels.slack.settings import Settings
from channels.slack.socket import SlackSocket
from workers import app
from workers.inbox import Inbox
from workers.logs import get_logger
from workers.runtime import Runtime
from workers.settings import SettingsError

log = get_logger()

_FIRST_DELAY, _LONGEST_DELAY = 1.0, 60.0
# Seconds between looks at whether the connection stands, for the log.
_WATCH = 1.0


class SlackSocketDoor:
    """Connects, stores what comes, and says in the log when the connection goes and returns."""

    def __init__(self, tools: Runtime) -> None:
        self._inbox = Inbox(tools.database, app.publish)
        try:
            self._socket = SlackSocket(Settings.from_environment(tools.settings.environment), self._store)
        except ValueError as error:
            raise SettingsError(str(error)) from error

    def run(self, stop: threading.Event) -> None:
        """Serve until told to stop."""
        self._connect(stop)
        up = True
        while not stop.wait(_WATCH):
            if self._socket.connected != up:
                up = not up
                log.warning("slack_socket_back" if up else "slack_socket_lost")
        self._socket.close()
        log.info("slack_socket_stopped")

    def _connect(self, stop: threading.Event) -> None:
        delay = _FIRST_DELAY
        while not stop.is_set():
            try:
                self._socket.connect()
            except SendError as error:
                log.warning("slack_socket_unreachable", reason=str(error))
                stop.wait(delay * random.uniform(0.5, 1))  # noqa: S311 (spreads tries, guards nothing)
                delay = min(2 * delay, _LONGEST_DELAY)
            else:
                log.info("slack_socket_connected")
                return

    def _store(self, events: Sequence[RawEvent]) -> None:
        try:
            self._inbox.accept(events)
        except SQLAlchemyError as error:
            # Unacknowledged: Slack sends it again, and what it gives up on is found in the threads later.
            log.warning("event_not_stored", error=type(error).__name__)
            raise


def serve(tools: Runtime) -> None:
    """Run the door until SIGTERM or Ctrl-C. Raises `SettingsError` without SLACK_APP_TOKEN."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    SlackSocketDoor(tools).run(stop)
