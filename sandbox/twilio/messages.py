"""The Messages resource: every text in both directions, as JSON and page by page."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlencode

from sandbox.twilio.errors import TwilioError
from sandbox.twilio.rules import segments
from sandbox.wire import Json, now

API = "2010-04-01"
PAGE = 50
LARGEST_PAGE = 1000


@dataclass(slots=True, kw_only=True)
class Media:
    """A file that came with an inbound text."""

    sid: str
    content_type: str
    content: bytes


@dataclass(slots=True, kw_only=True)
class Message:
    """One text; `direction` is `inbound`, `outbound-api` or `outbound-reply`."""

    account: str
    direction: str
    sender: str
    to: str
    body: str
    status: str
    sid: str
    service: str = ""
    media_count: int = 0
    media: list[Media] = field(default_factory=list)
    error: tuple[int, str] | None = None
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    sent: datetime | None = None

    @property
    def path(self) -> str:
        """Return the resource's path without an ending."""
        return f"/{API}/Accounts/{self.account}/Messages/{self.sid}"

    def as_json(self) -> Json:
        """Return the resource; a service has not cut the text into segments yet, so it says 0."""
        waiting = self.service and self.status == "accepted"
        return {
            "account_sid": self.account,
            "api_version": API,
            "body": self.body,
            "date_created": format_datetime(self.created),
            "date_sent": format_datetime(self.sent) if self.sent else None,
            "date_updated": format_datetime(self.updated),
            "direction": self.direction,
            "error_code": self.error[0] if self.error else None,
            "error_message": self.error[1] if self.error else None,
            "from": self.sender or None,
            "messaging_service_sid": self.service or None,
            "num_media": str(self.media_count),
            "num_segments": "0" if waiting else str(segments(self.body)),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{self.path}/Media.json"},
            "to": self.to,
            "uri": f"{self.path}.json",
        }


class Messages:
    """All texts of the account, newest first when listed."""

    def __init__(self) -> None:
        self._by_sid: dict[str, Message] = {}

    def add(self, message: Message) -> None:
        """Keep a text."""
        self._by_sid[message.sid] = message

    def get(self, sid: str) -> Message:
        """Find a text. Raises `TwilioError`."""
        if sid not in self._by_sid:
            raise TwilioError(404, 20404, f"The requested resource /Messages/{sid}.json was not found")
        return self._by_sid[sid]

    def page(self, account: str, query: Mapping[str, str], behind: float = 0.0) -> Json:
        """Return one page of what `To`, `From` and the three `DateSent` filters leave, `behind` seconds late."""
        size = max(1, min(_number(query, "PageSize", PAGE), LARGEST_PAGE))
        number = _number(query, "Page", 0)
        shows = now() - timedelta(seconds=behind)
        newest_first = sorted(self._by_sid.values(), key=lambda each: each.created, reverse=True)
        fitting = [each for each in newest_first if each.created <= shows and _fits(each, query)]
        shown = fitting[number * size : (number + 1) * size]
        more = len(fitting) > (number + 1) * size
        return {
            "messages": [message.as_json() for message in shown],
            "page": number,
            "page_size": size,
            "start": number * size,
            "end": number * size + max(len(shown) - 1, 0),
            "uri": _page_uri(account, query, number, size),
            "first_page_uri": _page_uri(account, query, 0, size),
            "next_page_uri": _page_uri(account, query, number + 1, size) if more else None,
            "previous_page_uri": _page_uri(account, query, number - 1, size) if number else None,
        }


def new_sid(kind: str) -> str:
    """Return a SID: two letters for the kind and 32 hex digits."""
    return kind + secrets.token_hex(16)


def _number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    text = query.get(name) or str(otherwise)
    if not text.isdecimal():
        raise TwilioError(400, 20001, f"{name} is invalid")
    return int(text)


def _page_uri(account: str, query: Mapping[str, str], number: int, size: int) -> str:
    filters = {key: value for key, value in query.items() if key not in {"Page", "PageSize", "PageToken"}}
    return f"/{API}/Accounts/{account}/Messages.json?" + urlencode(filters | {"PageSize": size, "Page": number})


def _fits(message: Message, query: Mapping[str, str]) -> bool:
    moment = message.sent or message.created
    return (
        query.get("To", message.to) == message.to
        and query.get("From", message.sender) == message.sender
        and ("DateSent" not in query or moment.date() == _moment(query["DateSent"]).date())
        and ("DateSent<" not in query or moment <= _moment(query["DateSent<"]))
        and ("DateSent>" not in query or moment >= _moment(query["DateSent>"]))
    )


def _moment(text: str) -> datetime:
    """Read a day or a moment, as Twilio's libraries write both. Raises `TwilioError`."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise TwilioError(400, 20001, "DateSent is invalid") from error
    return value if value.tzinfo else value.replace(tzinfo=UTC)
