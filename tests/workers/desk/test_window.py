"""WhatsApp takes free answers for 24 hours after the client's last message: later ones are held, and offered a way."""

from datetime import timedelta

import pytest

from channels.errors import WindowClosed
from models.base import now
from models.delivery_claims import claim_delivery
from sandbox.twilio.account import Habits
from tests.at_length import times
from tests.desk import Desk
from workers.desk.window import refuse_outside
from workers.tasks.housekeeping import remind_once
from workers.tasks.outcomes import not_sent

CLEO = "whatsapp:+15557654321"
OURS = "whatsapp:+15550100002"
HELD = "Held, not sent"
ANSWERS = times(100, 12)


def hours_pass(desk: Desk, hours: float) -> None:
    """Let the client's messages be so much older."""
    with desk.session() as session:
        desk.older(session, hours)


@pytest.fixture
def silent(desk: Desk) -> Desk:
    """Return a desk with one WhatsApp ticket whose client wrote 25 hours ago."""
    desk.text("It burns.", sender=CLEO, to=OURS)
    desk.work()
    hours_pass(desk, 25)
    return desk


def answer(desk: Desk, text: str) -> str:
    ts = desk.say(text, thread=desk.thread())
    desk.work()
    desk.let_pass(10)
    return ts


def sent(desk: Desk) -> list[object]:
    return [each["body"] for each in desk.effects("twilio", "message")]


def statuses(desk: Desk) -> list[str]:
    return [each.status for each in desk.deliveries()]


def test_within_the_window_an_answer_goes_out(desk: Desk) -> None:
    desk.text("It burns.", sender=CLEO, to=OURS)
    desk.work()
    hours_pass(desk, 23.9)
    answer(desk, "Pull the plug.")
    assert sent(desk) == ["Pull the plug."]
    assert HELD not in desk.told()


def test_answers_after_it_are_held_each_with_its_offer_and_go_out_in_order_when_the_client_writes(
    silent: Desk,
) -> None:
    texts = [f"Answer {number}." for number in range(ANSWERS)]
    for text in texts:
        silent.say(text, thread=silent.thread())
    silent.work()
    silent.let_pass(10)
    assert sent(silent) == []
    assert statuses(silent) == ["held"] * ANSWERS
    assert silent.told().count(HELD) == ANSWERS
    assert sum("order update" in each and "Take it back" in each for each in shown(silent)) == ANSWERS
    silent.text("Are you there?", sender=CLEO, to=OURS)
    silent.work()
    assert sent(silent) == texts
    assert "goes out now" in silent.told()


def shown(desk: Desk) -> list[str]:
    return [str(each) for each in desk.sandbox.thread("C0SUPPORT", desk.thread())]


def test_a_template_goes_by_its_id_with_what_was_filled_in(silent: Desk) -> None:
    answer(silent, "Pull the plug.")
    silent.pick(*silent.offer("order update"), ts=silent.notice(HELD))
    silent.work()
    silent.submit({"blank-1": {"text": "Cleo"}, "blank-2": {"text": "no. 7"}})
    silent.work()
    (effect,) = silent.effects("twilio", "message")
    given = dict(effect["parameters"])  # type: ignore[call-overload]
    assert given["ContentVariables"] == '{"1": "Cleo", "2": "no. 7"}'
    assert given["ContentSid"].startswith("HX")
    assert not {"Body", "MediaUrl"} & set(given)
    assert silent.bodies()[-1] == "Hello Cleo, there is news about your order no. 7. Reply to this message to go on."
    assert statuses(silent) == ["held", "sent"]


def test_a_template_is_sent_once_in_a_while_unless_it_failed(silent: Desk) -> None:
    answer(silent, "Pull the plug.")

    def template(number: str) -> None:
        silent.pick(*silent.offer("order update"), ts=silent.notice(HELD))
        silent.work()
        silent.submit({"blank-1": {"text": "Cleo"}, "blank-2": {"text": number}})
        silent.work()

    template("no. 7")
    template("no. 8")
    assert "a template has just gone out" in silent.words()[-1]
    first = silent.deliveries()[-1]
    key, sid = str(first.idempotency_key), str(first.external_id)
    silent.report(key, sid, "undelivered", ErrorCode="63013", To=CLEO, From=OURS)
    silent.work()
    template("no. 9")
    assert len(sent(silent)) == 2


def test_what_is_not_approved_is_not_offered(silent: Desk) -> None:
    answer(silent, "Pull the plug.")
    assert "feedback" in str(shown(silent))
    assert "summer sale" not in str(shown(silent))


def test_what_is_taken_back_is_not_sent_when_the_client_writes(silent: Desk) -> None:
    answer(silent, "Pull the plug.")
    silent.pick("drop", ts=silent.notice(HELD))
    silent.work()
    silent.text("Are you there?", sender=CLEO, to=OURS)
    silent.work()
    assert sent(silent) == []
    assert statuses(silent) == ["canceled"]
    assert "took the held answer back" in silent.told()


def test_a_client_who_writes_while_an_answer_is_being_held_gets_it(silent: Desk) -> None:
    silent.say("Pull the plug.", thread=silent.thread())
    silent.ingest()
    silent.let_time_pass(10)
    (delivery,) = silent.deliveries()
    channel, begun = silent.tools.channel("whatsapp"), now()
    with silent.session() as session:
        claimed = claim_delivery(session, delivery.id, {"whatsapp": timedelta(seconds=30)})
    assert claimed is not None
    with silent.session() as session, pytest.raises(WindowClosed) as late:
        refuse_outside(session, channel, claimed)
    silent.text("Are you there?", sender=CLEO, to=OURS)
    silent.ingest()
    not_sent(silent.tools, claimed, late.value, begun)
    silent.let_pass(2)
    assert sent(silent) == ["Pull the plug."]


def test_only_a_message_to_the_same_number_of_ours_that_asks_for_no_silence_releases(silent: Desk) -> None:
    answer(silent, "Pull the plug.")
    silent.text("Another desk?", sender=CLEO, to="whatsapp:+15550100099")
    silent.text("STOP", sender=CLEO, to=OURS)
    silent.work()
    assert statuses(silent) == ["held"]
    silent.text("Are you there?", sender=CLEO, to=OURS)
    silent.work()
    assert sent(silent) == ["Pull the plug."]


def test_what_was_held_in_a_closed_ticket_is_not_sent_and_waits_no_more(silent: Desk) -> None:
    ts, first = answer(silent, "Pull the plug."), silent.ticket().id
    silent.scalars("UPDATE tickets SET status = 'closed', closed_at = now() - interval '90 days' RETURNING id")
    assert marks(silent, first, ts)
    silent.text("Another thing.", sender=CLEO, to=OURS)
    silent.work()
    assert statuses(silent) == ["canceled"]
    assert marks(silent, first, ts) == []
    assert "this ticket is closed" in silent.told(first)


def marks(desk: Desk, ticket_id: int, ts: str) -> list[object]:
    """Return what stands on an agent's message."""
    (post,) = (each for each in desk.sandbox.thread("C0SUPPORT", desk.thread(ticket_id)) if each["ts"] == ts)
    return list(post["reactions"])


def test_what_is_held_is_changed_by_an_edit_and_ended_by_a_deletion(silent: Desk) -> None:
    first, second = answer(silent, "Pull the plug."), answer(silent, "And run.")
    silent.edit(first, "Pull the red plug.", thread=silent.thread())
    silent.delete(second, thread=silent.thread())
    silent.work()
    silent.let_pass(10)
    silent.text("Are you there?", sender=CLEO, to=OURS)
    silent.work()
    assert sent(silent) == ["Pull the red plug."]


@pytest.mark.parametrize("when", ["answer", "callback"])
def test_what_whatsapp_finds_too_late_is_held_too(desk: Desk, when: str) -> None:
    desk.text("It burns.", sender=CLEO, to=OURS)
    desk.work()
    desk.sandbox.habits(Habits(window=when))
    try:
        answer(desk, "Pull the plug.")
    finally:
        desk.sandbox.habits(Habits())
    if when == "callback":
        (delivery,) = desk.deliveries()
        desk.report(
            str(delivery.idempotency_key), str(delivery.external_id), "failed", ErrorCode="63016", To=CLEO, From=OURS
        )
        desk.work()
    assert statuses(desk) == ["held"]
    assert desk.told().count(HELD) == 1
    desk.text("Are you there?", sender=CLEO, to=OURS)
    desk.work()
    assert sent(desk)[-1] == "Pull the plug."
    assert statuses(desk) == ["sent"]


def test_an_answer_that_came_back_after_the_client_wrote_goes_out_once_more_and_only_then_is_held(desk: Desk) -> None:
    desk.text("It burns.", sender=CLEO, to=OURS)
    desk.work()
    answer(desk, "Pull the plug.")
    desk.text("Are you there?", sender=CLEO, to=OURS)
    desk.work()
    for status in ("sent", "held"):
        (delivery,) = desk.deliveries()
        key, sid = str(delivery.idempotency_key), str(delivery.external_id)
        desk.report(key, sid, "failed", ErrorCode="63016", To=CLEO, From=OURS)
        desk.work()
        assert statuses(desk) == [status]
    assert sent(desk) == ["Pull the plug."] * 2
    assert desk.told().count(HELD) == 1


def test_nothing_is_done_about_a_held_answer_by_who_may_not_or_when_it_is_gone(silent: Desk) -> None:
    answer(silent, "Pull the plug.")
    offer, notice = silent.offer("feedback"), silent.notice(HELD)
    silent.pick("drop", ts=notice, user="U0EVE")
    silent.pick(*offer, ts=notice, user="U0EVE")
    silent.work()
    assert statuses(silent) == ["held"]
    assert not silent.effects("slack", "view")
    silent.text("Are you there?", sender=CLEO, to=OURS)
    silent.work()
    silent.pick("drop", ts=notice)
    silent.pick(*offer, ts=notice)
    silent.work()
    assert sent(silent) == ["Pull the plug."]
    assert len(silent.words()) == 4


def test_agents_are_reminded_once_an_hour_before_the_end_while_the_client_waits(desk: Desk) -> None:
    desk.text("It burns.", sender=CLEO, to=OURS)
    desk.text("Mine too.", sender="whatsapp:+15557654322", to=OURS)
    desk.text("No window here.")
    desk.work()
    answered, waiting = desk.tickets()[1], desk.tickets()[0]
    desk.say("Pull the plug.", thread=desk.thread(answered.id))
    desk.work()
    hours_pass(desk, 22.9)
    assert remind_once(desk.tools) == 0
    hours_pass(desk, 0.2)
    assert [remind_once(desk.tools), remind_once(desk.tools)] == [1, 0]
    desk.work()
    assert "takes free answers until" in desk.told(waiting.id)
    hours_pass(desk, 2)
    assert remind_once(desk.tools) == 0
