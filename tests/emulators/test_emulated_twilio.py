"""The desk's way through Twilio, played against a Twilio that others wrote and that knows nothing of our sandbox."""

from datetime import timedelta

import pytest

from channels.base import ExternalId, OutboundMessage
from channels.errors import Stopped
from channels.twilio import account_of, connect
from channels.twilio.missed import missed
from channels.twilio.send import rest_client
from models.base import now
from tests.conftest import CREDENTIALS
from tests.desk import Desk
from tests.emulators.installed import start_command
from tests.emulators.other_side import Slack, Twilio
from tests.emulators.seeds import NOT_OURS, SMS, SUPPORT, UNHEARD, WHATSAPP

start_command()


def answer(desk: Desk, slack: Slack, text: str) -> None:
    slack.say("ada", SUPPORT, text, thread=desk.thread(desk.tickets()[-1].id))
    desk.work()


def sends(desk: Desk) -> list[str]:
    """Return the states of what the newest ticket's client was sent."""
    newest = desk.tickets()[-1].id
    return [each.status for each in desk.deliveries() if each.ticket_id == newest]


@pytest.mark.parametrize("words", ["Hello", "Grüße & 100 % + =?", "🔥" * 700, "two\nlines"])
def test_a_signed_text_comes_in_as_it_was_written(desk: Desk, twilio: Twilio, phone: str, words: str) -> None:
    sid = twilio.text(phone, SMS, words)
    desk.work()
    assert desk.bodies(desk.tickets()[-1].id) == [words]
    named = "SELECT value FROM message_external_ids WHERE type = 'twilio' ORDER BY message_id DESC LIMIT 1"
    assert desk.scalars(named) == [sid]


def test_the_next_text_joins_the_ticket(desk: Desk, twilio: Twilio, phone: str) -> None:
    for words in ("Help", "Please"):
        twilio.text(phone, SMS, words)
    desk.work()
    assert desk.bodies(desk.tickets()[-1].id) == ["Help", "Please"]


def test_whatsapp_is_answered_on_whatsapp_and_sms_by_sms_to_one_client(
    desk: Desk, slack: Slack, twilio: Twilio, phone: str
) -> None:
    twilio.text(phone, SMS, "By text")
    desk.work()
    answer(desk, slack, "To your text")
    twilio.text(f"whatsapp:{phone}", f"whatsapp:{WHATSAPP}", "By WhatsApp")
    desk.work()
    answer(desk, slack, "To your WhatsApp")
    by_text, by_whatsapp = twilio.sent(phone), twilio.sent(f"whatsapp:{phone}")
    assert [(each["from"], each["body"]) for each in by_text] == [(SMS, "To your text")]
    assert [(each["from"], each["body"]) for each in by_whatsapp] == [(f"whatsapp:{WHATSAPP}", "To your WhatsApp")]
    first, second = desk.tickets()[-2:]
    assert first.client_id == second.client_id


@pytest.mark.parametrize("prefix", ["", "whatsapp:"])
def test_a_long_answer_goes_out_in_parts_in_order_and_whole(
    desk: Desk, slack: Slack, twilio: Twilio, phone: str, prefix: str
) -> None:
    twilio.text(f"{prefix}{phone}", f"{prefix}{WHATSAPP if prefix else SMS}", "Tell me all")
    desk.work()
    words = " ".join(f"word{number}" for number in range(500))
    answer(desk, slack, words)
    sent = twilio.sent(f"{prefix}{phone}")
    parts = [each["body"] for each in sent]
    assert len(parts) == 3
    assert max(map(len, parts)) <= 1600
    assert " ".join(parts).split() == words.split()
    for each in sent:
        twilio.report(each["sid"], "read")
    desk.work()
    assert sends(desk) == ["read"] * 3


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        (("sent",), "sent"),
        (("sent", "delivered", "read"), "read"),
        (("read", "delivered", "failed"), "read"),
        (("sent", "undelivered"), "failed"),
    ],
)
def test_what_twilio_reports_moves_the_state_forward_only(
    desk: Desk, slack: Slack, twilio: Twilio, phone: str, reports: tuple[str, ...], state: str
) -> None:
    twilio.text(phone, SMS, "Help")
    desk.work()
    answer(desk, slack, "Tomorrow.")
    (sent,) = twilio.sent(phone)
    for status in reports:
        twilio.report(sent["sid"], status)
    desk.work()
    assert sends(desk) == [state]


def test_the_report_that_comes_before_the_answer_to_the_call_is_taken(
    desk: Desk, slack: Slack, twilio: Twilio, phone: str
) -> None:
    twilio.text(phone, SMS, "Help")
    desk.work()
    answer(desk, slack, "Tomorrow.")
    (sent,) = twilio.sent(phone)
    early = "SELECT status FROM inbound_events WHERE external_id LIKE :id"
    assert desk.scalars(early, id=f"status:{sent['sid']}:queued:%") == ["processed"]


@pytest.mark.parametrize("prefix", ["", "whatsapp:"])
def test_a_file_of_the_agent_is_fetched_from_our_door(
    desk: Desk, slack: Slack, twilio: Twilio, phone: str, prefix: str
) -> None:
    twilio.text(f"{prefix}{phone}", f"{prefix}{WHATSAPP if prefix else SMS}", "Show me")
    desk.work()
    slack.share("ada", SUPPORT, "map.png", b"\x89PNG map", thread=desk.thread(desk.tickets()[-1].id))
    desk.work()
    (sent,) = twilio.sent(f"{prefix}{phone}")
    assert sent["body"] == "See this"
    assert list(twilio.media(sent["sid"])) == [b"\x89PNG map"]


def test_an_answer_whose_sender_died_is_looked_up_and_not_sent_again(
    desk: Desk, slack: Slack, twilio: Twilio, phone: str
) -> None:
    twilio.text(phone, SMS, "Help")
    desk.work()
    answer(desk, slack, "Tomorrow.")
    forget_the_newest_send(desk)
    desk.work()
    assert len(twilio.sent(phone)) == 1
    assert sends(desk) == ["sent"]


def test_an_answer_that_never_left_is_not_taken_for_an_earlier_one_with_its_words(
    desk: Desk, slack: Slack, twilio: Twilio, phone: str
) -> None:
    twilio.text(phone, SMS, "Help")
    desk.work()
    answer(desk, slack, "Tomorrow.")
    answer(desk, slack, "Tomorrow!")
    forget_the_newest_send(desk)
    twilio.forget(twilio.sent(phone)[-1]["sid"])
    desk.work()
    for _ in range(6):
        desk.let_pass(300)
    assert sends(desk) == ["sent", "unconfirmed"]


def forget_the_newest_send(desk: Desk) -> None:
    """Leave the row as a worker does that dies between the call and the record of it."""
    desk.scalars(
        "UPDATE deliveries SET status = 'sending', external_id = NULL, lease_until = timezone('utc', now()) "
        "WHERE id = (SELECT max(id) FROM deliveries WHERE to_client) RETURNING id"
    )
    desk.scalars(
        "DELETE FROM message_external_ids WHERE type = 'twilio' AND message_id = "
        "(SELECT max(message_id) FROM deliveries WHERE to_client) RETURNING id"
    )


def test_what_no_call_brought_is_found_in_the_list_and_what_was_called_about_is_not_doubled(
    desk: Desk, emulators: dict[str, str], twilio: Twilio, phone: str
) -> None:
    client = rest_client(account_of({**CREDENTIALS, "TWILIO_API_URL": emulators["twilio"]}))
    ours = [ExternalId(type="phone", value=each) for each in (SMS, UNHEARD)]
    twilio.text(phone, SMS, "Called")
    sid = twilio.text(phone, UNHEARD, "Only listed")
    listed = [missed(client, "sms", each, now() - timedelta(minutes=1), timedelta(0)) for each in ours]
    assert [each.external_id for each in listed[1]] == [sid]
    assert [desk.accept(*each) for each in (*listed, *listed)] == [0, 1, 0, 0]
    desk.work()
    assert desk.bodies(desk.tickets()[-1].id) == ["Only listed"]


def test_an_answer_from_a_number_that_is_not_the_accounts_fails_and_says_why(
    desk: Desk, slack: Slack, twilio: Twilio, phone: str
) -> None:
    desk.text("Help", sender=phone, to=NOT_OURS)
    desk.work()
    answer(desk, slack, "Tomorrow.")
    assert twilio.sent(phone) == []
    assert sends(desk) == ["failed"]
    assert "Our number cannot send this" in slack.thread(desk.thread(desk.tickets()[-1].id))[-1]["text"]


def test_a_wrong_token_is_told_as_what_it_is(emulators: dict[str, str], phone: str) -> None:
    wrong = {**CREDENTIALS, "TWILIO_AUTH_TOKEN": "0" * 32, "TWILIO_API_URL": emulators["twilio"]}
    sms, _ = connect(wrong).channels
    to, sender = (ExternalId(type="phone", value=each) for each in (phone, SMS))
    with pytest.raises(Stopped, match="refused our credentials"):
        sms.send(OutboundMessage(idempotency_key="1", to=to, sender=sender, body="Hello"))
