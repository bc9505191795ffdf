"""What is asked and changed at Twilio when it is set up, on the wire."""

import json
from urllib.parse import parse_qs

import pytest

from channels.base import ExternalId
from channels.twilio.account import Account
from channels.twilio.endpoints import SetupError, Wanted
from channels.twilio.setup import Setup
from tests.channels.slack.answering import Answer, Received, Reset, Script, Server, answering

NUMBER = ExternalId(type="phone", value="+15550100002")
WANTED = Wanted.at("https://desk.example.com/")
NO_SERVICES = Answer(b'{"services": [], "meta": {"key": "services"}}')


def setup(server: Server) -> Setup:
    return Setup(Account("AC1", "canary-token", server.url), "https://desk.example.com")


def listing(**listed: object) -> Script:
    """Answer with this list, and without a Messaging Service."""
    page = Answer(json.dumps({**listed, "meta": {"key": next(iter(listed))}}).encode())
    return lambda request: NO_SERVICES if "/Services" in request.path else page


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        ({}, {"sms_url", "sms_fallback_url"}),
        ({"sms_url": WANTED.messages, "sms_fallback_url": WANTED.messages}, set()),
        ({"sms_url": WANTED.messages.partition("#")[0], "sms_fallback_url": WANTED.messages}, {"sms_url"}),
        ({"sms_url": WANTED.messages, "sms_fallback_url": "https://else.example.com/sorry"}, set()),
        (
            {"sms_url": WANTED.messages, "sms_fallback_url": "https://old.example.com/webhooks/twilio/messages#rc=1"},
            {"sms_fallback_url"},
        ),
        (
            {"sms_url": WANTED.messages, "sms_fallback_url": WANTED.messages, "sms_application_sid": "AP1"},
            {"sms_application_sid"},
        ),
    ],
)
def test_only_what_keeps_calls_from_us_is_changed(now: dict[str, str], changes: set[str]) -> None:
    number = {"sid": "PN1", "phone_number": NUMBER.value, "sms_method": "POST", "sms_fallback_method": "POST", **now}
    with answering(listing(incoming_phone_numbers=[number])) as server:
        account = setup(server)
        endpoint = account.look("sms", NUMBER)
        account.change(endpoint)
    assert {each.name for each in endpoint.changes} == changes
    posted = [each for each in server.received if each.method == "POST"]
    assert len(posted) == bool(changes)
    names = {"".join(part.title() for part in name.split("_")) for name in changes}
    assert all(set(parse_qs(each.body.decode(), keep_blank_values=True)) == names for each in posted)


def test_a_number_that_only_looks_alike_is_not_taken_for_ours() -> None:
    alike = {"sid": "PN1", "phone_number": f"{NUMBER.value}7", "sms_url": WANTED.messages}
    with answering(listing(incoming_phone_numbers=[alike])) as server:
        endpoint = setup(server).look("sms", NUMBER)
    assert (endpoint.sid, endpoint.trouble) == ("", "is no number of this Twilio account")


def test_a_short_code_is_set_up_like_a_number() -> None:
    code = {"sid": "SC1", "short_code": "88888", "sms_method": "GET"}
    with answering(listing(short_codes=[code])) as server:
        account = setup(server)
        account.change(account.look("sms", ExternalId(type="phone", value="88888")))
    form = parse_qs(server.received[-1].body.decode())
    assert (form["SmsUrl"], form["SmsMethod"]) == ([WANTED.messages], ["POST"])


def test_of_a_whatsapp_sender_its_webhook_alone_is_changed_and_the_rest_of_that_kept() -> None:
    webhook = {"callback_url": "https://else.example.com", "fallback_url": "https://else.example.com/sorry"}
    sender = {"sid": "XE1", "sender_id": f"whatsapp:{NUMBER.value}", "webhook": webhook, "profile": {"name": "Desk"}}
    with answering(listing(senders=[sender])) as server:
        account = setup(server)
        account.change(account.look("whatsapp", ExternalId(type="whatsapp", value=NUMBER.value)))
    sent = json.loads(server.received[-1].body)
    assert sent == {
        "webhook": {
            "callback_url": WANTED.messages,
            "callback_method": "POST",
            "fallback_url": "https://else.example.com/sorry",
            "fallback_method": "POST",
            "status_callback_url": WANTED.status,
            "status_callback_method": "POST",
        }
    }


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=401),
        Answer(b'{"code": 20003, "status": 401}', status=401),
        Answer(status=429, headers={"Retry-After": "1"}),
        Answer(status=500),
        Answer(b"{"),
        Answer(b"[]"),
        Reset(),
    ],
)
def test_whatever_twilio_answers_is_a_sentence_without_token_or_number(answer: Answer | Reset) -> None:
    with answering(lambda _: answer) as server, pytest.raises(SetupError) as caught:
        setup(server).look("sms", NUMBER)
    assert not {"canary-token", NUMBER.value} & set(str(caught.value).split())


def test_the_last_message_each_way_is_asked_for_by_both_ends() -> None:
    moments = {"To": "Sun, 22 Nov 2026 15:00:00 +0000", "From": "Sun, 22 Nov 2026 16:00:00 +0000"}

    numbers = listing(incoming_phone_numbers=[{"sid": "PN1", "phone_number": NUMBER.value}])

    def script(request: Received) -> Answer | Reset:
        query = parse_qs(request.path.partition("?")[2])
        if "/Messages" not in request.path:
            return numbers(request)
        found = [{"date_sent": moments[end]} for end in moments if query.get(end) == [NUMBER.value]]
        return Answer(json.dumps({"messages": found}).encode())

    with answering(script) as server:
        account = setup(server)
        came, went = account.last(account.look("sms", NUMBER))
    assert came is not None
    assert went is not None
    assert (came.hour, went.hour) == (15, 16)
