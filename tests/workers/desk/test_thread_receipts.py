"""What stands on an agent's message and below it once it was sent: marks, corrections, another way."""

import pytest

from models.mail_instead import verified_mail_way
from sandbox.faults import Fault
from tests.desk import Desk
from tests.workers.desk.merging_steps import merge_tickets
from tests.workers.desk.thread_steps import buttons_below, press_below
from workers.desk.corrections import CHANGED, DELETED, NEVER_THERE, NOT_THERE

BLOCKED_US = "+15557770001"
WHATSAPP = "whatsapp:+15550100002"


def texts(desk: Desk) -> list[str]:
    return [str(each["body"]) for each in desk.effects("twilio", "message")]


def marks(desk: Desk, ts: str) -> list[str]:
    """Return the emoji that we have put on a message and not taken away since."""
    on: dict[str, None] = {}
    for each in desk.effects("slack"):
        if each.get("ts") == ts and each["kind"] == "reaction":
            on[str(each["name"])] = None
        if each.get("ts") == ts and each["kind"] == "unreaction":
            on.pop(str(each["name"]), None)
    return list(on)


# Read


def test_a_message_that_was_read_bears_an_eye_beside_the_mark_for_delivered(desk: Desk) -> None:
    desk.text("Which colours?", sender=f"whatsapp:{desk.phone}", to=WHATSAPP)
    desk.work()
    ts = desk.say("Red.", thread=desk.thread())
    desk.work()
    (sent,) = desk.deliveries()
    for status, shown in (("sent", []), ("delivered", ["white_check_mark"]), ("read", ["white_check_mark", "eye"])):
        desk.report(str(sent.idempotency_key), str(sent.external_id), status, From=WHATSAPP, To=WHATSAPP)
        desk.work()
        assert marks(desk, ts) == (shown or ["hourglass_flowing_sand"])
    desk.report(str(sent.idempotency_key), str(sent.external_id), "delivered", From=WHATSAPP, To=WHATSAPP)
    desk.work()
    assert marks(desk, ts) == ["white_check_mark", "eye"]


# Corrections


@pytest.fixture
def sent(desk: Desk) -> str:
    """Let Ada answer a text and return her message's `ts`."""
    desk.text("Where is it?")
    desk.work()
    ts = desk.say("In Gdansk.", thread=desk.thread())
    desk.work()
    return ts


def test_an_edit_after_sending_is_sent_as_a_correction_once_an_agent_says_so(desk: Desk, sent: str) -> None:
    desk.edit(sent, "In Berlin.", thread=desk.thread())
    desk.work()
    assert texts(desk) == ["In Gdansk."]
    for _ in range(2):
        press_below(desk, CHANGED, "Send the new text as a correction")
    assert texts(desk) == ["In Gdansk.", "Correction: In Berlin."]
    assert "Correction: In Berlin." in desk.in_thread()
    assert "it was sent already" in desk.words()[-1]


def test_of_several_edits_the_last_one_is_sent(desk: Desk, sent: str) -> None:
    for text in ("In Bern.", "In Berlin."):
        desk.edit(sent, text, thread=desk.thread())
    desk.work()
    desk.press("correct", 1)
    desk.press("correct", 2)
    desk.work()
    assert texts(desk) == ["In Gdansk.", "Correction: In Berlin."]


def test_nothing_is_offered_for_a_note_a_colleagues_edit_the_old_text_and_a_deletion(desk: Desk, sent: str) -> None:
    thread = desk.thread()
    desk.edit(sent, "note: he pays late", thread=thread)
    desk.edit(sent, "In Berlin, <@U0BEN>", thread=thread)
    desk.edit(sent, "In Rome.", thread=thread, user="U0BEN")
    desk.edit(sent, "In Gdansk.", thread=thread)
    desk.delete(sent, thread=thread)
    desk.work()
    assert (desk.count("offers"), desk.count("corrections")) == (0, 0)
    assert desk.in_thread()[-1] == f"“In Gdansk.” {DELETED}"
    assert texts(desk) == ["In Gdansk."]


def test_who_is_no_agent_of_the_ticket_now_sends_no_correction(desk: Desk, sent: str) -> None:
    desk.edit(sent, "In Berlin.", thread=desk.thread())
    desk.work()
    for user in ("U0EVE", "U0CLEO", "U0FAR", "U0GONE", "U0ROBOT"):
        press_below(desk, CHANGED, "Send the new text as a correction", user=user)
    desk.scalars("DELETE FROM user_departments WHERE user_id = 1 RETURNING user_id")
    press_below(desk, CHANGED, "Send the new text as a correction")
    for strange in ("", "99", "x"):
        desk.press("correct", strange, user="U0BEN")
    desk.work()
    assert texts(desk) == ["In Gdansk."]
    assert len([each for each in desk.words() if each.startswith("Nothing was changed: your account is ")]) == 6


# By mail instead


@pytest.fixture
def failed(desk: Desk) -> int:
    """Let a client whom we know by mail and phone be answered where nothing arrives, and return that ticket."""
    desk.mail("Hello.")
    desk.work()
    known = "INSERT INTO client_external_ids (client_id, type, value) VALUES (1, 'phone', :number) RETURNING id"
    desk.scalars(known, number=BLOCKED_US)
    desk.text("Please call.", sender=BLOCKED_US)
    desk.work()
    ticket = desk.tickets()[1].id
    desk.say("At *noon*.", thread=desk.thread(ticket))
    desk.work()
    (answer,) = desk.deliveries()
    desk.report(str(answer.idempotency_key), str(answer.external_id), "undelivered", ErrorCode="30004")
    desk.work()
    return ticket


def test_what_failed_goes_by_mail_once_however_often_it_is_asked_for(desk: Desk, failed: int) -> None:
    assert buttons_below(desk, "Not delivered", failed) == {
        "Send again": "retry",
        "Send by email instead": "email_instead",
    }
    for _ in range(20):
        desk.pick("email_instead", ts=_notice(desk, failed))
    desk.work()
    press_below(desk, "Not delivered", "Send again", ticket_id=failed)
    (mail,) = desk.effects("mailbox")
    assert mail["to"] == ["cleo@client.example"]
    written = desk.sandbox.mailbox()[-1]
    assert written["text"].strip().startswith("At *noon*.")
    assert f"[#{failed}]" in written["headers"]["Subject"]
    assert "Ada Agent sends the message by email to cleo@client.example instead." in desk.told(failed)
    assert [each.status for each in desk.deliveries()] == ["canceled", "sent"]
    assert len(desk.effects("twilio", "message")) == 1
    assert marks(desk, answers_ts(desk)) == ["white_check_mark"]


def answers_ts(desk: Desk) -> str:
    """Return the `ts` of what Ada wrote."""
    named = (
        "SELECT value FROM message_external_ids names JOIN messages m ON m.id = message_id"
        " WHERE type = 'slack' AND m.user_id = 1 ORDER BY names.id"
    )
    return str(desk.scalars(named)[0]).rpartition("/")[2]


def _notice(desk: Desk, ticket: int) -> str:
    posts = desk.sandbox.thread("C0SUPPORT", desk.thread(ticket))
    return str(next(each["ts"] for each in posts if "Not delivered" in str(each["text"])))


def test_the_mail_goes_on_in_the_tickets_mail_thread_and_the_mark_follows_it(desk: Desk, failed: int) -> None:
    merge_tickets(desk, failed, 1)
    desk.work()
    press_below(desk, "Not delivered", "Send by email instead", ticket_id=failed)
    headers = desk.sandbox.mailbox()[-1]["headers"]
    (first,) = desk.scalars(
        "SELECT value FROM message_external_ids JOIN messages m ON m.id = message_id"
        " WHERE type = 'email' AND m.client_id IS NOT NULL"
    )
    assert headers["In-Reply-To"] == f"<{first}>"
    assert marks(desk, answers_ts(desk)) == ["white_check_mark"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE message_sources SET authenticated = 'fail' WHERE channel = 'email' RETURNING 1",
        "UPDATE message_sources SET automatic = 'notice' WHERE channel = 'email' RETURNING 1",
        "INSERT INTO suppressions (type, value, reason) VALUES ('email', 'cleo@client.example', 'bounced') RETURNING 1",
        "DELETE FROM client_external_ids WHERE type = 'email' RETURNING 1",
        "UPDATE messages SET client_id = NULL, user_id = 1 WHERE ticket_id = 1 RETURNING 1",
        "DELETE FROM department_external_ids WHERE type = 'email' RETURNING 1",
    ],
)
def test_only_an_address_that_the_client_wrote_from_and_that_takes_mail_serves(desk: Desk, change: str) -> None:
    desk.mail("Hello.")
    desk.mail("Another matter.", subject="Other")
    desk.ingest()
    other = desk.tickets()[1]
    desk.scalars("UPDATE message_sources SET channel = 'sms' WHERE message_id = 2 RETURNING 1")
    with desk.session() as session:
        way = verified_mail_way(session, other)
    assert way is not None
    assert (way.recipient, way.sender) == ("cleo@client.example", "support@desk.example")
    desk.scalars(change)
    with desk.session() as session:
        assert verified_mail_way(session, other) is None


def test_who_is_no_agent_of_the_ticket_sends_no_mail(desk: Desk, failed: int) -> None:
    for user in ("U0EVE", "U0CLEO", "U0FAR"):
        press_below(desk, "Not delivered", "Send by email instead", ticket_id=failed, user=user)
    desk.scalars("UPDATE tickets SET department_id = 2 RETURNING id")
    for value in (1, 2, 99, "", "x"):
        desk.press("email_instead", value)
    desk.work()
    assert desk.effects("mailbox") == []


def test_an_edit_or_a_deletion_of_what_never_arrived_is_told_so(desk: Desk, failed: int) -> None:
    desk.edit(answers_ts(desk), "At one.", thread=desk.thread(failed))
    desk.work()
    assert desk.told(failed).endswith(NOT_THERE)
    desk.delete(answers_ts(desk), thread=desk.thread(failed))
    desk.work()
    assert desk.told(failed).endswith(NEVER_THERE)


def test_an_unclear_outcome_asks_whether_to_send_again_or_by_mail(desk: Desk) -> None:
    desk.mail("Hello.")
    desk.work()
    known = "INSERT INTO client_external_ids (client_id, type, value) VALUES (1, 'phone', :number) RETURNING id"
    desk.scalars(known, number=desk.phone)
    desk.text("Please write.")
    desk.work()
    ticket = desk.tickets()[1].id
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="5xx_before"))
    desk.say("Soon.", thread=desk.thread(ticket))
    desk.work()
    for _ in range(6):
        desk.let_pass(301)
    assert list(buttons_below(desk, "It is not known whether", ticket)) == ["Send again", "Send by email instead"]
