"""A channel or thread, page by page."""

from collections.abc import Iterator
from datetime import datetime

from slack_sdk.web import WebClient

from channels.errors import TryLater
from channels.slack.client import answer, slack_errors
from channels.slack.ids import Place
from channels.slack.payload import Json, child, text

PAGE = 200
MAX_PAGES = 50


class TooLongError(TryLater):
    """More messages than are read at once: not all of it was seen."""


def pages(client: WebClient, where: Place, thread: str, since: datetime) -> Iterator[Json]:
    """Yield the pages of a thread, or of a channel when `thread` is empty. Raises a `SendError`.

    One with more than 10,000 messages since then raises `TooLongError` at its end.
    """
    oldest, cursor = f"{since.timestamp():.6f}", ""
    for _ in range(MAX_PAGES):
        page = _page(client, where, thread, oldest, cursor)
        yield page
        cursor = text(child(page, "response_metadata"), "next_cursor")
        if not cursor:
            return
    raise TooLongError("The channel is too busy to be read whole.")


def _page(client: WebClient, where: Place, thread: str, oldest: str, cursor: str) -> Json:
    with slack_errors():
        if thread:
            response = client.conversations_replies(
                channel=where.id, ts=thread, oldest=oldest, limit=PAGE, cursor=cursor or None, include_all_metadata=True
            )
        else:
            response = client.conversations_history(
                channel=where.id, oldest=oldest, limit=PAGE, cursor=cursor or None, include_all_metadata=True
            )
    return answer(response)
