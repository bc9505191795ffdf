"""What every channel of the registry keeps to. A new one is covered once `KNOWN` holds what it receives."""

import inspect
import json
import random
import re
import socket
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from channels import registry
from channels.base import Channel, ExternalId, InboundMessage, OutboundMessage, RawEvent, Request, Webhook, clean_text
from channels.errors import Malformed, Refused, TryLater
from channels.registry import Registry

CREDENTIALS = {
    "SLACK_BOT_TOKEN": "xoxb-test-5f2d8c1b7a",
    "SLACK_SIGNING_SECRET": "8b1f5d2c7e9a40316b5c8d7e6f5a4b3c",
    "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "TWILIO_AUTH_TOKEN": "f0e1d2c3b4a5968778695a4b3c2d1e0f",
}
# Where each provider's API is: a port on which nobody listens.
UNREACHABLE = {
    "SLACK_API_URL": "http://127.0.0.1:{port}/slack/api/",
    "TWILIO_API_URL": "http://127.0.0.1:{port}/twilio",
    "SMTP_RELAY_URL": "smtp://127.0.0.1:{port}?starttls=off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a channel received once, what it says, and addresses as people write them."""

    payload: bytes
    facts: Mapping[str, object]
    sender: str
    recipient: str
    body: str
    addresses: Sequence[str]
    no_addresses: Sequence[str]


def twilio(prefix: str) -> bytes:
    fields = {
        "ToCountry": "US",
        "SmsMessageSid": "SM3f",
        "NumMedia": "1",
        "SmsSid": "SM3f",
        "SmsStatus": "received",
        "Body": "It burns. 🔥\nSince noon.",
        "ProfileName": "Cleo",
        "To": f"{prefix}+15550100001",
        "MessageSid": "SM3f",
        "AccountSid": "AC1",
        "From": f"{prefix}+15557654321",
        "ApiVersion": "2010-04-01",
        "OriginalRepliedMessageSid": "SM2e",
        "MediaUrl0": "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/SM3f/Media/ME1",
        "MediaContentType0": "image/jpeg",
    }
    return urlencode(fields).encode()


MAIL = (
    b"Received: from mx.client.example (mx.client.example [192.0.2.7]) by mail.desk.example;\r\n"
    b" Mon, 02 Nov 2026 09:15:04 +0100\r\n"
    b"From: =?utf-8?Q?Cl=C3=A9o?= <Cleo@Client.EXAMPLE>\r\n"
    b"To: Support <support@desk.example>\r\n"
    b"Subject: Printer\r\n on fire\r\n"
    b"Date: Mon, 02 Nov 2026 09:15:00 +0100\r\n"
    b"Message-ID: <c7@client.example>\r\n"
    b"References: <c1@client.example> <c2@client.example>\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="cut"\r\n\r\n'
    b"--cut\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"It burns. =F0=9F=94=A5\r\nSince noon.\r\n"
    b'--cut\r\nContent-Type: image/png; name="fire.png"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    b"aGVsbG8=\r\n--cut--\r\n"
)
POST = {
    "type": "event_callback",
    "team_id": "T0DESK",
    "api_app_id": "A0FRONTDESK",
    "event_id": "Ev1",
    "event_time": 1_795_000_000,
    "authorizations": [{"team_id": "T0DESK", "user_id": "U0FRONTDESK", "is_bot": True}],
    "event": {
        "type": "message",
        "user": "U0CLEO",
        "channel": "C0CLIENTS",
        "channel_type": "channel",
        "text": "It burns. :fire:\nSince noon.",
        "ts": "1795000000.000100",
        "thread_ts": "1794000000.000100",
        "files": [
            {
                "id": "F1",
                "name": "fire.png",
                "mimetype": "image/png",
                "mode": "hosted",
                "url_private_download": "https://files.slack.com/files-pri/T0DESK-F1/download/fire.png",
            }
        ],
    },
}
# Seconds after which somebody knows what became of a send, or is asked: those behind it wait as long.
LONGEST_DOUBT = 300
NUMBERS = ("+1 (555) 765-4321", " +15557654321 ", "+1.555.765.4321")
NO_NUMBERS = ("", "55", "cleo@client.example", "+0155576", "++15557654321", "+1555765432\n1a", "\ud800")

KNOWN = {
    "email": Known(
        payload=MAIL,
        facts={"mail_from": "cleo@client.example", "rcpt_tos": ["support@desk.example"], "peer": "192.0.2.7"},
        sender="cleo@client.example",
        recipient="support@desk.example",
        body="It burns. 🔥\nSince noon.",
        addresses=("Cleo@Client.EXAMPLE", " cleo@client.example ", "cleo+tag@bücher.example", '"cleo"@client.example.'),
        no_addresses=(
            "",
            "cleo",
            "@client.example",
            "a b@client.example",
            "cleo@",
            "cleo@exa mple",
            "x" * 400 + "@a.b",
        ),
    ),
    "sms": Known(
        payload=twilio(""),
        facts={"kind": "message", "key": ""},
        sender="+15557654321",
        recipient="+15550100001",
        body="It burns. 🔥\nSince noon.",
        addresses=(*NUMBERS, "12345"),
        no_addresses=NO_NUMBERS,
    ),
    "whatsapp": Known(
        payload=twilio("whatsapp:"),
        facts={"kind": "message", "key": ""},
        sender="+15557654321",
        recipient="+15550100001",
        body="It burns. 🔥\nSince noon.",
        addresses=(*NUMBERS, "whatsapp:+15557654321"),
        no_addresses=(*NO_NUMBERS, "12345"),
    ),
    "slack": Known(
        payload=json.dumps(POST).encode(),
        facts={"kind": "event"},
        sender="T0DESK/U0CLEO",
        recipient="T0DESK/C0CLIENTS",
        body="It burns. 🔥\nSince noon.",
        addresses=("T0DESK/C0CLIENTS", " T0DESK ", "T0DESK/U0CLEO"),
        no_addresses=("", "#support", "C0CLIENTS", "T0DESK/", "T0DESK/C0CLIENTS/1", "t0desk/c0clients", "@cleo"),
    ),
}

every_channel = pytest.mark.parametrize("name", registry.NAMES)


@pytest.fixture(scope="module")
def connected() -> Registry:
    """Every channel with credentials, and with an API that cannot be reached."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    return registry.connect({**CREDENTIALS, **{key: url.replace("{port}", port) for key, url in UNREACHABLE.items()}})


def raw(name: str, payload: bytes | None = None) -> RawEvent:
    known = KNOWN[name]
    return RawEvent(
        channel=name,
        external_id="x",
        conversation="x",
        payload=known.payload if payload is None else payload,
        facts=deepcopy(dict(known.facts)),
    )


def outbound(channel: Channel) -> OutboundMessage:
    known = KNOWN[channel.name]
    return OutboundMessage(
        idempotency_key="0f1e2d3c-4b5a-4678-9abc-def012345678",
        to=ExternalId(type=channel.address_type, value=known.sender),
        sender=ExternalId(type=channel.address_type, value=known.recipient),
        subject="Printer on fire",
        body="Pull the plug.",
    )


# The registry


def test_what_every_channel_receives_is_known_here() -> None:
    assert set(KNOWN) == set(registry.NAMES)


def test_names_are_unique_and_fit_into_the_name_of_a_queue() -> None:
    assert len(set(registry.NAMES)) == len(registry.NAMES)
    assert [name for name in registry.NAMES if not re.fullmatch("[a-z][a-z0-9_]{1,30}", name)] == []


def test_a_connection_brings_just_the_channels_that_its_folder_names() -> None:
    for names, connect in registry.FOLDERS:
        assert tuple(channel.name for channel in connect({}).channels) == names


@every_channel
def test_a_channel_without_credentials_parses_and_says_that_it_cannot_send(name: str) -> None:
    channel = registry.connect({}).channels[name]
    assert channel.parse(raw(name))
    assert not channel.connected


@every_channel
def test_a_channel_with_credentials_says_that_it_can_send(connected: Registry, name: str) -> None:
    assert connected.channels[name].connected


def members(protocol: type) -> Iterator[tuple[str, object]]:
    return ((name, member) for name, member in vars(protocol).items() if not name.startswith("_"))


def parameters(function: object) -> list[str]:
    assert callable(function)
    return [name for name in inspect.signature(function).parameters if name != "self"]


@every_channel
def test_a_channel_has_every_member_of_the_protocol_with_the_same_arguments(connected: Registry, name: str) -> None:
    channel = connected.channels[name]
    for word, member in members(Channel):
        assert hasattr(channel, word), word
        if not isinstance(member, property):
            assert parameters(getattr(channel, word)) == parameters(member), word


# Parsing


@every_channel
def test_a_recorded_payload_gives_a_message_in_normal_form(connected: Registry, name: str) -> None:
    channel, known = connected.channels[name], KNOWN[name]
    (message,) = channel.parse(raw(name))
    assert isinstance(message, InboundMessage)
    assert message.sender == ExternalId(type=channel.address_type, value=known.sender)
    assert message.recipients[0] == ExternalId(type=channel.address_type, value=known.recipient)
    assert [channel.address(each.value) for each in (message.sender, *message.recipients)] == [
        message.sender,
        *message.recipients,
    ]
    assert (message.body, len(message.attachments), bool(message.references)) == (known.body, 1, True)


@every_channel
def test_a_message_has_a_name_and_only_aware_times(connected: Registry, name: str) -> None:
    (message,) = connected.channels[name].parse(raw(name))
    assert isinstance(message, InboundMessage)
    assert message.external_id is not None
    assert message.sent_at is None or message.sent_at.utcoffset() is not None


@every_channel
def test_parsing_is_pure(connected: Registry, name: str) -> None:
    event = raw(name)
    first, second = connected.channels[name].parse(event), connected.channels[name].parse(event)
    assert first == second == registry.connect({}).channels[name].parse(raw(name))
    assert event == raw(name)


def mutated(payload: bytes, chance: random.Random) -> bytes:
    """Damage a payload: other bytes, a piece missing, a piece twice, cut off."""
    changed = bytearray(payload)
    for _ in range(chance.randint(1, 8)):
        start = chance.randrange(len(changed) or 1)
        piece = slice(start, start + chance.randint(1, 40))
        harm = chance.choice(("byte", "out", "twice", "cut", "word"))
        if harm == "byte" and changed:
            changed[start] = chance.randrange(256)
        elif harm == "out":
            del changed[piece]
        elif harm == "twice":
            changed[start:start] = changed[piece] * chance.randint(1, 50)
        elif harm == "cut" and chance.random() < 0.2:
            del changed[start:]
        elif harm == "word":
            changed[start:start] = chance.choice(
                (b"\0", b"\r\n", b"{[", b'"', b"null", b"%00", b"&", b"\xed\xa0\x80", b"<@>")
            )
    return bytes(changed)


@every_channel
def test_300_damaged_payloads_raise_nothing_but_malformed_and_give_what_can_be_stored(
    connected: Registry, name: str
) -> None:
    chance, read = random.Random(f"{name} 7"), 0
    for _ in range(300):
        try:
            parsed = connected.channels[name].parse(raw(name, mutated(KNOWN[name].payload, chance)))
        except Malformed:
            continue
        read += 1
        for message in parsed:
            if isinstance(message, InboundMessage):
                assert message.body == clean_text(message.body)
                assert len(message.sender_name) <= 255
    assert 0 < read < 300


@every_channel
@pytest.mark.parametrize("payload", [b"", b"\0", b"[]", b"null", b"{}", b"\xff" * 100, b"=" * 10_000, b"{" * 100_000])
def test_what_no_provider_would_send_is_malformed(connected: Registry, name: str, payload: bytes) -> None:
    with pytest.raises(Malformed):
        connected.channels[name].parse(raw(name, payload))


# Addresses


@every_channel
def test_an_address_as_people_write_it_has_one_normal_form(connected: Registry, name: str) -> None:
    channel = connected.channels[name]
    for text in KNOWN[name].addresses:
        address = channel.address(text)
        assert address.type == channel.address_type
        assert channel.address(address.value) == address


@every_channel
def test_what_is_no_address_is_refused(connected: Registry, name: str) -> None:
    for text in KNOWN[name].no_addresses:
        with pytest.raises(ValueError, match=r"\w"):
            connected.channels[name].address(text)


@every_channel
def test_damaged_addresses_are_refused_or_have_a_normal_form(connected: Registry, name: str) -> None:
    channel, chance = connected.channels[name], random.Random(f"{name} 11")
    alphabet = 'aZ09@.+-_/ \t\n"\\<>,;:()[]éß\u200b\u202e\N{FULLWIDTH DIGIT ONE}\ud800\0'
    for _ in range(2000):
        text = list(chance.choice(KNOWN[name].addresses))
        for _ in range(chance.randint(0, 3)):
            text.insert(chance.randrange(len(text) + 1), chance.choice(alphabet))
        try:
            address = channel.address("".join(text))
        except ValueError:
            continue
        assert channel.address(address.value) == address
        assert {unicodedata.category(each) for each in address.value} & {"Cc", "Cs", "Zl", "Zp"} == set()


@every_channel
def test_an_answer_goes_to_an_address(connected: Registry, name: str) -> None:
    channel, known = connected.channels[name], KNOWN[name]
    assert channel.address(channel.answer_address(known.sender, known.recipient))


# Sending

WORDS = [f"word{number}" for number in range(6000)]
BODIES = {
    "empty": "",
    "word": "hello",
    "long": " ".join(WORDS),
    "paragraphs": "\n\n".join(" ".join(WORDS[start : start + 40]) for start in range(0, 6000, 40)),
    "lines": "\n".join(WORDS),
    "one word": "x" * 30_000,
    "emoji": "👩‍👩‍👧 🔥 " * 3000,
    "escaped": "a & b < c > d " * 3000,
}


@every_channel
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_parts_of_a_text_are_all_of_it_in_order(connected: Registry, name: str, body: str) -> None:
    parts = connected.channels[name].split(body)
    assert parts
    assert "".join("".join(parts).split()) == "".join(body.split())
    assert connected.channels[name].split(body) == parts


@every_channel
def test_no_word_is_cut_where_there_is_room_between_words(connected: Registry, name: str) -> None:
    for body in ("long", "paragraphs", "lines"):
        assert " ".join(connected.channels[name].split(BODIES[body])).split() == WORDS


@every_channel
def test_with_nobody_at_the_other_end_a_send_is_tried_later(connected: Registry, name: str) -> None:
    channel = connected.channels[name]
    with pytest.raises(TryLater) as raised:
        channel.send(outbound(channel))
    assert not any(word in str(raised.value) for word in (KNOWN[name].sender, "Pull the plug", *CREDENTIALS.values()))


@every_channel
def test_with_nobody_at_the_other_end_a_look_up_is_tried_later_or_cannot_be_made(
    connected: Registry, name: str
) -> None:
    channel = connected.channels[name]
    if channel.lookup.delays:
        with pytest.raises(TryLater):
            channel.find_sent(outbound(channel), datetime.now(UTC))
    else:
        assert channel.find_sent(outbound(channel), datetime.now(UTC)) == ()


@every_channel
def test_look_ups_are_few_soon_and_prove_something_only_when_made(connected: Registry, name: str) -> None:
    lookup = connected.channels[name].lookup
    assert list(lookup.delays) == sorted(lookup.delays)
    assert all(delay >= 0 for delay in lookup.delays)
    assert sum(lookup.delays) <= LONGEST_DOUBT
    assert lookup.delays or not lookup.absence_is_proof


@every_channel
def test_a_send_ends(connected: Registry, name: str) -> None:
    assert 0 < connected.channels[name].send_timeout <= 120


# Webhooks

WEBHOOKS = tuple(registry.connect({}).webhooks)
every_webhook = pytest.mark.parametrize("name", WEBHOOKS)
UNSIGNED: tuple[Mapping[str, str], ...] = (
    {},
    {"x-twilio-signature": "", "x-slack-signature": "", "x-slack-request-timestamp": ""},
    {"x-twilio-signature": "AAAA", "x-slack-signature": "v0=", "x-slack-request-timestamp": "1795000000"},
    {"x-twilio-signature": "é\ud800", "x-slack-signature": "é\ud800", "x-slack-request-timestamp": "١٢"},
    {"x-slack-signature": "v0=" + "0" * 64, "x-slack-request-timestamp": "9" * 400},
    {"x-slack-signature": "v0=" + "0" * 64, "x-slack-request-timestamp": "now"},
    {"x-slack-signature": "", "x-slack-request-timestamp": "now"},
    {"content-type": "application/json", "x-twilio-signature": "0"},
)


def call(name: str, headers: Mapping[str, str], body: bytes) -> Request:
    path = f"/webhooks/{name}/messages"
    if headers.get("x-slack-request-timestamp") == "now":  # fresh, so that nothing but the signature is wrong
        headers = {**headers, "x-slack-request-timestamp": str(int(time.time()))}
    return Request(url=f"https://desk.example.com{path}", path=path, headers=headers, body=body)


@every_webhook
@pytest.mark.parametrize("headers", UNSIGNED)
@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"ssl_check=1", twilio(""), json.dumps(POST).encode()])
def test_a_call_without_a_signature_is_refused(
    connected: Registry, name: str, headers: Mapping[str, str], body: bytes
) -> None:
    with pytest.raises(Refused) as raised:
        connected.webhooks[name].verify(call(name, headers, body))
    assert raised.value.status in {401, 403}


@every_webhook
def test_without_a_secret_every_call_is_refused(name: str) -> None:
    with pytest.raises(Refused) as raised:
        registry.connect({}).webhooks[name].verify(call(name, {}, b""))
    assert raised.value.status in {401, 403}


@every_webhook
def test_a_body_without_end_is_refused(connected: Registry, name: str) -> None:
    with pytest.raises(Refused) as raised:
        connected.webhooks[name].verify(call(name, {}, b"x" * (2 << 20)))
    assert raised.value.status == 413


@every_webhook
def test_an_address_that_is_not_there_is_not_found(connected: Registry, name: str) -> None:
    request = Request(url="https://desk.example.com/", path=f"/webhooks/{name}/nowhere", headers={}, body=b"")
    with pytest.raises(Refused) as raised:
        connected.webhooks[name].receive(request)
    assert raised.value.status == 404


@every_webhook
def test_a_webhook_has_every_member_of_the_protocol(connected: Registry, name: str) -> None:
    assert connected.webhooks[name].name == name
    for word, member in members(Webhook):
        if not isinstance(member, property):
            assert parameters(getattr(connected.webhooks[name], word)) == parameters(member), word


@pytest.mark.parametrize("name", [*registry.NAMES, *WEBHOOKS])
def test_no_channel_shows_its_secrets(connected: Registry, name: str) -> None:
    shown = repr(connected.channels.get(name)) + repr(connected.webhooks.get(name)) + repr(connected)
    assert [secret for secret in CREDENTIALS.values() if secret in shown and not secret.startswith("AC")] == []
