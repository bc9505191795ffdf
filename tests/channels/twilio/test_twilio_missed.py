"""What Twilio's list says is read as its calls are, page by page and not too early."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlencode

import pytest

from channels.base import ExternalId, InboundMessage, RawEvent, Request
from channels.errors import Malformed, TryLater
from channels.twilio import connect
from channels.twilio.account import Account
from channels.twilio.parse import parse
from tests.channels.slack.answering import Answer, Received, Reset, answering

SERVICE = "MG0123456789abcdef0123456789abcdef"
NUMBERS = f"/v1/Services/{SERVICE}/PhoneNumbers"
MESSAGES = "/2010-04-01/Accounts/AC1/Messages"
OURS, CLIENT = "+15550100002", "+15550100001"

Pages = Mapping[str, object]


def ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def resource(sid: str, minutes: float, **more: object) -> dict[str, object]:
    at = format_datetime(ago(minutes))
    usual = {"sid": sid, "direction": "inbound", "from": CLIENT, "to": OURS, "body": sid, "num_media": "0"}
    return {**usual, "account_sid": "AC1", "date_created": at, "date_sent": at, **more}


def missed(pages: Pages, place: str = OURS, name: str = "sms") -> tuple[list[RawEvent], list[Received]]:
    """Ask a Twilio that answers a path (with its query, or without) with a page, and anything else with 404."""

    def script(request: Received) -> Answer:
        path, _, _ = request.path.partition("?")
        page = pages.get(request.path, pages.get(path.removesuffix(".json")))
        return Answer(json.dumps(page).encode()) if page else Answer(b'{"code": 20404, "status": 404}', status=404)

    with answering(script) as server:
        settings = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "token", "TWILIO_API_URL": server.url}
        channel = next(one for one in connect(settings).channels if one.name == name)
        place_of_ours = ExternalId(type=channel.address_type, value=place)
        return list(channel.missed(place_of_ours, ago(60))), server.received


def sids(events: list[RawEvent]) -> list[str]:
    return [each.external_id for each in events]


def message(event: RawEvent) -> InboundMessage:
    (said,) = parse(event)
    assert isinstance(said, InboundMessage)
    return said


def test_every_page_is_read_and_what_came_first_is_first() -> None:
    second = f"{MESSAGES}.json?Page=1"
    pages = {
        MESSAGES: {"messages": [resource("SM3", 5), resource("SM2", 10)], "next_page_uri": second},
        second: {"messages": [resource("SM1", 15)]},
    }
    events, asked = missed(pages)
    assert sids(events) == ["SM1", "SM2", "SM3"]
    query = parse_qs(asked[0].path.partition("?")[2])
    assert query["To"] == [OURS]
    assert query["DateSent>"] == [ago(70).date().isoformat()]


def test_what_is_ours_or_old_or_may_still_be_called_about_is_left() -> None:
    listed = [
        resource("SM5", 1),
        resource("SM4", 2),
        resource("SM3", 3, direction="outbound-reply"),
        resource("SM2", 65),
        resource("SM1", 75),
        resource("SM0", 2, **{"from": None}),
    ]
    assert sids(missed({MESSAGES: {"messages": listed}})[0]) == ["SM2", "SM4"]


def test_a_page_of_old_messages_is_the_last_that_is_asked_for() -> None:
    old = [resource(f"SM{number}", 100) for number in range(30)]
    _, asked = missed({MESSAGES: {"messages": old, "next_page_uri": f"{MESSAGES}.json?Page=1"}})
    assert len(asked) == 1


def test_a_listed_message_has_the_key_and_the_conversation_of_its_call_and_says_the_same() -> None:
    files = [{"uri": f"{MESSAGES}/SM1/Media/ME1.json", "content_type": "image/jpeg"}]
    ends = {"from": f"whatsapp:{CLIENT}", "to": f"whatsapp:{OURS}"}
    listed = resource("SM1", 5, body="See\nthis", num_media="1", **ends)
    events, asked = missed({MESSAGES: {"messages": [listed]}, f"{MESSAGES}/SM1/Media": {"media_list": files}})
    host = f"http://{asked[0].headers['host']}"
    form = {"MessageSid": "SM1", "From": ends["from"], "To": ends["to"], "Body": "See\nthis", "NumMedia": "1"}
    form |= {"MediaUrl0": f"{host}{MESSAGES}/SM1/Media/ME1", "MediaContentType0": "image/jpeg"}
    webhook = connect({}).webhook
    assert webhook is not None
    path = "/webhooks/twilio/messages"
    (called,) = webhook.receive(Request(url=path, path=path, headers={}, body=urlencode(form).encode())).events
    (found,) = events
    assert (found.channel, found.external_id, found.conversation) == ("whatsapp", "SM1", called.conversation)
    assert format_datetime(message(found).sent_at or ago(0)) == listed["date_sent"]
    assert message(found) == replace(message(called), sent_at=message(found).sent_at)


def test_files_that_were_deleted_do_not_keep_their_message_back() -> None:
    events, _ = missed({MESSAGES: {"messages": [resource("SM1", 5, num_media="2")]}})
    assert message(events[0]).attachments == ()


def test_a_messaging_service_is_asked_for_by_each_of_its_numbers() -> None:
    meta = {"key": "phone_numbers", "next_page_url": None}
    pages = {
        NUMBERS: {"phone_numbers": [{"phone_number": OURS}, {"phone_number": "+15550100003"}], "meta": meta},
        f"/v1/Services/{SERVICE}/ShortCodes": {
            "short_codes": [{"short_code": "88888"}],
            "meta": {"key": "short_codes"},
        },
        MESSAGES: {"messages": [resource("SM1", 5, messaging_service_sid=SERVICE)]},
    }
    events, asked = missed(pages, SERVICE)
    asked_for = [parse_qs(each.path.partition("?")[2]).get("To") for each in asked if MESSAGES in each.path]
    assert asked_for == [[OURS], ["+15550100003"], ["88888"]]
    assert sids(events) == ["SM1"] * 3


def test_a_messaging_service_has_whatsapp_senders_too() -> None:
    pages = {
        f"/v1/Services/{SERVICE}/ChannelSenders": {
            "senders": [{"sender": "rcs:brand"}, {"sender": f"whatsapp:{OURS}"}],
            "meta": {"key": "senders"},
        },
        MESSAGES: {"messages": []},
    }
    _, asked = missed(pages, SERVICE, "whatsapp")
    assert parse_qs(asked[-1].path.partition("?")[2])["To"] == [f"whatsapp:{OURS}"]


def failure(answer: Answer | Reset) -> TryLater:
    with answering(lambda _: answer) as server:
        settings = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "token", "TWILIO_API_URL": server.url}
        sms, _ = connect(settings).channels
        with pytest.raises(TryLater) as caught:
            sms.missed(ExternalId(type="phone", value=OURS), ago(60))
    return caught.value


@pytest.mark.parametrize("answer", [Answer(status=500), Answer(b"{"), Answer(b"[]"), Reset(), Answer(status=401)])
def test_a_list_that_cannot_be_had_is_asked_for_later(answer: Answer | Reset) -> None:
    assert failure(answer).retry_after is None


def test_the_wait_that_twilio_asks_for_is_passed_on() -> None:
    assert failure(Answer(status=429, headers={"Retry-After": "7"})).retry_after == 7


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"null", b"[" * 100_000, b"\xff", b"{}", b'{"sid": 1}', b'{"sid": "SM1", "from": {}}']
)
def test_a_listed_message_that_is_none_is_set_aside(payload: bytes) -> None:
    with pytest.raises(Malformed):
        parse(RawEvent(channel="sms", external_id="1", conversation="1", payload=payload, facts={"kind": "listed"}))


@pytest.mark.parametrize("media", [None, "x", [1], [{}], [{"url": None}], [{"url": "https://a"}] * 50])
@pytest.mark.parametrize("moment", [None, 1, "soon", "2026-11-22", "2026-11-22T10:00:00"])
def test_odd_fields_of_a_listed_message_are_left_out(media: object, moment: object) -> None:
    payload = json.dumps({"sid": "SM1", "from": CLIENT, "to": OURS, "media_list": media, "date_sent": moment}).encode()
    said = message(
        RawEvent(channel="sms", external_id="1", conversation="1", payload=payload, facts={"kind": "listed"})
    )
    assert (said.sent_at, len(said.attachments) <= 10) == (None, True)


@pytest.mark.parametrize(
    ("api_url", "expected"),
    [
        ("https://api.twilio.com", "https://messaging.twilio.com"),
        ("https://api.dublin.ie1.twilio.com/", "https://messaging.dublin.ie1.twilio.com"),
        ("http://127.0.0.1:8099/twilio", "http://127.0.0.1:8099/twilio"),
    ],
)
def test_each_product_of_twilio_has_its_own_host_and_a_stand_in_has_one(api_url: str, expected: str) -> None:
    assert Account("AC1", "token", api_url).url_of("messaging") == expected
