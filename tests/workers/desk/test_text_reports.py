"""What Twilio reports of our texts: in any order, doubled, early, forged, and on messages that it gave up."""

import random

import pytest
from sqlalchemy import text

from sandbox.client import wait_for
from sandbox.faults import Fault
from tests.at_length import times
from tests.desk import Desk

# Every change of a status, as it happens.
RECORDER = """
CREATE TABLE moves (id bigserial, delivery_id bigint, before text, after text);
CREATE FUNCTION note_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO moves (delivery_id, before, after) VALUES (NEW.id, OLD.status, NEW.status); RETURN NULL; END $$;
CREATE TRIGGER moves AFTER UPDATE ON deliveries FOR EACH ROW
WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION note_move();
"""
MESSAGES = times(100, 28)
# More like the first, some of which a worker is still sending: their reports are early.
MANY = """
INSERT INTO deliveries (ticket_id, message_id, purpose, channel, recipient_type, recipient, sender, to_client, lane,
                        status, attempts, external_id, attempted_at, lease_until)
SELECT ticket_id, message_id, purpose, channel, recipient_type, recipient, sender, true, 'many:' || n,
       CASE WHEN n % 4 = 0 THEN 'sending' ELSE 'sent' END, 1, CASE WHEN n % 4 > 0 THEN 'SMmany' || n END,
       timezone('utc', now()), CASE WHEN n % 4 = 0 THEN timezone('utc', now()) + interval '1 hour' END
FROM deliveries, generate_series(1, :more) n WHERE to_client
RETURNING id
"""
FORWARD = ["sending", "sent", "delivered", "read", "failed", "held"]
# What Twilio may say of one message, and what is true in the end.
SCRIPTS = [
    (("accepted", "sending", "sent", "delivered", "read"), "", "read"),
    (("queued", "sent", "partially_delivered", "delivered"), "", "delivered"),
    (("sent", "undelivered"), "30007", "failed"),
    (("failed",), "63016", "held"),
    (("queued", "sending", "sent"), "", "sent"),
    (("sent", "undelivered"), "30008", "pending"),
    (("canceled",), "", "failed"),
]


@pytest.fixture
def thread(desk: Desk) -> str:
    desk.text("Where is my order?")
    desk.work()
    return desk.thread()


def answered(desk: Desk, thread: str, body: str = "Tomorrow.") -> tuple[str, str]:
    """Answer, and return our key and Twilio's name of the newest send."""
    desk.say(body, thread=thread)
    desk.work()
    send = desk.deliveries()[-1]
    return str(send.idempotency_key), str(send.external_id)


def texts(desk: Desk) -> list[object]:
    return [each["body"] for each in desk.effects("twilio", "message")]


def states(desk: Desk) -> list[str]:
    return [each.status for each in desk.deliveries()]


def all_read(desk: Desk) -> bool:
    desk.ingest()
    return desk.scalars("SELECT 1 FROM inbound_events WHERE status IN ('pending', 'processing')") == []


def told(desk: Desk) -> list[str]:
    return [each.body for each in desk.messages() if each.is_system_message and "elivered" in each.body]


def test_reports_on_many_messages_shuffled_and_doubled_never_move_a_state_back(desk: Desk, thread: str) -> None:
    answered(desk, thread)
    with desk.session() as session:
        session.execute(text(MANY), {"more": MESSAGES - 1})
        session.execute(text(RECORDER))
    sends = desk.deliveries()
    assert len(sends) == MESSAGES
    scripts = [SCRIPTS[place % len(SCRIPTS)] for place in range(MESSAGES)]
    reports = [(send, word, code) for send, (words, code, _) in zip(sends, scripts, strict=True) for word in words]
    chance = random.Random(7)
    for send, word, code in chance.sample(reports * 2, len(reports) * 2):
        error = {"ErrorCode": code} if word in {"failed", "undelivered"} else {}
        sid = send.external_id or f"SMmany-early-{send.id}"
        desk.report(str(send.idempotency_key), sid, word, attempt=1, **error)
    wait_for(lambda: all_read(desk), "every report to be read", 600)

    after = {each.id: each.status for each in desk.deliveries()}
    assert [after[each.id] for each in sends] == [end for _, _, end in scripts]
    moves = desk.scalars("SELECT delivery_id || ' ' || before || ' ' || after FROM moves ORDER BY id")
    sent_again = [str(each).split()[0] for each in moves if str(each).endswith(" pending")]
    assert len(sent_again) == len(set(sent_again)) == sum(end == "pending" for *_, end in scripts)
    for _, before, now in (str(each).split() for each in moves):
        assert now == "pending" or FORWARD.index(now) > FORWARD.index(before)


def test_what_may_arrive_later_is_sent_once_more_and_then_given_up(desk: Desk, thread: str) -> None:
    key, first = answered(desk, thread)
    for word in ("sent", "undelivered", "undelivered"):
        desk.report(key, first, word, ErrorCode="30003")
    desk.work()
    assert (states(desk), len(texts(desk))) == (["pending"], 1)
    assert "It is sent once more in 10 minutes" in told(desk)[-1]

    desk.let_pass(400)
    assert len(texts(desk)) == 1
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="reset_after"))
    desk.let_pass(200)
    desk.report(key, first, "failed", attempt=1, ErrorCode="30003")  # late, on the one given up
    desk.work()
    assert texts(desk) == ["Tomorrow.", "Tomorrow."]
    assert states(desk) in (["unclear"], ["sent"])
    desk.let_pass(300)
    second = str(desk.deliveries()[-1].external_id)
    assert states(desk) == ["sent"]
    assert second != first

    desk.report(key, second, "undelivered", ErrorCode="30003")
    desk.work()
    assert states(desk) == ["failed"]
    assert told(desk)[-1].startswith("Not delivered to the client: The phone cannot be reached")
    desk.let_pass(3600)
    assert len(texts(desk)) == 2


def test_a_report_under_a_forged_name_says_nothing_about_a_message(desk: Desk, thread: str) -> None:
    key, sid = answered(desk, thread)
    for number, name in enumerate((key, f"{key}.1.{'0' * 32}", f"{key}.2.", "x")):
        desk.report_as(name, f"SM{number:032}", "delivered")
    desk.work()
    assert states(desk) == ["sent"]
    desk.report_as("no-name-of-ours", sid, "delivered")  # Twilio signed it, and names its own message
    desk.work()
    assert states(desk) == ["delivered"]


def test_a_part_that_failed_holds_back_those_after_it_until_it_is_sent(desk: Desk, thread: str) -> None:
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="5xx_before", skip=1))
    words = " ".join(f"word{number}" for number in range(500))  # three parts
    desk.say(words, thread=thread)
    desk.work()
    for _ in range(6):
        desk.let_pass(300)
    assert states(desk) == ["sent", "unconfirmed", "failed"]
    assert len([each for each in desk.messages() if "not known whether" in each.body]) == 1
    assert told(desk) == []
    desk.press("retry", desk.deliveries()[1].id)
    desk.work()
    assert " ".join(str(each) for each in texts(desk)) == words
    assert states(desk) == ["sent"] * 3


def test_the_news_that_an_unclear_part_arrived_lets_the_rest_go(desk: Desk, thread: str) -> None:
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="5xx_before"))
    desk.say("word " * 500, thread=thread)
    desk.work()
    for _ in range(6):
        desk.let_pass(300)
    assert states(desk) == ["unconfirmed", "failed"]
    desk.report(str(desk.deliveries()[0].idempotency_key), "SM" + "5" * 32, "queued")
    desk.work()
    assert states(desk) == ["sent", "sent"]
    assert len(texts(desk)) == 1
