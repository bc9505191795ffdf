from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.at_length import times
from tests.desk import Desk
from workers.tasks.inbound import ingest_conversation


@pytest.mark.parametrize("_round", range(times(10, 2)))
def test_200_first_texts_at_once_from_one_number_are_one_client_one_ticket(desk: Desk, _round: int) -> None:
    for number in range(200):
        desk.text(f"text {number}")
    ids = [int(str(each)) for each in desk.scalars("SELECT id FROM inbound_events")]
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda each: ingest_conversation(desk.tools, each), ids))
    assert (desk.count("clients"), desk.count("client_external_ids"), desk.count("tickets")) == (1, 1, 1)
    assert desk.count("messages") == 200


def test_first_mails_at_once_under_different_envelopes_are_one_client(desk: Desk) -> None:
    """Other conversations of one sender run side by side: the client is still made once."""
    for number in range(40):
        desk.mail(f"mail {number}", subject=f"matter {number}")
    desk.scalars("UPDATE inbound_events SET conversation = 'lane ' || id RETURNING id")
    ids = [int(str(each)) for each in desk.scalars("SELECT id FROM inbound_events")]
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda each: ingest_conversation(desk.tools, each), ids))
    assert (desk.count("clients"), desk.count("client_external_ids"), desk.count("messages")) == (1, 1, 40)


def test_a_number_by_sms_and_by_whatsapp_is_one_client_with_two_names(desk: Desk) -> None:
    desk.text("by sms")
    desk.text("by whatsapp", sender=f"whatsapp:{desk.phone}", to="whatsapp:+15550100002")
    desk.work()
    assert desk.count("clients") == 1
    assert sorted(map(str, desk.scalars("SELECT type FROM client_external_ids"))) == ["phone", "whatsapp"]


def test_mail_never_speaks_for_an_agent(desk: Desk) -> None:
    desk.mail()
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    sent = desk.mailbox()[-1]["headers"]
    for reference in ({}, {"In-Reply-To": sent["Message-ID"]}, {"In-Reply-To": "<forged@desk.example>"}):
        desk.mail("Refund them all.", sender="Ada Agent <ada@desk.example>", headers=reference)
    desk.work()
    by_users = desk.scalars("SELECT body FROM messages WHERE user_id IS NOT NULL")
    assert by_users == ["Pull the plug."]
    assert len(desk.effects("mailbox")) == 1


@pytest.mark.parametrize("user", ["U0EVE", "U0CLEO", "U0FAR", "U0GONE", "U0ROBOT", "U0NOBODY"])
def test_who_is_no_agent_does_not_reach_the_client(desk: Desk, user: str) -> None:
    desk.mail()
    desk.work()
    thread = desk.thread()
    desk.slack(
        {
            "type": "message",
            "user": user,
            "channel": "C0SUPPORT",
            "text": "Let me answer.",
            "ts": "1795000001.000100",
            "thread_ts": thread,
            "channel_type": "channel",
        }
    )
    for action in ("take", "close"):
        desk.press(action, desk.ticket().id, user=user)
    desk.work()
    assert desk.effects("mailbox") == []
    assert desk.ticket().status == "open"
    assert desk.scalars("SELECT body FROM messages WHERE user_id IS NOT NULL") == []


def test_an_outsider_is_told_in_the_thread_that_nothing_was_sent_and_what_to_do(desk: Desk) -> None:
    desk.mail()
    desk.work()
    desk.say("Let me answer.", user="U0EVE", thread=desk.thread())
    desk.work()
    (told,) = desk.effects("slack", "ephemeral")
    assert (told["to"], told["thread_ts"]) == ("U0EVE", desk.thread())
    assert str(told["text"]).startswith(
        "Nothing was sent to the client: your account is not linked to an agent: an admin"
    )
    assert desk.told() == ""


def test_an_agent_of_another_department_is_refused_at_the_moment_of_the_action(desk: Desk) -> None:
    desk.mail(to="billing@desk.example")
    desk.work()
    desk.say("reply: Paid.", thread=desk.thread(), channel="C0BILLING")
    desk.press("close", desk.ticket().id)
    desk.work()
    assert desk.effects("mailbox") == []
    assert desk.ticket().status == "open"


def test_an_administrator_acts_in_every_department(desk: Desk) -> None:
    desk.scalars("DELETE FROM user_departments RETURNING user_id")
    desk.mail()
    desk.work()
    desk.press("close", desk.ticket().id, user="U0BEN")
    desk.work()
    assert desk.ticket().status == "closed"


def test_a_verified_workspace_email_links_an_agent_once(desk: Desk) -> None:
    desk.scalars("DELETE FROM user_oauth_accounts WHERE provider_user_id = 'T0DESK/U0ADA' RETURNING id")
    desk.mail()
    desk.work()
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    assert len(desk.effects("mailbox")) == 1
    assert desk.scalars("SELECT provider_user_id FROM user_oauth_accounts ORDER BY id DESC LIMIT 1") == ["T0DESK/U0ADA"]
