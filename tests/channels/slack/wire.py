"""Shared by the tests of Slack's wire: a post to make, answers as Slack gives them, and the channel under test."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

from channels.base import Attachment, ExternalId, OutboundMessage, TicketCard
from channels.slack import connect
from channels.slack.channel import SlackChannel
from tests.channels.slack.answering import Answer, Received, Reset, Script

Json = dict[str, object]
Calls = dict[str, Answer | Reset]

POST = OutboundMessage(
    idempotency_key="0c7e1f1e-5f0b-4a9e-8d6a-1f1d7a3f0b11",
    to=ExternalId(type="slack", value="T1/C1"),
    sender_name="Ana <Lima>",
    body="canary <!channel> & more",
    thread="1690000000.000100",
)
FILES = OutboundMessage(
    idempotency_key="k",
    to=POST.to,
    thread=POST.thread,
    attachments=(Attachment(name="a.txt", data=b"YQ==", encoding="base64"), Attachment(name="b<.pdf", data=b"bb")),
)
CARD = TicketCard(
    ticket_id=12,
    title="Late",
    client="Ana",
    channel="sms",
    department="Sales",
    status="open",
    priority="high",
    opened_at=datetime(2026, 11, 22, tzinfo=UTC),
)
THREAD = ExternalId(type="slack", value="T1/C1/1690000000.000100")
SINCE = datetime.fromtimestamp(1700000000, UTC)


def ok(**fields: object) -> Answer:
    return Answer(json.dumps({"ok": True, **fields}).encode(), headers={"Content-Type": "application/json"})


def no(code: str, status: int = 200, **headers: str) -> Answer:
    return Answer(json.dumps({"ok": False, "error": code}).encode(), status=status, headers=headers)


POSTED = ok(channel="C1", ts="1700000000.000100")
ME = ok(team_id="T1", user_id="UBOT")


def calls(answers: Calls) -> Script:
    return lambda request: answers[method(request)]


def method(request: Received) -> str:
    return request.path.partition("?")[0].removeprefix("/api/")


def slack(url: str) -> SlackChannel:
    settings = {"SLACK_BOT_TOKEN": "xoxb-canary", "SLACK_SIGNING_SECRET": "s", "SLACK_API_URL": url + "/api/"}
    (channel,) = connect(settings).channels
    assert isinstance(channel, SlackChannel)
    return channel


def sent(request: Received) -> dict[str, object]:
    if "json" in request.headers["content-type"]:
        body = json.loads(request.body)
        assert isinstance(body, dict)
        return body
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
