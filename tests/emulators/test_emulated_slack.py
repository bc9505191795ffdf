"""The desk's way through Slack, played against a Slack that others wrote and that knows nothing of our sandbox."""

import json
from datetime import timedelta

import pytest

from channels.base import ExternalId
from channels.slack.pages import PAGE
from models.base import now
from models.departments import AGENTS
from models.reconciliations import mark_reconciled
from tests.desk import Desk
from tests.emulators.installed import start_command
from tests.emulators.other_side import Slack, Twilio
from tests.emulators.seeds import BILLING, BILLING_SMS, BOT_USER, CLIENTS, SMS, SUPPORT, TEAM
from workers.desk.reconciling import Reconciler

start_command()


@pytest.fixture
def thread(desk: Desk, twilio: Twilio, phone: str) -> str:
    """Open a ticket by text and return its thread in the agents' channel."""
    twilio.text(phone, SMS, "My order has <not> come & I wait")
    desk.work()
    return newest_thread(desk)


def newest_thread(desk: Desk) -> str:
    return desk.thread(desk.tickets()[-1].id)


def answer(desk: Desk, slack: Slack, thread: str, text: str) -> str:
    ts = slack.say("ada", SUPPORT, text, thread=thread)
    desk.work()
    return ts


def test_a_text_becomes_a_card_with_the_clients_words_below(slack: Slack, thread: str) -> None:
    card, words, *more = slack.thread(thread)
    assert "My order has &lt;not&gt; come &amp; I wait" in card["text"]
    assert [each["action_id"] for each in card["blocks"][-1]["elements"]][:2] == ["take", "close"]
    assert words["text"] == "My order has &lt;not&gt; come &amp; I wait"
    assert {card["user"], words["user"]} == {BOT_USER}
    assert more == []


def test_the_agents_words_reach_the_client_and_carry_their_mark(
    desk: Desk, slack: Slack, twilio: Twilio, phone: str, thread: str
) -> None:
    ts = answer(desk, slack, thread, "Tomorrow &amp; for sure, see <https://desk.example|our page>.")
    (sent,) = twilio.sent(phone)
    assert sent["body"] == "Tomorrow & for sure, see our page (https://desk.example)."
    assert slack.marks(ts, thread=thread) == {"hourglass_flowing_sand"}
    twilio.report(sent["sid"], "delivered")
    desk.work()
    assert slack.marks(ts, thread=thread) == {"white_check_mark"}


def test_an_answer_brings_the_card_up_to_date(desk: Desk, slack: Slack, thread: str) -> None:
    assert "*Status*\nopen" in str(slack.thread(thread)[0]["blocks"]).replace("\\n", "\n")
    answer(desk, slack, thread, "Tomorrow.")
    card = slack.thread(thread)[0]
    assert "*Status*\nwaiting for user" in str(card["blocks"]).replace("\\n", "\n")
    assert card["edited"]["user"] == BOT_USER


def test_an_agent_is_known_by_the_mail_address_that_slack_has_of_them(desk: Desk, slack: Slack, thread: str) -> None:
    answer(desk, slack, thread, "Tomorrow.")
    linked = desk.scalars("SELECT provider_user_id FROM user_oauth_accounts WHERE provider = 'slack'")
    assert linked == [f"{TEAM}/{slack.users['ada']}"]


def test_a_member_who_is_no_agent_reaches_nobody(
    desk: Desk, slack: Slack, twilio: Twilio, phone: str, thread: str
) -> None:
    slack.say("ben", SUPPORT, "I am not of the desk", thread=thread)
    desk.work()
    assert twilio.sent(phone) == []
    assert slack.thread(thread)[-1]["text"] == "I am not of the desk"  # only they were told


def test_a_note_stays_in_the_thread(desk: Desk, slack: Slack, twilio: Twilio, phone: str, thread: str) -> None:
    answer(desk, slack, thread, "note: she pays late")
    assert twilio.sent(phone) == []
    assert [note.body for note in desk.notes(desk.tickets()[-1].id)] == ["note: she pays late"]


def test_an_edit_after_sending_is_answered_in_the_thread(
    desk: Desk, slack: Slack, twilio: Twilio, phone: str, thread: str
) -> None:
    ts = answer(desk, slack, thread, "Tomorrow.")
    slack.edit("ada", SUPPORT, ts, "Never.", thread=thread)
    desk.work()
    assert [each["body"] for each in twilio.sent(phone)] == ["Tomorrow."]
    assert "the client keeps the first text" in slack.thread(thread)[-1]["text"]


def test_our_own_posts_and_files_told_back_to_us_cause_nothing(desk: Desk, slack: Slack, thread: str) -> None:
    answer(desk, slack, thread, "Tomorrow.")
    posted, tickets = slack.thread(thread), len(desk.tickets())
    for message in posted:
        if message["user"] == BOT_USER:
            slack.tell(slack.channels[SUPPORT], message)
    desk.work()
    assert slack.thread(thread) == posted
    assert len(desk.tickets()) == tickets


def test_a_client_in_slack_is_answered_below_what_they_wrote(desk: Desk, slack: Slack) -> None:
    asked = slack.say("cleo", CLIENTS, "Where is my order?")
    desk.work()
    answer(desk, slack, newest_thread(desk), "On its way.")
    assert [(each["user"], each["text"]) for each in slack.thread(asked, CLIENTS)] == [
        (slack.users["cleo"], "Where is my order?"),
        (BOT_USER, "On its way."),
    ]
    slack.say("cleo", CLIENTS, "Thank you", thread=asked)
    desk.work()
    assert desk.bodies(desk.tickets()[-1].id) == ["Where is my order?", "On its way.", "Thank you"]


def test_a_client_who_writes_to_the_app_is_answered_there(desk: Desk, slack: Slack) -> None:
    room = slack.direct_message("dora")
    asked = slack.say("dora", room, "Can you keep a secret?")
    desk.work()
    answer(desk, slack, newest_thread(desk), "Yes.")
    assert [each["text"] for each in slack.thread(asked, room, "dora")] == ["Can you keep a secret?", "Yes."]


def test_files_go_both_ways(desk: Desk, slack: Slack) -> None:
    slack.share("cleo", CLIENTS, "report.pdf", b"%PDF of the client")
    desk.work()
    thread = newest_thread(desk)
    (given,) = slack.thread(thread)[-1]["files"]
    assert (given["name"], slack.read(given, "ada")) == ("report.pdf", b"%PDF of the client")
    slack.share("ada", SUPPORT, "answer.png", b"\x89PNG of the agent", thread=thread)
    desk.work()
    (got,) = slack.thread(slack.history(CLIENTS)[-1]["ts"], CLIENTS)[-1]["files"]
    assert (got["name"], slack.read(got, "cleo")) == ("answer.png", b"\x89PNG of the agent")


def test_a_card_waits_until_the_bot_is_let_into_the_channel_and_is_posted_once(
    desk: Desk, slack: Slack, twilio: Twilio, phone: str
) -> None:
    """The emulator says `not_in_channel` of private channels, Slack itself of public ones."""
    twilio.text(phone, BILLING_SMS, "An invoice is missing")
    desk.work()
    cards = "SELECT status FROM deliveries WHERE purpose = 'card' ORDER BY id DESC LIMIT 1"
    assert desk.scalars(cards) == ["pending"]
    slack.invite_bot(BILLING)
    desk.let_pass(300)
    assert desk.scalars(cards) == ["sent"]
    assert len([each for each in slack.history(BILLING) if "blocks" in each]) == 1


def test_a_card_whose_sender_died_is_found_and_not_posted_again(desk: Desk, slack: Slack, thread: str) -> None:
    cards = [each["ts"] for each in slack.history(SUPPORT)]
    leave_unsaid_what_was_sent(desk, "card")
    desk.scalars("DELETE FROM ticket_external_ids WHERE ticket_id = (SELECT max(id) FROM tickets) RETURNING id")
    desk.work()
    assert [each["ts"] for each in slack.history(SUPPORT)] == cards
    assert newest_thread(desk) == thread


def test_files_whose_sender_died_are_found_by_their_names_and_not_shared_again(desk: Desk, slack: Slack) -> None:
    slack.share("cleo", CLIENTS, "report.pdf", b"%PDF of the client")
    desk.work()
    shown = slack.thread(newest_thread(desk))
    leave_unsaid_what_was_sent(desk, "files")
    desk.scalars("DELETE FROM message_external_ids WHERE type = 'slack_file' RETURNING id")
    desk.work()
    assert slack.thread(newest_thread(desk)) == shown
    assert desk.count("deliveries WHERE purpose = 'files' AND status <> 'sent'") == 0


def leave_unsaid_what_was_sent(desk: Desk, purpose: str) -> None:
    """Leave the newest ticket's send as a worker does that dies between the call and the record of it."""
    desk.scalars(
        "UPDATE deliveries SET status = 'sending', external_id = NULL, lease_until = timezone('utc', now()) "
        "WHERE purpose = :purpose AND ticket_id = (SELECT max(id) FROM tickets) RETURNING id",
        purpose=purpose,
    )


def test_what_nobody_told_us_is_found_in_the_channels_history(desk: Desk, slack: Slack) -> None:
    clients = ExternalId(type="slack", value=f"{TEAM}/{slack.channels[CLIENTS]}")
    support = ExternalId(type=AGENTS, value=f"{TEAM}/{slack.channels[SUPPORT]}")
    with desk.session() as session:
        for place in (clients, support):
            mark_reconciled(session, place, now())
    slack.say("cleo", CLIENTS, "Nobody answers", heard=False)
    assert Reconciler(tools=desk.tools, inbox=desk.inbox).run() == 1
    desk.work()
    assert desk.tickets()[-1].title == "Nobody answers"


def test_a_channels_history_is_read_over_more_than_one_page(desk: Desk, slack: Slack) -> None:
    said = [slack.say("cleo", "general", f"Number {number}", heard=False) for number in range(PAGE + 5)]
    place = ExternalId(type="slack", value=f"{TEAM}/{slack.channels['general']}")
    found = desk.tools.agents_desk.missed(place, now() - timedelta(minutes=5))
    assert [event.external_id for event in found] == [f"message:{place.value}/{ts}" for ts in said]


def test_a_long_text_is_shown_to_the_agents_whole(desk: Desk, slack: Slack) -> None:
    words = [f"word{number}" for number in range(2500)]
    slack.say("cleo", CLIENTS, " ".join(words))
    desk.work()
    posts = slack.thread(newest_thread(desk))
    assert "word0 word1" in json.dumps([each.get("blocks") for each in posts])
    (whole,) = [file for each in posts for file in each.get("files", [])]
    assert slack.read(whole, "ada").decode().split() == words


@pytest.mark.usefixtures("thread")
def test_an_agents_home_is_put_up_when_they_open_it(desk: Desk, slack: Slack) -> None:
    slack.open_home("ada")
    desk.work()
    assert "Your tickets" in slack.home_tabs()
