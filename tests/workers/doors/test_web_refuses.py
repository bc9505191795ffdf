"""Forged calls: about sixty to each address, and none leaves a row or an error."""

import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.conftest import CREDENTIALS
from tests.workers.doors.open_doors import (
    EVENTS,
    MESSAGES,
    PUBLIC_URL,
    SLACK,
    STATUS,
    TWILIO,
    Call,
    Doors,
    genuine,
    slack_call,
    twilio_call,
    twilio_form,
)

JUNK: list[str | bytes] = ["", "x", "é", b"\xff\xfe", b"\xe9" * 300, "v0=", "=" * 44, "null", "%00", "v0=" + "0" * 64]
OTHER_SECRETS = ["", "x", *CREDENTIALS.values()]


def forged_slack(path: str) -> Iterator[tuple[str, Call]]:
    call = genuine(path)
    signature, now = call.header("x-slack-signature"), int(call.header("x-slack-request-timestamp"))
    yield from stripped(call, "x-slack-signature", "x-slack-request-timestamp")
    yield from with_other_values(call, "x-slack-signature", signature)
    yield from twice(call, "x-slack-signature", signature)
    yield from twice(call, "x-slack-request-timestamp", str(now))
    for secret in OTHER_SECRETS:
        if secret != CREDENTIALS["SLACK_SIGNING_SECRET"]:
            yield f"secret {secret}", slack_call(path, call.body, secret=secret)
    for timestamp in ("abc", "1e9", "nan", "-1", "1.5", "0", "9" * 40, "1_0", "0x1", str(now - 600), str(now + 600)):
        yield f"time {timestamp}", slack_call(path, call.body, timestamp=timestamp)
    for timestamp in ("", "é", str(now - 1), f"{now}.0", f"+{now}"):
        yield f"time {timestamp} unsigned", call.but(("x-slack-request-timestamp", timestamp))
    yield "version 1", call.but(("x-slack-signature", "v1" + signature[2:]))
    for body in other_bodies(call.body):
        yield f"body {body[:30]!r}", call.but(body=body)
        yield f"body {body[:30]!r} unsigned", call.but(body=body).without("x-slack-signature")


def forged_twilio(path: str) -> Iterator[tuple[str, Call]]:
    form = twilio_form(path)
    call, url = twilio_call(path, form), PUBLIC_URL + path
    signature = call.header("x-twilio-signature")
    yield from stripped(call, "x-twilio-signature")
    yield from with_other_values(call, "x-twilio-signature", signature)
    yield from twice(call, "x-twilio-signature", signature)
    for token in OTHER_SECRETS:
        if token != CREDENTIALS["TWILIO_AUTH_TOKEN"]:
            yield f"token {token}", twilio_call(path, form, token=token)
    for other in (f"{url}/", f"{url}?a=1", f"http{url[5:]}", url.upper(), MESSAGES, "", url.replace("desk", "evil")):
        yield f"url {other}", twilio_call(path, form, url=other or "x")
    for settings in (
        "algorithm=none",
        "algorithm=HMAC_SHA256",
        "algorithm=md5",
        "algorithm=é",
        "algorithm=HMAC_SHA512",
    ):
        yield settings, call.but(("x-twilio-webhooks-signature-settings", settings))
    for body in other_forms(form):
        yield f"body {body[:30]!r}", call.but(body=body)
    for body in other_bodies(call.body):
        yield f"body {body[:30]!r}", call.but(body=body)
    yield "as JSON", call.but(("content-type", "application/json"))
    yield "signed by its hash", call.but(("content-type", "application/json"), path=f"{path}?bodySHA256={'0' * 64}")


def stripped(call: Call, *names: str) -> Iterator[tuple[str, Call]]:
    for name in names:
        yield f"no {name}", call.without(name)
    bare = call.without(*names)
    yield "nothing", bare
    for header in ("x-slack-retry-num", "authorization", "x-forwarded-for", "x-original-url", "cookie"):
        yield f"{header} alone", bare.but((header, "127.0.0.1"))
    yield "another provider's headers", genuine(EVENTS if "twilio" in call.path else MESSAGES).but(path=call.path)


def with_other_values(call: Call, name: str, value: str) -> Iterator[tuple[str, Call]]:
    shortened = [value[:length] for length in (1, 3, 10, len(value) - 1)]
    for other in [*JUNK, *shortened, value + "=", value + "0", value.swapcase(), value[::-1], f'"{value}"']:
        yield f"{name} {other!r}", call.but((name, other))


def twice(call: Call, name: str, value: str) -> Iterator[tuple[str, Call]]:
    yield f"{name} good then bad", call.but((name, value), (name, "0"))
    yield f"{name} bad then good", call.but((name, "0"), (name, value))


def other_bodies(body: bytes) -> list[bytes]:
    challenge = b'{"type": "url_verification", "challenge": "x", "token": "x"}'
    longer = [body + b"&ssl_check=1", body + b" ", body + b"\n", b"ssl_check=1&token=x", challenge]
    return [*longer, body[:-1], body.replace(b"1", b"2"), body.swapcase(), b"", b"\xff\x00", b"{", b"%zz=%"]


def other_forms(form: list[tuple[str, str]]) -> list[bytes]:
    swapped = [("From" if name == "To" else "To" if name == "From" else name, value) for name, value in form]
    shifted = [(form[0][0], form[1][1]), (form[1][0], form[0][1]), *form[2:]]
    forms = [form[1:], form[:-1], [*form, ("Body", "again")], [*form, ("Added", "")], swapped, shifted]
    return [urlencode(each).encode() for each in forms]


@pytest.mark.parametrize("path", [*SLACK, *TWILIO])
def test_no_forged_call_is_accepted(doors: Doors, path: str) -> None:
    forged = list(forged_slack(path) if path in SLACK else forged_twilio(path))
    assert len(forged) >= 60
    before = doors.count()
    statuses = {name: doors.post(call).status_code for name, call in forged}
    assert {name: status for name, status in statuses.items() if status not in {401, 403}} == {}
    assert doors.count() == before


HOSTS = [
    {"host": "evil.example"},
    {"x-forwarded-host": "evil.example"},
    {"x-forwarded-proto": "http"},
    {"x-forwarded-port": "8080"},
    {"x-forwarded-prefix": "/evil"},
    {"x-original-host": "evil.example"},
    {"forwarded": "host=evil.example;proto=http"},
    {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "host": "evil.example"},
]


@pytest.mark.parametrize("claims", HOSTS)
@pytest.mark.parametrize("path", TWILIO)
def test_whatever_a_caller_says_of_its_host_changes_nothing(doors: Doors, path: str, claims: dict[str, str]) -> None:
    call = genuine(path)
    assert doors.post(call.but(*claims.items())).status_code == 200
    assert doors.stored(call) == 1


@pytest.mark.parametrize("claims", HOSTS)
@pytest.mark.parametrize("url", ["https://evil.example", "http://desk.example.com", "https://desk.example.com:8080"])
def test_a_call_signed_for_another_host_is_refused(doors: Doors, claims: dict[str, str], url: str) -> None:
    form = twilio_form(MESSAGES)
    call = twilio_call(MESSAGES, form, url=f"{url}{MESSAGES}").but(*claims.items())
    assert doors.post(call).status_code == 403
    assert doors.stored(call) == 0


NONSENSE = [b"[]", b"null", b"\xff", b"{", b"{}", b'"', b"payload=%5B", b"payload={}", b"command=", b"a", b"", b"\x00"]


@pytest.mark.parametrize("path", SLACK)
def test_signed_nonsense_of_slack_is_no_error_of_ours(doors: Doors, path: str) -> None:
    elsewhere = [genuine(other).body for other in SLACK if other != path]
    odd = [f'{{"type": "event_callback", "event_id": {odd}, "event": {odd}}}'.encode() for odd in ODD]
    statuses = {body: doors.post(slack_call(path, body)).status_code for body in [*NONSENSE, *elsewhere, *odd]}
    assert set(statuses.values()) <= {200, 400}, statuses


ODD = ['"\\u0000"', '"\\ud800"', "[]", "{}", "1e999", "true", '"' + "x" * 5000 + '"', "-0", "NaN", "9" * 5000]
STRINGS = [
    "",
    "\0",
    "x" * 5000,
    "\ud800",
    "é",
    "whatsapp:",
    "whatsapp:\0",
    "+",
    "\N{FULLWIDTH DIGIT ONE}",
    "a\nb",
    "1" * 5000,
]


@pytest.mark.parametrize("path", TWILIO)
def test_signed_nonsense_of_twilio_is_no_error_of_ours(doors: Doors, path: str) -> None:
    statuses = {}
    for name in ("MessageSid", "From", "To", "Body", "MessageStatus"):
        for value in STRINGS:
            form = twilio_form(path, **{name: value.encode("utf-8", "replace").decode()})
            statuses[name, value[:20]] = doors.post(twilio_call(path, form)).status_code
    assert {key: status for key, status in statuses.items() if status != 200} == {}


@pytest.mark.parametrize("path", ["/webhooks/slack", "/webhooks/slack/", "/webhooks/slack/other", "/webhooks/twilio/x"])
def test_addresses_that_do_not_exist_take_nothing(doors: Doors, path: str) -> None:
    form = twilio_form(MESSAGES)
    call = twilio_call(path, form) if "twilio" in path else slack_call(path, genuine(EVENTS).body)
    assert doors.post(call).status_code == 404
    assert doors.post(call.but(path="/webhooks/telegram/messages")).status_code == 404
    assert doors.stored(call) == 0


def test_only_posts_are_webhooks(doors: Doors) -> None:
    assert {doors.get(path).status_code for path in (EVENTS, MESSAGES, STATUS)} == {405}


def test_a_genuine_signature_is_good_for_minutes_only(doors: Doors) -> None:
    body = genuine(EVENTS).body
    for age, status in ((-290, 200), (0, 200), (290, 200), (-310, 401), (310, 401)):
        call = slack_call(EVENTS, body, timestamp=str(int(time.time()) - age))
        assert doors.post(call).status_code == status, age


def test_no_forged_call_was_an_error_of_ours(doors: Doors) -> None:
    assert doors.post(genuine(EVENTS)).status_code == 200
    assert [line for line in doors.lines if "Traceback" in line or "ended" in line] == []
