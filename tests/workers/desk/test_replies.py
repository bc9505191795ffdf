import pytest

from channels.slack.mrkdwn import plain
from models.departments import ReplyMode
from sandbox.faults import Fault
from tests.desk import Desk
from workers.desk.replies import reply_text

HOLD = 5.0


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "REPLY_HOLD_SECONDS": str(HOLD)}


@pytest.fixture
def thread(desk: Desk) -> str:
    desk.text("My order has not come")
    desk.work()
    return desk.thread()


def texts(desk: Desk) -> list[str]:
    return [str(each["body"]) for each in desk.effects("twilio", "message")]


@pytest.mark.parametrize(
    "text",
    ["note: pays late", "NOTE: pays late", "🔒 pays late", ":lock: pays late", "<@U0BEN> look", "look, <@U0BEN>"],
)
def test_a_note_stays_inside(desk: Desk, thread: str, text: str) -> None:
    desk.say(text, thread=thread)
    desk.work()
    desk.let_pass(HOLD + 1)
    assert texts(desk) == []
    assert len(desk.notes()) == 1


WIDE = "\N{FULLWIDTH LATIN CAPITAL LETTER N}ote\N{FULLWIDTH COLON} x"
LISTED = "• note: x|- note: x|* note: x|1. note: x|12) note: x|a) note: x|⒈ note: x|— 🔒 x|• :lock: x|- > *note:* x"
QUOTED = "(note: x)|[note] : x|“note: x”|“note”: x|> note: x|&gt; note: x|:pushpin: note: x|📌 Note: x"


@pytest.mark.parametrize("text", [WIDE, *LISTED.split("|"), *QUOTED.split("|")])
def test_a_note_in_a_list_a_quote_or_brackets_stays_inside(text: str) -> None:
    assert reply_text(plain(text), (), ReplyMode.THREAD) is None


LATER = "Please note: we close|Hi. Note: we close|- Tomorrow.\n- note: bring it|1. Footnote: none|(see note: 1)|Note 🔒"


@pytest.mark.parametrize("text", LATER.split("|"))
def test_an_answer_that_says_note_later_on_goes_out(text: str) -> None:
    assert reply_text(text, (), ReplyMode.THREAD) == text


def test_a_reply_waits_for_the_hold_and_then_leaves_once(desk: Desk, thread: str) -> None:
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    assert texts(desk) == []
    desk.let_pass(HOLD + 1)
    assert texts(desk) == ["Tomorrow."]


def test_an_edit_within_the_hold_changes_what_is_sent(desk: Desk, thread: str) -> None:
    ts = desk.say("Tomorow.", thread=thread)
    desk.work()
    desk.edit(ts, "Tomorrow.", thread=thread)
    desk.work()
    desk.let_pass(HOLD + 1)
    assert texts(desk) == ["Tomorrow."]


def test_an_edit_into_a_note_within_the_hold_sends_nothing(desk: Desk, thread: str) -> None:
    ts = desk.say("He pays late", thread=thread)
    desk.work()
    desk.edit(ts, "note: he pays late", thread=thread)
    desk.work()
    desk.let_pass(HOLD + 1)
    assert texts(desk) == []
    assert len(desk.notes()) == 1


def test_an_edit_by_somebody_else_within_the_hold_sends_neither_text(desk: Desk, thread: str) -> None:
    ts = desk.say("Tomorrow.", thread=thread)
    desk.work()
    desk.edit(ts, "Never.", thread=thread, user="U0BEN")
    desk.work()
    desk.let_pass(HOLD + 1)
    assert texts(desk) == []


def test_a_message_deleted_within_the_hold_never_leaves(desk: Desk, thread: str) -> None:
    ts = desk.say("Wrong window", thread=thread)
    desk.work()
    desk.delete(ts, thread=thread)
    desk.work()
    desk.let_pass(HOLD + 1)
    assert texts(desk) == []


@pytest.mark.parametrize("change", ["edit", "delete"])
def test_a_change_after_sending_sends_nothing_and_is_answered_in_the_thread(
    desk: Desk, thread: str, change: str
) -> None:
    ts = desk.say("Tomorrow.", thread=thread)
    desk.work()
    desk.let_pass(HOLD + 1)
    if change == "edit":
        desk.edit(ts, "Never.", thread=thread)
    else:
        desk.delete(ts, thread=thread)
    desk.work()
    desk.let_pass(HOLD + 1)
    assert texts(desk) == ["Tomorrow."]
    assert "the client keeps" in desk.messages()[-1].body


def test_a_message_deleted_while_it_waits_for_another_try_never_leaves(desk: Desk, thread: str) -> None:
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="429", retry_after=30))
    ts = desk.say("Wrong window", thread=thread)
    desk.work()
    desk.let_pass(HOLD + 1)
    desk.delete(ts, thread=thread)
    desk.work()
    desk.let_pass(60)
    assert texts(desk) == []


def test_a_deletion_that_has_arrived_but_is_not_read_yet_holds_the_answer_back(desk: Desk, thread: str) -> None:
    ts = desk.say("Wrong window", thread=thread)
    desk.work()
    desk.delete(ts, thread=thread)
    desk.scalars(
        "UPDATE inbound_events SET next_attempt_at = timezone('utc', now()) + interval '30 seconds' "
        "WHERE status = 'pending' RETURNING id"
    )
    desk.let_pass(HOLD + 1)
    assert texts(desk) == []
    desk.let_pass(40)
    assert texts(desk) == []


def test_a_note_edited_later_does_not_become_a_reply(desk: Desk, thread: str) -> None:
    ts = desk.say("note: pays late", thread=thread)
    desk.work()
    desk.edit(ts, "pays late", thread=thread)
    desk.work()
    desk.let_pass(HOLD + 1)
    assert texts(desk) == []


def test_in_a_department_that_wants_it_only_reply_messages_leave(desk: Desk) -> None:
    desk.mail(to="billing@desk.example")
    desk.work()
    thread = desk.thread()
    desk.say("I think they paid", thread=thread, channel="C0BILLING", user="U0BEN")
    desk.say("reply: You have paid.", thread=thread, channel="C0BILLING", user="U0BEN")
    desk.work()
    desk.let_pass(HOLD + 1)
    (mail,) = desk.effects("mailbox")
    assert desk.mailbox()[-1]["text"].strip().startswith("You have paid.")
    assert mail["to"] == ["cleo@client.example"]
    assert [note.body for note in desk.notes()] == ["I think they paid"]


def test_talk_beside_the_threads_is_nobodys_reply(desk: Desk, thread: str) -> None:
    desk.say("Lunch?")
    desk.work()
    desk.let_pass(HOLD + 1)
    assert texts(desk) == []
    assert thread


def test_replies_leave_in_the_order_written(desk: Desk, thread: str) -> None:
    for number in range(5):
        desk.say(f"part {number}", thread=thread)
    desk.work()
    desk.let_pass(HOLD + 1)
    assert texts(desk) == [f"part {number}" for number in range(5)]


def test_a_long_answer_leaves_as_parts_in_order_that_lose_no_word(desk: Desk, thread: str) -> None:
    words = " ".join(f"word{number}" for number in range(600))
    desk.say(words, thread=thread)
    desk.work()
    desk.let_pass(HOLD + 1)
    assert len(texts(desk)) > 1
    assert " ".join(texts(desk)).split() == words.split()


def test_status_moves_with_the_conversation_and_each_move_is_told(desk: Desk, thread: str) -> None:
    seen = [desk.ticket().status]
    desk.say("Tomorrow.", thread=thread)
    desk.work()
    seen.append(desk.ticket().status)
    desk.text("Thanks")
    desk.work()
    seen.append(desk.ticket().status)
    desk.press("close", desk.ticket().id)
    desk.work()
    seen.append(desk.ticket().status)
    assert seen == ["open", "waiting_for_user", "waiting_for_agent", "closed"]
    told = [each.body for each in desk.messages() if each.is_system_message and each.body.startswith("Status")]
    assert len(told) == 3
