from tests.desk import Desk


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
    assert asked in desk.sandbox.mailbox()[-1]["headers"]["In-Reply-To"]
    assert mail["to"] == ["cleo@client.example"]
    assert desk.ticket().status == "waiting_for_user"


def test_the_clients_answer_lands_in_the_same_ticket(desk: Desk) -> None:
    desk.mail()
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    sent = desk.sandbox.mailbox()[-1]
    desk.mail("Done, thanks.", to=sent["headers"]["Reply-To"], headers={"In-Reply-To": sent["headers"]["Message-ID"]})
    desk.work()
    assert desk.bodies() == ["It burns.", "Pull the plug.", "Done, thanks."]
    assert desk.rules() == ["new_ticket", "reply_token"]
