"""Each fault as the real clients meet it, and whether the effect happened."""

import json
from http.client import HTTPException

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from sandbox.client import Sandbox, SandboxError
from sandbox.faults import KINDS, Fault
from tests.sandbox.product import Receiver, Running

OURS, THEIRS = "+15550100000", "+15550124000"


def posts(sandbox: Sandbox) -> int:
    return len(sandbox.ledger("slack", "post"))


def texts(sandbox: Sandbox) -> int:
    return len(sandbox.ledger("twilio", "message"))


def test_429_says_when_to_come_back_and_does_nothing(slack: WebClient, sandbox: Sandbox) -> None:
    before = posts(sandbox)
    sandbox.fault(Fault(service="slack", method="chat.postMessage", kind="429", retry_after=7))
    with pytest.raises(SlackApiError, match="ratelimited") as error:
        slack.chat_postMessage(channel="C0SUPPORT", text="x")
    assert (error.value.response.status_code, error.value.response.headers["Retry-After"]) == (429, "7")
    assert posts(sandbox) == before


@pytest.mark.parametrize(
    ("kind", "happens", "error"),
    [
        ("5xx_before", 0, SlackApiError),
        ("5xx_after", 1, SlackApiError),
        ("silence_before", 0, TimeoutError),
        ("silence_after", 1, TimeoutError),
        ("reset_before", 0, ConnectionResetError),
        ("reset_after", 1, ConnectionResetError),
        ("malformed_after", 1, SlackApiError),
        ("fatal_error_after", 1, SlackApiError),
    ],
)
def test_a_slack_call_fails_and_the_effect_is_as_named(
    slack: WebClient, sandbox: Sandbox, kind: str, happens: int, error: type[Exception]
) -> None:
    before = posts(sandbox)
    sandbox.fault(Fault(service="slack", method="chat.postMessage", kind=kind))
    with pytest.raises(error):
        slack.chat_postMessage(channel="C0SUPPORT", text="x")
    assert posts(sandbox) == before + happens
    assert slack.chat_postMessage(channel="C0SUPPORT", text="y")["ok"]


@pytest.mark.parametrize(
    ("kind", "happens", "error"),
    [
        ("429", 0, TwilioRestException),
        ("5xx_before", 0, TwilioRestException),
        ("5xx_after", 1, TwilioRestException),
        ("silence_before", 0, requests.Timeout),
        ("silence_after", 1, requests.Timeout),
        ("reset_before", 0, requests.ConnectionError),
        ("reset_after", 1, requests.ConnectionError),
        ("malformed_after", 1, (TwilioException, json.JSONDecodeError, HTTPException)),
    ],
)
def test_a_twilio_call_fails_and_the_effect_is_as_named(
    twilio: Client, sandbox: Sandbox, kind: str, happens: int, error: type[Exception]
) -> None:
    before = texts(sandbox)
    sandbox.fault(Fault(service="twilio", method="POST Messages", kind=kind))
    with pytest.raises(error):
        twilio.messages.create(to=THEIRS, from_=OURS, body="x")
    assert texts(sandbox) == before + happens
    assert twilio.messages.create(to=THEIRS, from_=OURS, body="y").sid


def test_a_slow_call_is_answered_late(slack: WebClient, sandbox: Sandbox) -> None:
    sandbox.fault(Fault(service="slack", method="chat.postMessage", kind="slow", seconds=0.2))
    assert slack.chat_postMessage(channel="C0SUPPORT", text="x")["ok"]


def test_a_fault_waits_for_its_call_and_is_used_up(slack: WebClient, sandbox: Sandbox) -> None:
    sandbox.fault(Fault(service="slack", method="chat.update", kind="5xx_before", skip=1))
    ts = slack.chat_postMessage(channel="C0SUPPORT", text="x")["ts"]
    slack.chat_update(channel="C0SUPPORT", ts=ts, text="passes")
    with pytest.raises(SlackApiError):
        slack.chat_update(channel="C0SUPPORT", ts=ts, text="fails")
    assert slack.chat_update(channel="C0SUPPORT", ts=ts, text="passes")["ok"]


def test_faults_by_chance_strike_the_same_calls_every_time(slack: WebClient, sandbox: Sandbox) -> None:
    def run() -> list[bool]:
        sandbox.no_faults()
        sandbox.fault(Fault(service="slack", method="auth.test", kind="5xx_before", times=1000, chance=0.3))
        return [_passes(slack) for _ in range(12)]

    first = run()
    assert set(first) == {True, False}
    assert run() == first


def _passes(slack: WebClient) -> bool:
    try:
        return bool(slack.auth_test()["ok"])
    except SlackApiError:
        return False


def test_calls_are_counted_with_their_faults(slack: WebClient, sandbox: Sandbox) -> None:
    sandbox.fault(Fault(service="slack", method="team.info", kind="5xx_before"))
    with pytest.raises(SlackApiError):
        slack.team_info()
    slack.team_info()
    found = sandbox.calls()
    assert (found["calls"]["slack"]["team.info"], found["faults"]["slack"]["team.info"]) == (2, {"5xx_before": 1})


def test_a_webhook_can_be_lost(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.fault(Fault(service="webhooks", method="slack/events", kind="lost"))
    sandbox.say("U0ADA", "C0SUPPORT", "lost-word")
    sandbox.say("U0ADA", "C0SUPPORT", "after-word")
    receiver.got("after-word")
    assert [call for call in receiver.calls if b"lost-word" in call.body] == []


def test_a_fault_the_service_cannot_have_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="twilio has no fault fatal_error_after"):
        sandbox.fault(Fault(service="twilio", kind="fatal_error_after"))


def test_the_page_is_told_which_faults_there_are_and_whose_word_on_senders_is_believed(running: Running) -> None:
    offers = requests.get(f"{running.url}/control/offers", timeout=5).json()
    assert offers["authserv_id"] == "mx.desk.example"
    assert {service: tuple(kinds) for service, kinds in offers["faults"].items()} == KINDS


def test_every_effect_is_a_line_in_the_file(slack: WebClient, sandbox: Sandbox, running: Running) -> None:
    slack.chat_postMessage(channel="C0SUPPORT", text="written down")
    lines = [json.loads(line) for line in running.ledger.read_text().splitlines()]
    assert lines == sandbox.ledger()
