"""The way to Slack's Web API: one client that waits a bounded time and never repeats a call by itself."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from slack_sdk.web import SlackResponse, WebClient

from channels.errors import TryLater, Unclear, Undeliverable
from channels.slack.errors import FAILURES, send_error
from channels.slack.payload import Json, text
from channels.slack.settings import Settings

TIMEOUT = 10

# The library writes whole messages at DEBUG and answers at ERROR; every failure reaches us as an exception anyway.
_QUIET = logging.getLogger("channels.slack.library")
_QUIET.setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Me:
    """Our bot: its workspace, its user there, and the address where the workspace's links begin."""

    team: str
    user: str
    url: str = ""


def web_client(settings: Settings) -> WebClient:
    """Build the client; the library's default would post again after a dropped connection."""
    if not settings.token:
        raise Undeliverable("SLACK_BOT_TOKEN is not set.", code="not_connected")
    return WebClient(token=settings.token, base_url=settings.api_url, timeout=TIMEOUT, retry_handlers=[], logger=_QUIET)


@contextmanager
def slack_errors(*, to_person: bool = False) -> Iterator[None]:
    """Turn whatever the library raises into a `SendError`, by whether a person or a channel was written to."""
    try:
        yield
    except FAILURES as error:
        # Without the cause: its text may hold what was sent, and a traceback would carry it into the logs.
        raise send_error(error, to_person=to_person) from None


@contextmanager
def harmless_to_repeat() -> Iterator[None]:
    """Turn `Unclear` into `TryLater`, for calls that nobody sees the effect of."""
    try:
        yield
    except Unclear as error:
        raise TryLater(str(error)) from None


@contextmanager
def only_later() -> Iterator[None]:
    """Turn every failure into `TryLater`, for questions whose answer cannot be done without."""
    try:
        yield
    except (Unclear, Undeliverable) as error:
        raise TryLater(str(error)) from None


def answer(response: SlackResponse) -> Json:
    """Return the answer's JSON, empty when it was something else."""
    return response.data if isinstance(response.data, dict) else {}


def who_am_i(client: WebClient) -> Me:
    """Ask Slack whose token this is. Raises a `SendError`."""
    with slack_errors():
        own = answer(client.auth_test())
    return Me(text(own, "team_id"), text(own, "user_id"), text(own, "url"))
