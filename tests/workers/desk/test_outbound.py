import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sandbox.client import wait_for
from sandbox.faults import Fault
from tests.desk import Desk
from workers.tasks.inbound import ingest_conversation
from workers.tasks.outbound import deliver_lane

A_DAY = 24 * 3600.0


@pytest.fixture
def thread(desk: Desk) -> str:
    desk.text("My order has not come")
    desk.work()
    return desk.thread()


def texts(desk: Desk) -> list[str]:
    return [str(each["body"]) for each in desk.effects("twilio", "message")]


def status(desk: Desk) -> list[str]:
    return [each.status for each in desk.deliveries()]


def marks(desk: Desk, ts: str) -> set[str]:
    found: set[str] = set()
    for effect in desk.effects("slack"):
        if effect.get("ts") == ts and effect["kind"] in {"reaction", "unreaction"}:
            (found.add if effect["kind"] == "reaction" else found.discard)(str(effect["name"]))
    return found


@pytest.mark.parametrize("kind", ["reset_after", "silence_after", "5xx_after", "malformed_after", "fatal_error_after"])
def test_a_card_accepted_but_not_answered_for_is_posted_once(desk: Desk, kind: str) -> None:
    desk.sandbox.fault(Fault(service="slack", method="chat.postMessage", kind=kind))
    desk.mail()
    desk.work()
    desk.let_pass(60)
    posts = [each for each in desk.effects("slack", "post") if "thread_ts" not in each or not each["thread_ts"]]
    assert len(posts) == 1
    assert desk.thread() == posts[0]["ts"]


def test_a_card_that_slack_never_took_is_posted_after_looking_for_it(desk: Desk) -> None:
    desk.sandbox.fault(Fault(service="slack", method="chat.postMessage", kind="5xx_before"))
    desk.mail()
    desk.work()
    desk.let_pass(10)
    desk.let_pass(10)
    assert len(desk.effects("slack", "post")) == 2


def test_retry_after_is_obeyed_and_the_post_then_made_once(desk: Desk) -> None:
    desk.sandbox.fault(Fault(service="slack", method="chat.postMessage", kind="429", retry_after=30))
    desk.mail()
    desk.work()
    desk.let_pass(20)
    assert desk.effects("slack", "post") == []
    desk.let_pass(11)
    assert len(desk.effects("slack", "post")) == 2


def test_a_text_that_twilio_took_without_answering_is_found_and_not_sent_again(desk: Desk, thread: str) -> None:
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="reset_after"))
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    desk.let_pass(300)
    assert texts(desk) == ["Tomorrow."]
    assert status(desk) == ["sent"]


def test_a_card_that_slack_refuses_is_tried_again_and_what_belongs_below_it_waits(desk: Desk) -> None:
    desk.sandbox.fault(Fault(service="slack", method="chat.postMessage", kind="5xx_before", status=400))
    desk.text("It burns.")
    with capture_logs() as logs:
        desk.work()
    assert [each["code"] for each in logs if each["event"] == "card_refused"] == ["http_400"]
    assert desk.effects("slack", "post") == []
    desk.let_pass(901)
    assert [str(each["text"]) for each in desk.effects("slack", "post")] == ["#1 It burns.", "It burns."]


def test_a_send_is_not_asked_about_for_ever_though_no_look_comes_to_an_end(desk: Desk, thread: str) -> None:
    desk.sandbox.fault(Fault(service="twilio", kind="reset_after", method="POST Messages"))
    desk.say("Once.", thread=thread)
    desk.say("Then this.", thread=thread)
    desk.ingest()
    deliver_lane(desk.tools, desk.deliveries()[0].id)
    desk.scalars("UPDATE deliveries SET lookups = 8 WHERE status = 'unclear' RETURNING id")
    asked = desk.sandbox.calls()["calls"]["twilio"].get("GET Messages", 0)
    desk.let_pass(100)
    assert desk.sandbox.calls()["calls"]["twilio"].get("GET Messages", 0) == asked
    assert [each.status for each in desk.deliveries()] == ["unconfirmed", "sent"]


def test_two_equal_texts_never_share_one_sid(desk: Desk, thread: str) -> None:
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="reset_after", times=2))
    for _ in range(2):
        desk.say("ok", thread=thread)
    desk.work()
    for _ in range(4):
        desk.let_pass(300)
    assert texts(desk) == ["ok", "ok"]
    assert len({each.external_id for each in desk.deliveries()}) == 2


def test_a_text_that_stays_unclear_is_not_sent_again_but_asked_about(desk: Desk, thread: str) -> None:
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="5xx_before"))
    ts = desk.say("Tomorrow.", thread=thread)
    desk.work()
    for _ in range(6):
        desk.let_pass(300)
    assert texts(desk) == []
    assert status(desk) == ["unconfirmed"]
    assert "not known whether" in desk.messages()[-1].body
    assert marks(desk, ts) == {"x"}


def test_the_agents_retry_sends_an_unconfirmed_text_once_however_often_pressed(desk: Desk, thread: str) -> None:
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="5xx_before"))
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    for _ in range(6):
        desk.let_pass(300)
    for _ in range(5):
        desk.press("retry", desk.deliveries()[0].id)
    desk.work()
    assert texts(desk) == ["Tomorrow."]


def test_a_worker_that_died_while_sending_leaves_a_text_to_be_looked_up(desk: Desk, thread: str) -> None:
    """The row says `sending`, its lease is over, and nobody knows whether the call went out: it did."""
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    desk.scalars(
        "UPDATE deliveries SET status = 'sending', external_id = NULL, lease_until = timezone('utc', now()) "
        "WHERE to_client RETURNING id"
    )
    desk.scalars(
        "DELETE FROM message_external_ids WHERE type = 'twilio' AND message_id = "
        "(SELECT max(message_id) FROM deliveries WHERE to_client) RETURNING id"
    )
    desk.work()
    assert texts(desk) == ["Tomorrow."]
    assert status(desk) == ["sent"]


def test_a_refused_mail_fails_with_its_reason_in_the_thread_and_a_button(desk: Desk) -> None:
    desk.sandbox.refuse("gone@client.example", 550, "5.1.1 no such user")
    desk.mail(sender="Gone <gone@client.example>")
    desk.work()
    ts = desk.say("Hello?", thread=desk.thread())
    desk.work()
    assert status(desk) == ["failed"]
    told = desk.effects("slack", "post")[-1]
    assert "Not delivered to the client" in str(told["text"])
    assert "retry" in str(told["blocks"])
    assert marks(desk, ts) == {"x"}
    assert desk.count("suppressions") == 1


def test_a_suppressed_address_gets_nothing_and_the_agent_reads_why(desk: Desk, thread: str) -> None:
    desk.scalars(
        "INSERT INTO suppressions (type, value, reason) VALUES ('phone', :phone, 'opted_out') RETURNING id",
        phone=desk.phone,
    )
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    assert texts(desk) == []
    assert "takes no messages since" in desk.messages()[-1].body


def test_a_temporary_refusal_is_tried_again_later_and_arrives_once(desk: Desk) -> None:
    desk.sandbox.refuse("busy@client.example", 450, "4.2.0 busy")
    desk.mail(sender="Busy <busy@client.example>")
    desk.work()
    desk.say("Hello?", thread=desk.thread())
    desk.work()
    assert status(desk) == ["pending"]
    desk.sandbox.refuse("busy@client.example", 0)
    desk.let_pass(60)
    assert status(desk) == ["sent"]
    assert len(desk.effects("mailbox")) == 1


def test_a_mail_that_may_have_gone_out_is_never_sent_twice_by_itself(desk: Desk) -> None:
    desk.sandbox.fault(Fault(service="mailbox", method="DATA", kind="reset_after_data"))
    desk.mail()
    desk.work()
    desk.say("Hello?", thread=desk.thread())
    desk.work()
    desk.let_pass(A_DAY)
    assert len(desk.effects("mailbox")) == 1
    assert status(desk) == ["unconfirmed"]


def test_what_is_never_taken_is_given_up_after_a_day_and_told(desk: Desk) -> None:
    desk.sandbox.refuse("busy@client.example", 450, "4.2.0 busy")
    desk.mail(sender="Busy <busy@client.example>")
    desk.work()
    desk.say("Hello?", thread=desk.thread())
    desk.work()
    desk.scalars("UPDATE deliveries SET tried_since = tried_since - interval '25 hours' WHERE to_client RETURNING id")
    desk.let_pass(60)
    assert status(desk) == ["failed"]
    assert "given up" in desk.messages()[-1].body


def test_marks_follow_the_answer_from_waiting_to_delivered(desk: Desk, thread: str) -> None:
    ts = desk.say("Tomorrow.", thread=thread)
    desk.work()
    assert marks(desk, ts) == {"hourglass_flowing_sand"}
    (send,) = desk.deliveries()
    desk.report(str(send.idempotency_key), str(send.external_id), "delivered")
    desk.work()
    assert marks(desk, ts) == {"white_check_mark"}


def test_reports_in_any_order_never_move_a_state_back(desk: Desk, thread: str) -> None:
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    (send,) = desk.deliveries()
    for state in ("read", "sent", "delivered", "undelivered"):
        desk.report(str(send.idempotency_key), str(send.external_id), state)
    desk.work()
    assert status(desk) == ["read"]


def test_a_report_that_is_quicker_than_the_answer_to_the_call_is_kept(desk: Desk, thread: str) -> None:
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="reset_after"))
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    (send,) = desk.deliveries()
    desk.report(str(send.idempotency_key), "SM" + "9" * 32, "delivered")
    desk.work()
    desk.let_pass(300)
    assert status(desk) == ["delivered"]
    assert texts(desk) == ["Tomorrow."]


def test_a_report_without_our_key_is_known_by_its_sid(desk: Desk, thread: str) -> None:
    """So a Messaging Service or a WhatsApp sender reports that has a status address of its own."""
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    (send,) = desk.deliveries()
    desk.report("", str(send.external_id), "delivered")
    desk.report("", "SM" + "7" * 32, "failed")
    desk.work()
    assert status(desk) == ["delivered"]


def test_a_late_failure_of_an_earlier_attempt_does_not_undo_the_one_that_arrived(desk: Desk, thread: str) -> None:
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="5xx_before"))
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    for _ in range(6):
        desk.let_pass(300)
    desk.press("retry", desk.deliveries()[0].id)
    desk.work()
    (send,) = desk.deliveries()
    desk.report(str(send.idempotency_key), "SM" + "8" * 32, "failed")
    desk.work()
    assert status(desk) == ["sent"]
    desk.report(str(send.idempotency_key), str(send.external_id), "delivered")
    desk.work()
    assert status(desk) == ["delivered"]


def test_twenty_workers_at_one_lane_send_each_message_once_and_in_order(desk: Desk, thread: str) -> None:
    for number in range(12):
        desk.say(f"part {number:02}", thread=thread)
    _ingest_only(desk)
    ids = [each.id for each in desk.deliveries()]
    with ThreadPoolExecutor(20) as workers:
        list(workers.map(lambda each: deliver_lane(desk.tools, each), ids * 3))
    desk.work()
    assert texts(desk) == [f"part {number:02}" for number in range(12)]


def test_after_an_answer_that_failed_it_is_the_agents_turn_and_the_reason_is_told_once(desk: Desk) -> None:
    desk.sandbox.refuse("cleo@client.example", 550, "5.1.1 no such user.")
    desk.mail()
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    try:
        desk.work()
    finally:
        desk.sandbox.refuse("cleo@client.example", 0)
    assert desk.ticket().status == "waiting_for_agent"
    assert "waiting for agent" in desk.card()
    assert "5.1.1 no such user." in desk.told()
    assert "(5.1.1)" not in desk.told()
    assert ".." not in desk.told()


def test_a_failing_answer_does_not_stop_those_behind_it(desk: Desk, thread: str) -> None:
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="5xx_before"))
    desk.say("lost", thread=thread)
    desk.say("next", thread=thread)
    desk.work()
    for _ in range(6):
        desk.let_pass(300)
    assert texts(desk) == ["next"]


def test_files_go_both_ways(desk: Desk) -> None:
    desk.mail(files=[("report.pdf", b"%PDF client"), ("../../.htaccess", b"deny")])
    desk.work()
    shared = desk.effects("slack", "file")
    assert [each["name"] for each in shared[0]["files"]] == ["report.pdf", ".htaccess"]  # type: ignore[attr-defined]
    from_ada = {"name": "answer.png", "content_base64": "iVBORw0=", "mimetype": "image/png"}
    ts = desk.sandbox.say("U0ADA", "C0SUPPORT", "See this", thread_ts=desk.thread(), files=[from_ada])
    event = next(each for each in desk.sandbox.thread("C0SUPPORT", desk.thread()) if each["ts"] == ts)
    desk.slack({**event, "type": "message", "channel": "C0SUPPORT", "channel_type": "channel"})
    desk.work()
    wait_for(lambda: desk.effects("mailbox"), "the answer by mail")
    assert b"answer.png" in base64.b64decode(desk.mailbox()[-1]["raw_base64"])


def _ingest_only(desk: Desk) -> None:
    for each in desk.scalars("SELECT id FROM inbound_events WHERE status = 'pending' ORDER BY id"):
        ingest_conversation(desk.tools, int(str(each)))


def test_a_file_that_is_gone_from_the_store_fails_the_answer_and_is_told(desk: Desk) -> None:
    _answer_with_a_file(desk)
    for stored in Path(desk.tools.settings.attachments_url.removeprefix("file://")).rglob("*"):
        if stored.is_file():
            stored.unlink()
    desk.work()
    assert status(desk) == ["failed"]
    assert "gone from the attachment store" in desk.messages()[-1].body
    assert desk.effects("mailbox") == []


def _answer_with_a_file(desk: Desk) -> None:
    desk.mail()
    desk.work()
    from_ada = {"name": "answer.png", "content_base64": "iVBORw0=", "mimetype": "image/png"}
    ts = desk.sandbox.say("U0ADA", "C0SUPPORT", "See this", thread_ts=desk.thread(), files=[from_ada])
    event = next(each for each in desk.sandbox.thread("C0SUPPORT", desk.thread()) if each["ts"] == ts)
    desk.slack({**event, "type": "message", "channel": "C0SUPPORT", "channel_type": "channel"})
    _ingest_only(desk)


def test_a_post_that_slack_never_answers_for_waits_longer_each_time_and_ends_after_a_day(desk: Desk) -> None:
    desk.sandbox.fault(Fault(service="slack", method="chat.postMessage", kind="5xx_before", times=1000))
    desk.mail()
    desk.work()
    for _ in range(12):
        desk.let_pass(20)
    (tries,) = desk.scalars("SELECT attempts FROM deliveries WHERE purpose = 'card'")
    assert int(str(tries)) < 8
    desk.scalars(
        "UPDATE deliveries SET tried_since = tried_since - interval '25 hours', "
        "attempted_at = attempted_at - interval '25 hours' RETURNING id"
    )
    for _ in range(4):
        desk.let_pass(3600)
    assert desk.scalars("SELECT status FROM deliveries WHERE purpose = 'card'") == ["failed"]


def test_a_retry_of_an_old_failure_has_a_day_of_its_own(desk: Desk) -> None:
    desk.sandbox.refuse("old@client.example", 550, "5.7.1 not now")
    desk.mail(sender="Old <old@client.example>")
    desk.work()
    desk.say("Hello?", thread=desk.thread())
    desk.work()
    desk.scalars(
        "UPDATE deliveries SET created_at = created_at - interval '3 days', "
        "tried_since = tried_since - interval '3 days' RETURNING id"
    )
    desk.sandbox.refuse("old@client.example", 450, "4.2.0 busy")
    desk.press("retry", desk.deliveries()[0].id)
    desk.work()
    assert status(desk) == ["pending"]


@pytest.mark.parametrize("value", ["²", "9" * 40, "-1", "", "0", "1e3", "99999999999"])
def test_a_button_with_a_strange_value_changes_nothing_and_blocks_nobody(desk: Desk, value: str) -> None:
    desk.mail()
    desk.work()
    for action in ("take", "close", "retry"):
        desk.press(action, value)
    desk.work()
    assert desk.ticket().status == "open"
    assert desk.scalars("SELECT count(*) FROM inbound_events WHERE status IN ('pending', 'processing', 'failed')") == [
        0
    ]
