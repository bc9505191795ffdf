import base64
from email import message_from_bytes

from models.departments import Habits, save_settings
from sandbox.faults import Fault
from tests.desk import Desk
from workers.tasks.outbound import deliver_lane


def test_a_mail_opens_a_ticket_with_a_card_and_its_text_in_the_thread(desk: Desk) -> None:
    desk.mail("Hello,\n\nit burns.", subject="Printer on fire")
    desk.work()
    assert desk.ticket().title == "Printer on fire"
    card, message = desk.effects("slack", "post")
    assert card["channel"] == "C0SUPPORT"
    assert message["thread_ts"] == card["ts"]
    assert "it burns." in str(message["text"])


def test_an_agents_answer_in_the_thread_is_mailed_to_the_client_with_the_right_headers(desk: Desk) -> None:
    asked = desk.mail()
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    (mail,) = desk.effects("mailbox")
    assert mail["from"] == "support@desk.example"
    assert asked in desk.mailbox()[-1]["headers"]["In-Reply-To"]
    assert mail["to"] == ["cleo@client.example"]
    assert desk.ticket().status == "waiting_for_user"


def test_the_clients_answer_lands_in_the_same_ticket(desk: Desk) -> None:
    desk.mail()
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    sent = desk.mailbox()[-1]
    desk.mail("Done, thanks.", to=sent["headers"]["Reply-To"], headers={"In-Reply-To": sent["headers"]["Message-ID"]})
    desk.work()
    assert desk.bodies() == ["It burns.", "Pull the plug.", "Done, thanks."]
    assert desk.rules() == ["new_ticket", "reply_token"]


def test_what_an_agent_types_in_slack_is_a_page_and_plain_text_by_mail(desk: Desk) -> None:
    desk.mail()
    desk.work()
    item = "\u2022 see <https://desk.example/a?b=1&amp;c=2|the manual> in <#C1|printers>"
    desk.say(f"*Pull* the plug :tada:\n{item}\n&gt; you said", thread=desk.thread())
    desk.work()
    mail = message_from_bytes(base64.b64decode(desk.mailbox()[-1]["raw_base64"]))
    text, page = (bytes(part.get_payload(decode=True)).decode() for part in mail.walk() if not part.is_multipart())
    link = "https://desk.example/a?b=1&c=2"
    assert text == f"*Pull* the plug \N{PARTY POPPER}\r\n\u2022 see the manual ({link}) in #printers\r\n> you said\r\n"
    shown = '<a href="https://desk.example/a?b=1&amp;c=2">https://desk.example/a?b=1&amp;c=2</a>'
    assert page.partition("<body>\r\n")[2] == (
        "<p><strong>Pull</strong> the plug \N{PARTY POPPER}</p>\r\n"
        f"<ul>\r\n<li>see the manual ({shown}) in #printers</li>\r\n</ul>\r\n"
        "<blockquote>you said</blockquote>\r\n</body></html>\r\n"
    )


def test_a_departments_name_and_signature_stand_in_its_mails(desk: Desk) -> None:
    desk.mail()
    desk.work()
    with desk.session() as session:
        department = desk.ticket().department_id
        assert department is not None
        save_settings(session, department, Habits(from_name="Desk Ltd", signature="Desk Ltd, 1 Main St"))
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    mail = desk.mailbox()[-1]
    assert mail["headers"]["From"] == "Desk Ltd <support@desk.example>"
    assert mail["text"] == "Pull the plug.\r\n\r\n-- \r\nDesk Ltd, 1 Main St\r\n"


def test_every_attempt_at_a_mail_is_the_same_mail_with_the_date_of_the_answer(desk: Desk) -> None:
    desk.sandbox.refuse("cleo@client.example", 450, "4.2.0 busy")
    desk.mail()
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    desk.scalars("UPDATE deliveries SET tried_since = '2026-11-01 08:30:00' WHERE to_client RETURNING id")
    desk.sandbox.refuse("cleo@client.example", 0)
    desk.sandbox.fault(Fault(service="mailbox", method="DATA", kind="reset_after_data"))
    desk.scalars("UPDATE deliveries SET next_attempt_at = timezone('utc', now()) WHERE to_client RETURNING id")
    (send,) = desk.deliveries()
    for _ in range(2):
        desk.scalars("UPDATE deliveries SET status = 'pending' WHERE to_client RETURNING id")
        deliver_lane(desk.tools, send.id)
    first, second = (str(each["raw_base64"]) for each in desk.effects("mailbox"))
    assert first == second
    assert desk.mailbox()[-1]["headers"]["Date"] == "Sun, 01 Nov 2026 08:30:00 +0000"


def test_an_answer_in_a_long_ticket_refers_to_its_first_mail_and_to_the_newest(desk: Desk) -> None:
    first = desk.mail()
    desk.work()
    desk.scalars(
        "INSERT INTO message_external_ids (message_id, type, value) "
        "SELECT max(id), 'email', 'more-' || n || '@client.example' FROM messages, generate_series(1, 60) n "
        "GROUP BY n ORDER BY n RETURNING id"
    )
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    headers = desk.mailbox()[-1]["headers"]
    references = headers["References"].split()
    assert (references[0], references[-1]) == (first, "<more-60@client.example>")
    assert headers["In-Reply-To"] == references[-1]
    assert len(references) == 30
    assert len(headers["References"]) <= 1_500
