"""What a card says and does about its client: the sender's block, the client's history, the end of a window."""

import pytest

from tests.desk import Desk


@pytest.fixture
def mailed(desk: Desk) -> Desk:
    """Return a desk with one ticket by mail, its card posted."""
    desk.mail()
    desk.work()
    return desk


def more(desk: Desk, action: str, *, user: str = "U0ADA") -> None:
    desk.pick("more", f"{action}:{desk.tickets()[0].id}", user=user, ts=desk.thread(desk.tickets()[0].id))
    desk.work()


def test_a_blocked_senders_mail_is_set_aside_and_counted_on_the_card(mailed: Desk) -> None:
    more(mailed, "block")
    mailed.mail("Buy this.", subject="Offer")
    mailed.mail("Buy that.", subject="Another offer", sender="CLEO@client.example")
    mailed.work()
    assert mailed.count("tickets") == 1
    assert mailed.scalars("SELECT error FROM inbound_events WHERE status = 'ignored'") == ["its sender is blocked"] * 2
    assert "blocked by Ada Agent" in mailed.card()
    assert "2 messages were set aside since" in mailed.card()
    assert mailed.in_thread()[-1].startswith("Ada Agent blocked cleo@client.example")


def test_another_senders_mail_still_opens_a_ticket(mailed: Desk) -> None:
    more(mailed, "block")
    mailed.mail("Help.", sender="Dan <dan@client.example>")
    mailed.work()
    assert mailed.count("tickets") == 2


def test_an_unblocked_sender_is_heard_again_and_what_was_set_aside_can_be_replayed(mailed: Desk) -> None:
    more(mailed, "block")
    mailed.mail("Really, it burns.", subject="Again")
    mailed.work()
    more(mailed, "unblock")
    mailed.scalars("UPDATE inbound_events SET status = 'pending' WHERE status = 'ignored' RETURNING id")
    mailed.work()
    assert mailed.count("tickets") == 2
    assert "1 message was set aside meanwhile" in mailed.told(mailed.tickets()[0].id)
    assert "blocked by" not in mailed.card(mailed.tickets()[0].id)


def test_blocking_twice_is_told_once(mailed: Desk) -> None:
    for _ in range(20):
        mailed.press("more", mailed.ticket().id)
        mailed.press("block", mailed.ticket().id)
    mailed.work()
    assert mailed.told().count("blocked") == 1


def test_the_clients_tickets_are_listed_to_who_asked_alone(mailed: Desk) -> None:
    mailed.mail("And the toner?", subject="Toner")
    mailed.work()
    more(mailed, "history")
    assert mailed.words()[-1].splitlines()[0] == "Tickets of Cleo:"
    assert [line.split(" (")[0] for line in mailed.words()[-1].splitlines()[1:]] == ["#2 Toner", "#1 Printer on fire"]


def test_tickets_of_departments_that_are_not_the_agents_are_only_counted(mailed: Desk) -> None:
    mailed.mail("I owe nothing.", subject="Secret debt", to="billing@desk.example")
    mailed.work()
    more(mailed, "history")
    assert "Secret debt" not in mailed.words()[-1]
    assert "and 1 older or of other departments" in mailed.words()[-1]
    more(mailed, "history", user="U0BEN")
    assert "Secret debt" in mailed.words()[-1]


def test_a_whatsapp_card_says_until_when_answers_are_taken(desk: Desk) -> None:
    desk.text("Which colours?", sender=f"whatsapp:{desk.phone}", to="whatsapp:+15550100002")
    desk.work()
    assert "*Answer until*" in desk.card()
    assert "over: no answer" not in desk.card()
    desk.scalars("UPDATE inbound_events SET created_at = created_at - interval '25 hours' RETURNING id")
    desk.pick("take")
    desk.work()
    assert "over: no answer is taken" in desk.card()
    desk.text("Hello?", sender=f"whatsapp:{desk.phone}", to="whatsapp:+15550100002")
    desk.work()
    assert "over: no answer" not in desk.card()


def test_the_card_of_a_client_in_slack_bears_a_name_and_no_id(desk: Desk) -> None:
    desk.say("It burns.", user="U0CLEO", channel="C0CLIENTS")
    desk.work()
    assert "*Client*\\nCleo" in desk.card()
    assert "U0CLEO" not in desk.card()


def test_the_card_says_where_only_marked_messages_leave(mailed: Desk) -> None:
    assert "begin with “reply:”" not in mailed.card()
    mailed.mail(to="billing@desk.example", subject="Invoice")
    mailed.work()
    assert "begin with “reply:”" in mailed.card(mailed.tickets()[-1].id, channel="C0BILLING")


def test_other_cards_say_nothing_of_a_window(mailed: Desk) -> None:
    assert "Answer until" not in mailed.card()
