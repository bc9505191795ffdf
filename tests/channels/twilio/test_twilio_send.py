import json
import logging
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import pytest

from channels.base import Attachment, Channel, ExternalId, OutboundMessage
from channels.errors import SendError, TryLater, Unclear, Undeliverable
from channels.twilio import connect
from tests.channels.slack.answering import Answer, Received, Reset, Script, Server, answering, unused_port

NUMBER, OURS = "+15550100001", "+15550100002"
SMS = OutboundMessage(
    idempotency_key="0c7e1f1e-5f0b-4a9e-8d6a-1f1d7a3f0b11",
    to=ExternalId(type="phone", value=NUMBER),
    sender=ExternalId(type="phone", value=OURS),
    body="canary body",
    callback_url="https://desk.example.com/webhooks/twilio/status/0c7e1f1e",
)
SERVICE = ExternalId(type="phone", value="MG" + "0a" * 16)
CREATED = Answer(json.dumps({"sid": "SM1", "status": "queued"}).encode(), status=201)
NOW = datetime(2026, 11, 22, 15, 0, 0, 400_000, tzinfo=UTC)


def always(answer: Answer | Reset) -> Script:
    return lambda _: answer


def refusal(status: int, code: int) -> Answer:
    text = {"code": code, "message": f"The number {NUMBER} is wrong", "status": status}
    return Answer(json.dumps(text).encode(), status=status)


def channel(url: str, name: str = "sms") -> Channel:
    settings = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "canary-token", "TWILIO_API_URL": url}
    return next(one for one in connect(settings).channels if one.name == name)


def failure(answer: Answer | Reset) -> SendError:
    with answering(always(answer)) as server:
        with pytest.raises(SendError) as caught:
            channel(server.url).send(SMS)
        assert len(server.received) == 1
    return caught.value


def outcome(one: Channel) -> str:
    try:
        return str(one.send(SMS))
    except SendError:
        return traceback.format_exc()


def form(request: Received) -> dict[str, list[str]]:
    return parse_qs(request.body.decode())


def test_a_text_goes_out_once_with_its_callback() -> None:
    with answering(always(CREATED)) as server:
        assert channel(server.url).send(SMS) == ExternalId(type="twilio", value="SM1")
    (request,) = server.received
    assert request.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert form(request) == {"To": [NUMBER], "From": [OURS], "Body": [SMS.body], "StatusCallback": [SMS.callback_url]}


def test_files_go_by_their_addresses() -> None:
    links = tuple(f"https://desk.example.com/files/{n}" for n in range(3))
    outbound = OutboundMessage(idempotency_key="k", to=SMS.to, sender=SMS.sender, body="See", media_urls=links)
    with answering(always(CREATED)) as server:
        channel(server.url, "whatsapp").send(outbound)
    sent = form(server.received[0])
    assert (sent["To"], sent["Body"], sent["MediaUrl"]) == (["whatsapp:" + NUMBER], ["See"], list(links))


def test_a_service_sends_in_its_own_name() -> None:
    with answering(always(CREATED)) as server:
        channel(server.url).send(replace(SMS, sender=SERVICE))
    sent = form(server.received[0])
    assert (sent["MessagingServiceSid"], "From" in sent) == ([SERVICE.value], False)


def test_too_many_requests_say_how_long_to_wait() -> None:
    error = failure(Answer(b'{"code": 20429}', status=429, headers={"Retry-After": "3"}))
    assert isinstance(error, TryLater)
    assert error.retry_after == 3


@pytest.mark.parametrize(
    "answer",
    [
        refusal(500, 20500),
        Answer(status=502, body=b"<html>"),
        Answer(status=503),
        Reset(),
        Answer(status=201, body=b'{"sid": "SM'),
        Answer(status=201, body=b"[]"),
        Answer(status=201, body=b"null"),
        Answer(status=201, body=b'"text"'),
        Answer(status=201, body=b"{}"),
        Answer(status=201, body=b"\xff\xfe"),
        Answer(status=201, body=b'{"sid":', headers={"Content-Length": "100", "Connection": "close"}),
        Answer(status=307, headers={"Location": "/again"}),
    ],
)
def test_what_may_have_been_sent_is_unclear_and_not_repeated(answer: Answer | Reset) -> None:
    assert type(failure(answer)) is Unclear


def test_nobody_listening_was_certainly_not_sent() -> None:
    with pytest.raises(TryLater):
        channel(f"http://127.0.0.1:{unused_port()}").send(SMS)


def test_a_name_nobody_knows_was_certainly_not_sent() -> None:
    with pytest.raises(TryLater):
        channel("http://stand-in.invalid").send(SMS)


def test_a_department_without_a_number_cannot_send() -> None:
    with pytest.raises(Undeliverable) as caught:
        channel("http://127.0.0.1:9").send(OutboundMessage(idempotency_key="k", to=SMS.to, body="hello"))
    assert caught.value.code == "no_sender"


def test_without_credentials_nothing_is_sent() -> None:
    unconnected = connect({}).channels[0]
    assert not unconnected.connected
    with pytest.raises(Undeliverable):
        unconnected.send(SMS)


@pytest.mark.parametrize("answer", [CREATED, refusal(400, 21211), refusal(500, 20500), Reset()])
def test_no_number_body_or_token_reaches_errors_and_logs(
    answer: Answer | Reset, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    with answering(always(answer)) as server:
        told = outcome(channel(server.url))
    for canary in (NUMBER[1:], OURS[1:], "canary body", "canary-token"):
        assert canary not in caplog.text
        assert canary not in told


def listed(sid: str, *, body: str = SMS.body, after: float = 0, direction: str = "outbound-api") -> dict[str, object]:
    created = format_datetime(NOW + timedelta(seconds=after))
    return {"sid": sid, "body": body, "direction": direction, "date_created": created, "date_sent": None}


def look(server: Server) -> list[str]:
    return [one.value for one in channel(server.url).find_sent(SMS, NOW)]


def test_a_lost_send_is_found_by_its_text_and_time() -> None:
    messages = [
        listed("SM5", after=9),
        listed("SM4", after=3, body="Sent from your Twilio trial account - canary body"),
        listed("SM3", after=2, body="another"),
        listed("SM2", after=1, direction="inbound"),
        listed("SM1"),
        listed("SM0", after=-60),
    ]
    with answering(always(Answer(json.dumps({"messages": messages}).encode()))) as server:
        assert look(server) == ["SM1", "SM4", "SM5"]
    query = parse_qs(server.received[0].path.partition("?")[2])
    assert (query["To"], query["From"]) == ([NUMBER], [OURS])


def test_a_lost_send_of_a_service_is_found_among_its_own() -> None:
    by_service = {**listed("SM2"), "messaging_service_sid": SERVICE.value}
    with answering(always(Answer(json.dumps({"messages": [listed("SM1"), by_service]}).encode()))) as server:
        found = channel(server.url).find_sent(replace(SMS, sender=SERVICE), NOW)
    assert [one.value for one in found] == ["SM2"]


def test_a_message_made_in_the_second_of_the_attempt_counts() -> None:
    with answering(always(Answer(json.dumps({"messages": [listed("SM1", after=-2)]}).encode()))) as server:
        assert look(server) == ["SM1"]


@pytest.mark.parametrize(
    "answer", [Answer(status=500), refusal(401, 20003), Reset(), Answer(b"{"), Answer(b"[]"), Answer(status=429)]
)
def test_a_look_that_fails_is_made_again_later(answer: Answer | Reset) -> None:
    with answering(always(answer)) as server, pytest.raises(TryLater):
        look(server)


def test_media_is_fetched_with_the_accounts_credentials() -> None:

    with answering(always(Answer(b"picture"))) as server:
        file = Attachment(name="media-1.jpg", url=server.url + "/Media/ME1")
        assert channel(server.url).fetch(file, 100) == b"picture"
    assert server.received[0].headers["authorization"].startswith("Basic ")


def test_a_long_text_is_cut_where_twilio_would_refuse_it() -> None:
    parts = channel("http://127.0.0.1:9").split("word " * 1000)
    assert all(len(part) <= 1600 for part in parts)
    assert " ".join(parts) == ("word " * 1000).strip()
