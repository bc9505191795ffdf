import random
from urllib.parse import urlencode

import pytest

from channels.base import DeliveryReport, ExternalId, InboundMessage, RawEvent, ReportState
from channels.errors import Malformed
from channels.twilio.numbers import external_id, written_address
from channels.twilio.parse import parse

SMS = {
    "ToCountry": "US",
    "SmsMessageSid": "SM1",
    "NumMedia": "0",
    "SmsSid": "SM1",
    "SmsStatus": "received",
    "Body": "My order is late",
    "To": "+15550100002",
    "NumSegments": "1",
    "MessageSid": "SM1",
    "AccountSid": "AC1",
    "From": "+15550100001",
    "ApiVersion": "2010-04-01",
}
WHATSAPP = {
    "SmsMessageSid": "SM2",
    "NumMedia": "1",
    "ProfileName": "Ana  Lima\n",
    "MessageType": "image",
    "SmsSid": "SM2",
    "WaId": "15550100001",
    "SmsStatus": "received",
    "Body": "",
    "To": "whatsapp:+15550100002",
    "MessageSid": "SM2",
    "From": "whatsapp:+15550100001",
    "OriginalRepliedMessageSid": "SM0",
    "MediaUrl0": "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/SM2/Media/ME1",
    "MediaContentType0": "image/jpeg",
}
PHONE = ExternalId(type="phone", value="+15550100001")


def message(fields: dict[str, str]) -> InboundMessage:
    raw = RawEvent(
        channel="sms", external_id="x", conversation="x", payload=urlencode(fields).encode(), facts={"kind": "message"}
    )
    (value,) = parse(raw)
    assert isinstance(value, InboundMessage)
    return value


def status(fields: dict[str, str]) -> tuple[object, ...]:
    facts = {"kind": "status", "key": "key-1"}
    return parse(
        RawEvent(channel="sms", external_id="x", conversation="x", payload=urlencode(fields).encode(), facts=facts)
    )


def test_a_text_message() -> None:
    value = message(SMS)
    assert value.external_id == ExternalId(type="twilio", value="SM1")
    assert value.sender == PHONE
    assert value.recipients == (ExternalId(type="phone", value="+15550100002"),)
    assert (value.body, value.sender_name, value.attachments, value.references) == ("My order is late", "", (), ())


def test_a_whatsapp_picture_that_answers_a_message() -> None:
    value = message(WHATSAPP)
    assert value.sender == ExternalId(type="whatsapp", value="+15550100001")
    assert value.recipients == (ExternalId(type="whatsapp", value="+15550100002"),)
    assert value.sender_name == "Ana Lima"
    assert value.references == (ExternalId(type="twilio", value="SM0"),)
    (file,) = value.attachments
    assert (file.name, file.content_type, file.url) == ("media-1.jpg", "image/jpeg", WHATSAPP["MediaUrl0"])


def test_a_number_of_ours_is_known_however_the_desk_file_has_it() -> None:
    value = message({**WHATSAPP, "To": "whatsapp:+5215512345678"})
    assert [(each.type, each.value) for each in value.recipients] == [
        ("whatsapp", "+5215512345678"),
        ("whatsapp", "+525512345678"),
    ]


def test_what_the_database_cannot_hold_is_replaced() -> None:
    assert message({**SMS, "Body": "a\0b", "ProfileName": "x\0\ny"}).body == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("+15550100000", ("phone", "+15550100000")),
        ("whatsapp:+15550100000", ("whatsapp", "+15550100000")),
        ("whatsapp:+1 (555) 010-0000", ("whatsapp", "+15550100000")),
        ("rcs:+15550100000", ("phone", "+15550100000")),
        ("12345", ("phone", "12345")),
        ("ACME Shop", ("phone", "acme shop")),
        ("whatsapp:US.13491208655302741918", ("whatsapp", "US.13491208655302741918")),
        ("whatsapp:" + "x" * 300, ("whatsapp", ExternalId(type="", value="x" * 300).value)),
    ],
)
def test_addresses_as_twilio_writes_them(address: str, expected: tuple[str, str]) -> None:
    assert external_id(address) == ExternalId(type=expected[0], value=expected[1])


@pytest.mark.parametrize(
    "text",
    ["+1 (555) 010-0000", " +15550100000 ", "+1.555.010.0000", "+1 555\u2011010\u00a00000", "whatsapp:+15550100000"],
)
def test_a_number_as_people_write_it(text: str) -> None:
    assert written_address("sms", text) == ExternalId(type="phone", value="+15550100000")
    assert written_address("whatsapp", text) == ExternalId(type="whatsapp", value="+15550100000")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "555",
        "0555 010",
        "+0155501000",
        "+155501000",
        "+999155501000",
        "+1555O100000",
        "+1555010000012345",
        "a@b.example",
        "+\u0661\u0665\u0665\u0665\u0665\u0665\u0665\u0665",
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="country code"):
        written_address("whatsapp", text)


def test_a_short_code_is_an_address_for_text_messages_only() -> None:
    assert written_address("sms", "12345") == ExternalId(type="phone", value="12345")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("read", "read"),
        ("undelivered", "failed"),
        ("failed", "failed"),
        ("canceled", "failed"),
    ],
)
def test_final_words_are_reports(word: str, state: str) -> None:
    (report,) = status({"MessageSid": "SM1", "MessageStatus": word})
    assert isinstance(report, DeliveryReport)
    assert (report.state, report.idempotency_key) == (ReportState(state), "key-1")
    assert report.external_id == ExternalId(type="twilio", value="SM1")


@pytest.mark.parametrize("word", ["accepted", "queued", "sending", "scheduled", "partially_delivered"])
def test_words_on_the_way_say_that_twilio_has_it(word: str) -> None:
    (report,) = status({"MessageSid": "SM1", "MessageStatus": word})
    assert isinstance(report, DeliveryReport)
    assert report.state is ReportState.SENT


@pytest.mark.parametrize("word", ["receiving", "received"])
def test_words_about_what_came_in_are_nothing_for_us(word: str) -> None:
    assert status({"MessageSid": "SM1", "MessageStatus": word}) == ()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"Body=hello",
        b"MessageSid=SM1",
        b"From=%2B1555",
        b"\xff",
        b"%ff=%fe",
        b"a&" * 300,
        b"MessageSid=S&From=&Body=",
    ],
)
def test_garbage_is_malformed(payload: bytes) -> None:
    raw = RawEvent(channel="sms", external_id="x", conversation="x", payload=payload, facts={"kind": "message"})
    with pytest.raises(Malformed):
        parse(raw)


@pytest.mark.parametrize(
    "fields", [{}, {"MessageSid": "SM1"}, {"MessageStatus": "sent"}, {"MessageSid": "S", "MessageStatus": "?"}]
)
def test_a_broken_report_is_malformed(fields: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        status(fields)


def test_a_call_of_unknown_kind_is_malformed() -> None:
    with pytest.raises(Malformed):
        parse(RawEvent(channel="sms", external_id="x", conversation="x", payload=urlencode(SMS).encode()))


def test_two_thousand_damaged_calls_raise_nothing_but_malformed() -> None:
    chance = random.Random(7)
    for _ in range(2000):
        payload = bytearray(urlencode(WHATSAPP).encode())
        for _ in range(chance.randint(1, 12)):
            payload[chance.randrange(len(payload))] = chance.randrange(256)
        facts = {"kind": chance.choice(["message", "status"])}
        try:
            parse(RawEvent(channel="sms", external_id="x", conversation="x", payload=bytes(payload), facts=facts))
        except Malformed:
            continue
