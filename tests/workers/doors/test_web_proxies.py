"""Behind a proxy: whatever stands in front, a genuine call is taken, once for ever, and a forged host never."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import httpx
import pytest

from tests.at_length import times
from tests.desk import Desk
from tests.workers.doors.open_doors import MESSAGES, PUBLIC_URL, Call, twilio_call, twilio_form, twilio_signature
from tests.workers.own_process import own_process
from workers.doors.web import Web, check_secrets
from workers.runtime import Runtime, connect_channels
from workers.settings import SettingsError, from_environment
from workers.tasks.housekeeping import sweep_once

REPLAYS = times(1000, 100)
SHA256 = "x-twilio-webhooks-signature-settings", "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """PUBLIC_URL, what Twilio's console says and signs, and what reaches the door of it."""

    public_url: str
    signed: str
    path: str = MESSAGES


HOST = "https://desk.example.com"
SHAPES = {
    "TLS taken off by the proxy": Shape(public_url=HOST, signed=HOST + MESSAGES),
    "the usual port in our settings": Shape(public_url=f"{HOST}:443", signed=HOST + MESSAGES),
    "the usual port at Twilio": Shape(public_url=HOST, signed=f"{HOST}:443{MESSAGES}"),
    "another port": Shape(public_url=f"{HOST}:8443", signed=f"{HOST}:8443{MESSAGES}"),
    "a prefix that is taken away": Shape(public_url=f"{HOST}/desk", signed=f"{HOST}/desk{MESSAGES}"),
    "a prefix that is left": Shape(public_url=f"{HOST}/web", signed=f"{HOST}/web{MESSAGES}", path=f"/web{MESSAGES}"),
    "a prefix that begins as our paths do": Shape(public_url=f"{HOST}/web", signed=f"{HOST}/web{MESSAGES}"),
    "a slash at the end of our settings": Shape(public_url=f"{HOST}/", signed=HOST + MESSAGES),
    "a slash at the end at Twilio": Shape(public_url=HOST, signed=f"{HOST}{MESSAGES}/", path=f"{MESSAGES}/"),
    "a query in its order": Shape(
        public_url=HOST, signed=f"{HOST}{MESSAGES}?b=2&a=1&b=1", path=f"{MESSAGES}?b=2&a=1&b=1"
    ),
    "a query with blanks in both ways": Shape(
        public_url=HOST, signed=f"{HOST}{MESSAGES}?who=a%20b+c", path=f"{MESSAGES}?who=a%20b+c"
    ),
    "capitals in our settings": Shape(public_url="https://Desk.Example.COM", signed=HOST + MESSAGES),
    "capitals at both": Shape(public_url="https://Desk.Example.COM", signed=f"https://Desk.Example.COM{MESSAGES}"),
    "a tunnel without TLS": Shape(
        public_url="http://tunnel.example:8080", signed=f"http://tunnel.example:8080{MESSAGES}"
    ),
    "an address by number": Shape(
        public_url="https://[2001:db8::1]:8443", signed=f"https://[2001:db8::1]:8443{MESSAGES}"
    ),
    # Twilio reads what stands behind # itself, and neither signs nor sends it.
    "how often to call again": Shape(public_url=HOST, signed=f"{HOST}{MESSAGES}#rc=3&rp=all".partition("#")[0]),
}
# What proxies add, and what a forger can; each claims what stands below it.
CLAIMS = [
    {"host": "10.0.0.7:8080", "x-forwarded-for": "54.172.60.0", "x-forwarded-proto": "https"},
    {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "http", "x-forwarded-port": "1"},
    {"host": "evil.example", "forwarded": "host=evil.example;proto=https", "x-original-url": "/evil"},
    {"host": "evil.example:8443", "x-forwarded-host": "evil.example:8443", "x-forwarded-prefix": "/evil"},
]
FORGED = ["http://10.0.0.7:8080", "http://evil.example:1", "https://evil.example", "https://evil.example:8443/evil"]


@pytest.fixture(autouse=True)
def publishing(environment: dict[str, str]) -> Iterator[None]:
    """Let the door wake workers; none listens."""
    with own_process(environment):
        yield


def tools_of(desk: Desk, **more: str) -> Runtime:
    """Return the desk's tools under other settings, on the same database."""
    changed = from_environment({**desk.tools.settings.environment, **more})
    return replace(desk.tools, settings=changed, channels=connect_channels(changed))


def post(web: Web, calls: Sequence[Call]) -> list[int]:
    """Post calls, eight at a time, to the door in this process, and return its answers."""

    async def all_of_them() -> list[int]:
        gate = asyncio.Semaphore(8)
        transport = httpx.ASGITransport(web.app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7:8080") as http:

            async def one(call: Call) -> int:
                headers = [(name.encode(), value) for name, value in call.headers]
                async with gate:
                    return (await http.post(call.path, headers=headers, content=call.body)).status_code

            return await asyncio.gather(*(one(call) for call in calls))

    return asyncio.run(all_of_them())


def test_whatever_proxy_stands_in_front_genuine_calls_are_taken_and_forged_hosts_refused(desk: Desk) -> None:
    assert len(SHAPES) >= 12
    for name, shape in SHAPES.items():
        web = Web(tools_of(desk, PUBLIC_URL=shape.public_url))
        before = desk.count("inbound_events")
        genuine = [
            twilio_call(shape.path, twilio_form(MESSAGES), url=shape.signed).but(*claims.items())
            for claims in CLAIMS[:2]
        ]
        assert post(web, genuine) == [200] * len(genuine), name
        assert desk.count("inbound_events") == before + len(genuine), name
        forged = [
            twilio_call(shape.path, twilio_form(MESSAGES), url=url + shape.path).but(*claims.items())
            for claims, url in zip(CLAIMS, FORGED, strict=True)
        ]
        assert set(post(web, forged)) == {403}, name
        assert desk.count("inbound_events") == before + len(genuine), name


def test_genuine_calls_replayed_a_day_later_add_nothing(desk: Desk) -> None:
    web = Web(desk.tools)
    calls = [twilio_call(MESSAGES, twilio_form(MESSAGES, From=f"+1555{number:07}")) for number in range(REPLAYS)]
    assert set(post(web, calls)) == {200}
    desk.scalars(
        "UPDATE inbound_events SET status = 'processed', created_at = created_at - interval '1 day',"
        " tried_since = created_at, processed_at = created_at RETURNING id"
    )
    sweep_once(desk.tools)
    assert set(post(web, calls)) == {200}
    assert desk.count("inbound_events") == REPLAYS
    desk.work()
    assert (desk.count("inbound_events"), desk.count("tickets")) == (REPLAYS, 0)


def test_calls_may_be_signed_by_a_shared_key_or_by_the_token_that_takes_over(desk: Desk) -> None:
    web = Web(tools_of(desk, TWILIO_WEBHOOK_SECRETS="shared canary, next canary"))

    def call(secret: str, algorithm: str) -> Call:
        form = twilio_form(MESSAGES)
        signature = twilio_signature(PUBLIC_URL + MESSAGES, form, secret, algorithm)
        return twilio_call(MESSAGES, form).but(("x-twilio-signature", signature))

    token = desk.tools.settings.environment["TWILIO_AUTH_TOKEN"]
    genuine = [call(secret, "sha1") for secret in ("shared canary", "next canary", token)]
    genuine += [call(secret, "sha256").but(SHA256) for secret in ("shared canary", token)]
    assert post(web, genuine) == [200] * 5
    forged = [call(secret, "sha1") for secret in ("", "canary", "shared canary, next canary")]
    forged += [call("shared canary", "sha1").but(SHA256), call("shared canary", "sha256")]
    assert post(web, forged) == [403] * 5


def test_the_door_stays_shut_where_numbers_are_ours_and_no_call_could_be_verified(desk: Desk) -> None:
    with pytest.raises(SettingsError, match="ACCOUNT_SID is set and TWILIO_AUTH_TOKEN is not"):
        tools_of(desk, TWILIO_AUTH_TOKEN="")
    blind = tools_of(desk, TWILIO_AUTH_TOKEN="", TWILIO_ACCOUNT_SID="")
    with pytest.raises(
        SettingsError, match="TWILIO_AUTH_TOKEN is not set, and the desk has addresses for sms and what"
    ):
        check_secrets(blind)
    desk.scalars("DELETE FROM department_external_ids WHERE type IN ('phone', 'whatsapp') RETURNING id")
    check_secrets(blind)
