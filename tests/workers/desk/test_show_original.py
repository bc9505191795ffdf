"""What was cut from a mail stays within the agents' reach."""

import base64
import json

import pytest

from channels.email.event import raw_event
from sandbox.faults import Fault
from tests.channels.email.mail_samples import mail, sample
from tests.desk import Desk

BUTTON = "Show original"
ANSWER = """Still burning.

On Mon, 2 Nov 2026 at 17:20, Desk <support@desk.example> wrote:

> Have you tried
> water? <b>
"""


@pytest.fixture
def message_id(desk: Desk) -> int:
    """A client's message of which a quoted mail was cut."""
    desk.mail(ANSWER)
    desk.work()
    return desk.messages()[0].id


def posts(desk: Desk) -> list[str]:
    return [json.dumps(each) for each in desk.effects("slack", "post")]


def files(desk: Desk) -> list[str]:
    found = [each for each in desk.effects("slack", "file") if each["name"] == "original.txt"]
    return [base64.b64decode(str(each["content_base64"])).decode() for each in found]


def arrive(desk: Desk, payload: bytes) -> None:
    to = "support@desk.example"
    desk.accept(raw_event(payload, mail_from="jane@client.example", rcpt_tos=[to], peer="192.0.2.1", mailboxes=[to]))
    desk.work()


def test_a_message_that_is_whole_has_no_button(desk: Desk) -> None:
    desk.mail("All of it.")
    desk.work()
    assert not any(BUTTON in post for post in posts(desk))


def test_a_message_that_was_cut_has_the_button_in_the_thread_and_on_the_card(desk: Desk, message_id: int) -> None:
    assert desk.bodies() == ["Still burning."]
    card, message = posts(desk)
    for post in (card, message):
        assert BUTTON in post
        assert f'"value": "{message_id}"' in post


def test_pressing_it_brings_the_whole_mail_as_a_text_file_into_the_thread(desk: Desk, message_id: int) -> None:
    desk.press("original", message_id)
    desk.work()
    (text,) = files(desk)
    assert {"From: Cleo <cleo@client.example>", "To: support@desk.example", "Subject: Printer on fire"} <= set(
        text.splitlines()
    )
    assert "> water? <b>" in text
    (effect,) = desk.effects("slack", "file")
    assert effect["thread_ts"] == desk.thread()
    assert "Ada Agent asked for the original" in desk.messages()[-1].body
    assert desk.effects("mailbox") == []


def test_a_press_that_slack_repeats_brings_one_file(desk: Desk, message_id: int) -> None:
    desk.press("original", message_id, times=3)
    desk.work()
    assert len(files(desk)) == 1


def test_a_file_that_slack_took_without_answering_is_not_brought_again(desk: Desk, message_id: int) -> None:
    desk.sandbox.fault(Fault(service="slack", method="files.completeUploadExternal", kind="reset_after"))
    desk.press("original", message_id)
    desk.work()
    desk.let_pass(60)
    assert len(files(desk)) == 1


@pytest.mark.parametrize("user", ["U0EVE", "U0CLEO", "U0FAR", "U0GONE", "U0ROBOT", "U0NOBODY"])
def test_who_is_no_agent_is_shown_nothing(desk: Desk, message_id: int, user: str) -> None:
    desk.press("original", message_id, user=user)
    desk.work()
    assert files(desk) == []
    assert len(desk.messages()) == 1


def test_an_agent_of_another_department_is_shown_nothing(desk: Desk) -> None:
    desk.mail(ANSWER, to="billing@desk.example")
    desk.work()
    desk.press("original", desk.messages()[0].id)
    desk.work()
    assert files(desk) == []


@pytest.mark.usefixtures("message_id")
@pytest.mark.parametrize("value", ["", "0", "99", "-1", "99999999999", "1 OR 1=1", "message"])
def test_a_message_that_is_not_there_is_shown_to_nobody(desk: Desk, value: str) -> None:
    desk.press("original", value)
    desk.work()
    assert files(desk) == []
    assert desk.scalars("SELECT status FROM inbound_events ORDER BY id") == ["processed", "processed"]


def test_a_text_has_no_original_to_show(desk: Desk) -> None:
    desk.text("by sms")
    desk.work()
    desk.press("original", desk.messages()[0].id)
    desk.work()
    assert files(desk) == []


def test_an_original_whose_bytes_were_let_go_is_not_shown(desk: Desk, message_id: int) -> None:
    desk.scalars("UPDATE inbound_events SET payload = '' RETURNING id")
    desk.press("original", message_id)
    desk.work()
    assert files(desk) == []


def test_an_html_mail_is_shown_as_text_and_never_as_html(desk: Desk) -> None:
    arrive(desk, sample("outlook_html"))
    assert BUTTON in posts(desk)[-1]
    desk.press("original", desk.messages()[0].id)
    desk.work()
    (text,) = files(desk)
    assert "Subject: AW: Rückfrage zur Rechnung" in text
    assert "File: Lögo.png" in text
    assert "Summe | 20 €" in text
    assert "</" not in text


def test_both_forms_of_a_mail_are_in_its_original(desk: Desk) -> None:
    part = "--b\r\nContent-Type: text/{}\r\n\r\n{}\r\n"
    body = (
        part.format("plain", "Pay Ada.") + part.format("html", "<p>Pay <b>Eve</b>.</p><script>x()</script>") + "--b--"
    )
    arrive(desk, mail(body, Content_Type="multipart/alternative; boundary=b"))
    desk.press("original", desk.messages()[0].id)
    desk.work()
    (text,) = files(desk)
    assert "[text/plain]\n\nPay Ada." in text
    assert "[text/html]\n\nPay Eve." in text
    assert "x()" not in text
