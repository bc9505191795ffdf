"""Reading back a channel that is busier than can be read whole."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from slack_sdk.web import WebClient

from channels.base import ExternalId
from channels.errors import TryLater
from channels.slack.client import Me
from channels.slack.missed import missed
from channels.slack.pages import MAX_PAGES

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHANNEL = ExternalId(type="slack", value="T0DESK/C0BUSY")


class Busy(WebClient):
    """A channel with a message each second, as far back as anybody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.pages = 0

    def conversations_history(self, **_: Any) -> Any:  # noqa: ANN401 (slack_sdk's own)
        at = NOW.timestamp() - self.pages
        self.pages += 1
        root = {"type": "message", "user": "U0CLEO", "text": "Hello", "ts": f"{at:.6f}"}
        data = {"ok": True, "messages": [root], "response_metadata": {"next_cursor": "more"}}
        return SimpleNamespace(data=data)


def test_what_was_said_since_is_found_though_the_channel_cannot_be_read_whole() -> None:
    since = NOW - timedelta(seconds=MAX_PAGES - 5)
    events = missed(Busy(), Me("T0DESK", "U0FRONTDESK"), CHANNEL, since)
    assert len(events) == MAX_PAGES - 5


def test_a_channel_that_is_too_busy_even_since_then_is_left_for_a_later_look() -> None:
    with pytest.raises(TryLater):
        missed(Busy(), Me("T0DESK", "U0FRONTDESK"), CHANNEL, NOW - timedelta(days=1))
