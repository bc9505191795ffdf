"""At a provider's pace: turns, pauses that it asks for, and stops that only an operator ends."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from sandbox.client import Sandbox
from sandbox.faults import Fault
from tests.desk import Desk
from workers.runtime import build
from workers.settings import from_environment

A_TURN = 50.0


@pytest.fixture
def paced(desk: Desk, environment: dict[str, str]) -> Iterator[Desk]:
    """A desk whose providers take one message in fifty seconds, after ten at once: no test is as slow as that."""
    usual = environment | {"SLACK_POSTS_PER_SECOND": "0.02", "TWILIO_SMS_PER_SECOND": "0.02"}
    made = Desk(build(from_environment(usual), lambda _: None), desk.sandbox)
    yield made
    made.tools.database.engine.dispose()


@pytest.fixture
def without_the_bot(sandbox: Sandbox) -> Iterator[None]:
    """Nobody invited the bot to the channels of Billing's agents and of the clients."""
    sandbox.leave("C0BILLING", "billing")
    sandbox.leave("C0CLIENTS", "clients")
    yield
    invite_the_bot(sandbox)


def invite_the_bot(sandbox: Sandbox) -> None:
    sandbox.add_channel("C0BILLING", "billing", ["U0ADA", "U0BEN"])
    sandbox.add_channel("C0CLIENTS", "clients", ["U0CLEO"])


def mails(desk: Desk, count: int, to: str = "support@desk.example") -> None:
    for number in range(count):
        desk.mail(sender=f"Cleo <cleo{number}@client.example>", subject=f"Printer {number}", to=to)


def posts(desk: Desk, channel: str = "C0SUPPORT") -> list[str]:
    return [str(each["text"]) for each in desk.effects("slack", "post") if each["channel"] == channel]


def calls(desk: Desk, method: str = "chat.postMessage") -> int:
    return int(desk.sandbox.calls()["calls"].get("slack", {}).get(method, 0))


def test_a_channel_gets_ten_posts_at_once_and_then_one_a_turn(paced: Desk) -> None:
    mails(paced, 12)
    paced.work()
    assert len(posts(paced)) == 10
    for turn in range(1, 15):
        paced.let_pass(A_TURN)
        assert len(posts(paced)) == 10 + turn
    assert paced.scalars("SELECT DISTINCT attempts FROM deliveries WHERE purpose <> 'receipt'") == [1]
    assert len({each for each in posts(paced) if each.startswith("#")}) == 12


def test_a_long_number_sends_ten_texts_at_once_and_then_one_a_turn_in_order(paced: Desk) -> None:
    paced.text("Where is it?")
    paced.work()
    for number in range(12):
        paced.say(f"part {number:02}", thread=paced.thread())
    paced.ingest()
    paced.work()
    assert len(paced.effects("twilio", "message")) == 10
    for _ in range(2):
        paced.let_pass(A_TURN)
    said = [str(each["body"]) for each in paced.effects("twilio", "message")]
    assert said == [f"part {number:02}" for number in range(12)]


def test_a_channel_that_has_had_too_much_waits_as_a_whole_and_no_other_does(paced: Desk) -> None:
    paced.sandbox.fault(
        Fault(service="slack", method="chat.postMessage", kind="429", place="C0SUPPORT", retry_after=300)
    )
    before = calls(paced)
    mails(paced, 3)
    mails(paced, 1, to="billing@desk.example")
    paced.work()
    assert (posts(paced), len(posts(paced, "C0BILLING"))) == ([], 2)
    assert calls(paced) - before == 3
    paced.let_pass(200)
    assert calls(paced) - before == 3
    for _ in range(9):
        paced.let_pass(A_TURN)
    cards = [each for each in posts(paced) if each.startswith("#")]
    assert [each.split()[-1] for each in cards] == ["0", "1", "2"]
    assert len(posts(paced)) == 6


def test_after_a_pause_no_burst_follows(paced: Desk) -> None:
    paced.sandbox.fault(Fault(service="slack", method="chat.postMessage", kind="429", retry_after=30))
    mails(paced, 3)
    paced.work()
    paced.let_pass(31)
    assert len(posts(paced)) == 1


@pytest.mark.parametrize("method", ["reactions.add", "chat.update"])
def test_marks_and_cards_that_came_too_soon_hold_up_no_post(paced: Desk, method: str) -> None:
    paced.text("Where is it?")
    paced.work()
    paced.sandbox.fault(Fault(service="slack", method=method, kind="429", lasting=60))
    paced.say("On its way.", thread=paced.thread())
    paced.work()
    paced.text("Thanks!")
    paced.work()
    assert posts(paced)[-1] == "Thanks!"
    paced.sandbox.no_faults()
    before = calls(paced, method)
    paced.let_pass(61)
    assert calls(paced, method) > before


@pytest.mark.usefixtures("without_the_bot")
def test_a_channel_without_the_bot_stops_is_told_once_and_goes_on_in_order_when_it_is_mended(desk: Desk) -> None:
    before = calls(desk)
    with capture_logs() as logs:
        mails(desk, 3, to="billing@desk.example")
        mails(desk, 1)
        desk.work()
        assert calls(desk) - before == 3
        for _ in range(3):
            desk.let_pass(320)
        assert calls(desk) - before == 6
        desk.scalars(
            "UPDATE deliveries SET tried_since = tried_since - interval '3 days', "
            "attempted_at = attempted_at - interval '3 days' RETURNING id"
        )
        desk.let_pass(320)
    stopped = [each for each in logs if each["event"] == "channel_stopped"]
    assert [(each["log_level"], each["channel"]) for each in stopped] == [("error", "slack")]
    assert "invite" in stopped[0]["reason"]
    assert (posts(desk, "C0BILLING"), len(posts(desk))) == ([], 2)
    assert desk.scalars("SELECT count(*) FROM deliveries WHERE status = 'pending'") == [6]
    invite_the_bot(desk.sandbox)
    desk.sandbox.fault(Fault(service="slack", method="chat.postMessage", kind="429", skip=1, times=2))
    with capture_logs() as logs:
        for seconds in (301, 20, 5, 5):
            desk.let_pass(seconds)
    assert [each["event"] for each in logs].count("channel_resumed") == 1
    cards = [each for each in posts(desk, "C0BILLING") if each.startswith("#")]
    assert [each.split()[-1] for each in cards] == ["0", "1", "2"]
    assert len(posts(desk, "C0BILLING")) == 6
    assert desk.scalars("SELECT DISTINCT status FROM deliveries") == ["sent"]


@pytest.mark.usefixtures("without_the_bot")
def test_what_fails_for_another_reason_leaves_the_next_try_of_a_stopped_channel_to_another(desk: Desk) -> None:
    mails(desk, 2, to="billing@desk.example")
    desk.work()
    invite_the_bot(desk.sandbox)
    desk.sandbox.fault(Fault(service="slack", method="chat.postMessage", kind="5xx_before", place="C0BILLING"))
    desk.let_pass(301)
    desk.let_pass(60)
    assert posts(desk, "C0BILLING") == []
    desk.let_pass(260)
    assert posts(desk, "C0BILLING")[0].split()[-1] == "1"
    for _ in range(3):
        desk.let_pass(30)
    assert len(posts(desk, "C0BILLING")) == 4


def test_a_mark_in_a_channel_that_the_agents_have_left_holds_up_no_other(desk: Desk) -> None:
    desk.text("Where is it?")
    desk.work()
    desk.say("On its way.", thread=desk.thread())
    desk.work()
    (sent,) = desk.deliveries()
    desk.scalars(
        "UPDATE department_external_ids SET value = 'T0DESK/C0ELSEWHERE' WHERE value LIKE '%C0SUPPORT' RETURNING id"
    )
    desk.sandbox.add_channel("C0ELSEWHERE", "elsewhere", ["U0ADA"])
    desk.text("Still nothing.")
    desk.work()
    desk.sandbox.leave("C0SUPPORT", "support")
    try:
        desk.report(str(sent.idempotency_key), str(sent.external_id), "delivered")
        desk.work()
    finally:
        desk.sandbox.add_channel("C0SUPPORT", "support", ["U0ADA", "U0BEN", "U0EVE"])
    assert desk.scalars("SELECT DISTINCT status FROM deliveries WHERE purpose = 'receipt' ORDER BY 1") == [
        "canceled",
        "sent",
    ]
    assert desk.scalars("SELECT key FROM throttles WHERE stopped_since IS NOT NULL") == []


@pytest.mark.usefixtures("without_the_bot")
def test_what_a_client_should_have_had_for_a_day_is_told_to_the_agents_though_the_channel_is_stopped(
    desk: Desk,
) -> None:
    desk.slack(
        {
            "type": "message",
            "user": "U0CLEO",
            "channel": "C0CLIENTS",
            "text": "It burns.",
            "ts": "1795000000.000100",
            "channel_type": "channel",
        }
    )
    desk.work()
    for answer in ("Pull the plug.", "Did you?"):
        desk.say(answer, thread=desk.thread())
        desk.work()
    assert [each.status for each in desk.deliveries()] == ["pending", "pending"]
    desk.scalars("UPDATE deliveries SET tried_since = tried_since - interval '25 hours' WHERE to_client RETURNING id")
    desk.let_pass(320)
    assert [each.status for each in desk.deliveries()] == ["failed", "failed"]
    assert posts(desk)[-1].startswith("Not delivered to the client")
    assert "not_in_channel" in posts(desk)[-1]
