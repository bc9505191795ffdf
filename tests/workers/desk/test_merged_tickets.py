from collections.abc import Sequence

import pytest

from channels.email import tokens
from tests.conftest import CREDENTIALS
from tests.desk import Desk
from tests.workers.desk.merging_steps import ADA, BEN, ingest, merge_clients, merge_tickets, undo
from workers.desk.merging import MergeRefusedError

SECRET = CREDENTIALS["SECRET_KEY"].encode()
WHATSAPP = "whatsapp:+15550100002"


def refused(desk: Desk, kept: int, merged: int, agent: str = ADA) -> str:
    before = desk.count("messages"), desk.count("merges")
    with pytest.raises(MergeRefusedError) as error:
        merge_tickets(desk, kept, merged, agent)
    assert (desk.count("messages"), desk.count("merges")) == before
    return str(error.value)


@pytest.fixture
def mails(desk: Desk) -> tuple[str, str]:
    """Open two tickets of one client and return the Message-IDs of their first mails."""
    first = desk.mail("It burns.", subject="Printer on fire")
    second = desk.mail("It smells too.", subject="Smoke", files=[("smoke.png", b"png")])
    desk.work()
    return first, second


@pytest.fixture
def pair(desk: Desk, mails: tuple[str, str]) -> tuple[int, int]:
    assert mails
    kept, merged = desk.tickets()
    return kept.id, merged.id


def statuses(desk: Desk) -> Sequence[str]:
    return [ticket.status for ticket in desk.tickets()]


# What moves


def test_what_was_said_in_a_merged_ticket_is_in_the_one_that_is_kept(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    desk.say("note: third time", thread=desk.thread(merged))
    desk.work()
    merge_tickets(desk, kept, merged)
    assert desk.bodies(kept) == ["It burns.", "It smells too."]
    assert [note.body for note in desk.notes(kept)] == ["note: third time"]
    files = "SELECT name FROM attachments JOIN messages ON messages.id = message_id WHERE ticket_id = :id"
    assert desk.scalars(files, id=kept) == ["smoke.png"]
    assert (desk.bodies(merged), desk.notes(merged)) == ([], [])


def test_both_tickets_say_what_happened_and_the_merged_one_is_closed(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    merge_tickets(desk, kept, merged)
    desk.work()
    assert desk.messages(kept)[-1].body == f"#{merged} was merged into this ticket by Ada Agent: Smoke."
    assert desk.messages(merged)[-1].body == f"Status open → closed: merged into #{kept} by Ada Agent."
    assert statuses(desk) == ["open", "closed"]
    told = [str(post["text"]) for post in desk.effects("slack", "post") if post.get("thread_ts") == desk.thread(merged)]
    assert f"merged into #{kept} by Ada Agent" in told[-1]


def test_who_takes_care_and_what_it_is_about_are_joined(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    desk.press("take", kept)
    desk.press("take", merged)
    desk.press("take", merged, user="U0BEN")
    desk.work()
    for ticket_id, tag in ((kept, 1), (merged, 1), (merged, 2)):
        desk.scalars("INSERT INTO ticket_tags VALUES (:ticket, :tag) RETURNING tag_id", ticket=ticket_id, tag=tag)
    made = merge_tickets(desk, kept, merged)
    assert len(desk.scalars("SELECT user_id FROM ticket_assignments WHERE ticket_id = :id", id=kept)) == 2
    assert len(desk.scalars("SELECT tag_id FROM ticket_tags WHERE ticket_id = :id", id=kept)) == 2
    undo(desk, made)
    assert len(desk.scalars("SELECT user_id FROM ticket_assignments WHERE ticket_id = :id", id=kept)) == 1
    assert len(desk.scalars("SELECT user_id FROM ticket_assignments WHERE ticket_id = :id", id=merged)) == 2
    assert desk.scalars("SELECT tag_id FROM ticket_tags WHERE ticket_id = :id ORDER BY 1", id=merged) == [1, 2]


@pytest.mark.parametrize(
    ("kept_is", "merged_is", "becomes"),
    [
        ("closed", "open", "open"),
        ("closed", "waiting_for_user", "waiting_for_user"),
        ("waiting_for_user", "waiting_for_agent", "waiting_for_agent"),
        ("open", "waiting_for_agent", "open"),
        ("waiting_for_agent", "waiting_for_user", "waiting_for_agent"),
        ("open", "unresolved", "open"),
        ("closed", "unresolved", "closed"),
    ],
)
def test_what_waits_for_somebody_goes_on_waiting(
    desk: Desk, pair: tuple[int, int], kept_is: str, merged_is: str, becomes: str
) -> None:
    for ticket_id, status in zip(pair, (kept_is, merged_is), strict=True):
        ended = "timezone('utc', now())" if status in {"closed", "unresolved"} else "NULL"
        desk.scalars(
            f"UPDATE tickets SET status = :status, closed_at = {ended} WHERE id = :id RETURNING id",  # noqa: S608 (of two)
            status=status,
            id=ticket_id,
        )
    made = merge_tickets(desk, *pair)
    assert statuses(desk)[0] == becomes
    assert statuses(desk)[1] in {"closed", "unresolved"}
    assert [ticket.closed_at is None for ticket in desk.tickets()] == [becomes not in {"closed", "unresolved"}, False]
    undo(desk, made)
    assert statuses(desk) == [kept_is, merged_is]


# Where what comes afterwards goes


def test_a_reply_to_a_mail_of_the_merged_ticket_lands_in_the_kept_one(
    desk: Desk, pair: tuple[int, int], mails: tuple[str, str]
) -> None:
    kept, merged = pair
    merge_tickets(desk, kept, merged)
    desk.mail("Still.", headers={"References": mails[1]})
    desk.work()
    assert desk.bodies(kept)[-1] == "Still."
    assert desk.rules()[-1] == "reference"


def test_the_merged_tickets_reply_token_and_subject_tag_lead_to_the_kept_one(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    merge_tickets(desk, kept, merged)
    token = tokens.mint(SECRET, merged, desk.tickets()[0].client_id)
    desk.mail("By token.", to=f"support+t{token}@desk.example", subject="x")
    desk.mail("By tag.", subject=f"Re: Smoke [#{merged}]")
    desk.work()
    assert desk.bodies(kept)[-2:] == ["By token.", "By tag."]
    assert desk.rules()[-2:] == ["reply_token", "subject_tag"]
    assert len(desk.tickets()) == 2
    assert statuses(desk)[1] == "closed"


def test_a_stranger_with_the_merged_tickets_reference_does_not_join(
    desk: Desk, pair: tuple[int, int], mails: tuple[str, str]
) -> None:
    kept, merged = pair
    merge_tickets(desk, kept, merged)
    desk.mail("Let me in.", sender="Mallory <m@elsewhere.example>", headers={"In-Reply-To": mails[1]})
    desk.mail("Me too.", sender="Mallory <m@elsewhere.example>", subject=f"[#{merged}]")
    desk.work()
    assert desk.bodies(kept) == ["It burns.", "It smells too."]
    assert f"#{desk.tickets()[2].id}" in desk.messages(kept)[-1].body


def test_an_open_conversation_and_a_quoted_message_go_on_in_the_kept_ticket(desk: Desk) -> None:
    desk.text("by sms")
    quoted = desk.text("by whatsapp", sender=f"whatsapp:{desk.phone}", to=WHATSAPP)
    desk.work()
    sms, whatsapp = (ticket.id for ticket in desk.tickets())
    merge_tickets(desk, sms, whatsapp)
    desk.text("more", sender=f"whatsapp:{desk.phone}", to=WHATSAPP)
    desk.text("about that", sender=f"whatsapp:{desk.phone}", to=WHATSAPP, OriginalRepliedMessageSid=quoted)
    desk.work()
    assert desk.bodies(sms) == ["by sms", "by whatsapp", "more", "about that"]
    assert desk.rules()[-2:] == ["open_conversation", "reference"]


def test_an_agents_answer_in_the_merged_tickets_thread_goes_to_the_client_and_into_the_kept_ticket(desk: Desk) -> None:
    desk.mail("A mail.")
    desk.mail("Another.", subject="Other")
    desk.work()
    kept, merged = (ticket.id for ticket in desk.tickets())
    merge_tickets(desk, kept, merged)
    ts = desk.say("Pull the plug.", thread=desk.thread(merged))
    desk.work()
    (mail,) = desk.effects("mailbox")
    assert mail["to"] == ["cleo@client.example"]
    assert desk.bodies(kept)[-1] == "Pull the plug."
    assert desk.mailbox()[-1]["headers"]["Subject"].endswith(f"[#{kept}]")
    assert [each["name"] for each in desk.effects("slack", "reaction") if each["ts"] == ts][-1] == "white_check_mark"
    assert statuses(desk) == ["waiting_for_user", "closed"]


def test_an_agent_of_the_merged_tickets_department_alone_cannot_answer_in_its_thread(desk: Desk) -> None:
    desk.mail("To billing.", to="billing@desk.example")
    desk.mail("To support.")
    desk.work()
    kept, merged = (ticket.id for ticket in desk.tickets())
    merge_tickets(desk, kept, merged, agent=BEN)
    desk.say("Pull the plug.", thread=desk.thread(merged))
    desk.work()
    assert desk.effects("mailbox") == []
    assert "not an agent of this department" in desk.words()[-1]


def test_an_answer_in_another_departments_thread_bears_its_mark_there(desk: Desk) -> None:
    desk.mail("To support.")
    desk.mail("To billing.", to="billing@desk.example")
    desk.work()
    kept, merged = (ticket.id for ticket in desk.tickets())
    merge_tickets(desk, kept, merged, BEN)
    ts = desk.say("You have paid.", thread=desk.thread(merged), channel="C0BILLING", user="U0BEN")
    desk.work()
    assert desk.mailbox()[-1]["text"].strip().startswith("You have paid.")
    assert [each["name"] for each in desk.effects("slack", "reaction") if each["ts"] == ts][-1] == "white_check_mark"


def test_the_card_of_a_merged_ticket_says_so_and_has_no_buttons(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    merge_tickets(desk, kept, merged)
    desk.work()
    card = str([each for each in desk.effects("slack", "update") if each["ts"] == desk.thread(merged)][-1])
    assert f"Merged into *#{kept}*" in card
    assert "Reopen" not in card


def test_a_button_on_an_old_card_of_a_merged_ticket_changes_nothing(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    merge_tickets(desk, kept, merged)
    for action in ("reopen", "take", "close"):
        desk.press(action, merged)
    desk.work()
    assert statuses(desk) == ["open", "closed"]
    assert desk.count("ticket_assignments") == 0


# Sends that were under way


def test_replies_that_wait_keep_their_recipient_and_leave_once_in_order(desk: Desk) -> None:
    desk.text("by sms")
    desk.mail("by mail")
    desk.work()
    sms, mail = (ticket.id for ticket in desk.tickets())
    clients = [ticket.client_id for ticket in desk.tickets()]
    merge_clients(desk, clients[1], clients[0])
    for number in range(3):
        desk.say(f"text {number}", thread=desk.thread(sms))
        desk.say(f"mail {number}", thread=desk.thread(mail))
    ingest(desk)
    recipients = [each.recipient for each in desk.deliveries()]
    merge_tickets(desk, mail, sms)
    desk.work()
    assert [each.recipient for each in desk.deliveries()] == recipients
    assert [str(each["body"]) for each in desk.effects("twilio", "message")] == [
        f"text {number}" for number in range(3)
    ]
    assert [each["to"] for each in desk.effects("mailbox")] == [["cleo@client.example"]] * 3
    assert {each.status for each in desk.deliveries()} <= {"sent", "delivered"}


def test_a_reply_that_waits_still_answers_its_mail_and_is_answered_into_the_kept_ticket(
    desk: Desk, pair: tuple[int, int], mails: tuple[str, str]
) -> None:
    kept, merged = pair
    desk.say("Pull the plug.", thread=desk.thread(merged))
    ingest(desk)
    merge_tickets(desk, kept, merged)
    desk.work()
    sent = desk.mailbox()[-1]["headers"]
    assert f"[#{merged}]" in sent["Subject"]
    assert mails[1] in sent["References"]
    desk.mail("Done.", to=sent["Reply-To"], headers={"In-Reply-To": sent["Message-ID"]})
    desk.work()
    assert desk.bodies(kept)[-1] == "Done."
    assert desk.rules()[-1] == "reply_token"


def test_a_failure_of_such_a_reply_is_told_in_the_kept_ticket(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    desk.say("Pull the plug.", thread=desk.thread(merged))
    ingest(desk)
    desk.scalars(
        "INSERT INTO suppressions (type, value, reason) VALUES ('email', 'cleo@client.example', 'bounced') RETURNING id"
    )
    merge_tickets(desk, kept, merged)
    desk.work()
    assert desk.messages(kept)[-1].body.startswith("Not delivered to the client")
    assert [each.status for each in desk.deliveries()] == ["failed"]


@pytest.mark.parametrize("written", ["before", "after"])
def test_a_deletion_that_waits_in_the_merged_tickets_thread_holds_the_answer_back(
    desk: Desk, pair: tuple[int, int], written: str
) -> None:
    kept, merged = pair
    if written == "after":
        merge_tickets(desk, kept, merged)
    ts = desk.say("Wrong window", thread=desk.thread(merged))
    ingest(desk)
    if written == "before":
        merge_tickets(desk, kept, merged)
    desk.delete(ts, thread=desk.thread(merged))
    desk.scalars(
        "UPDATE inbound_events SET next_attempt_at = timezone('utc', now()) + interval '30 seconds' "
        "WHERE status = 'pending' RETURNING id"
    )
    desk.work()
    desk.let_pass(40)
    assert desk.effects("mailbox") == []
    assert [each.status for each in desk.deliveries()] == ["canceled"]


def test_an_answer_goes_to_the_slack_thread_the_client_wrote_in_last(desk: Desk) -> None:
    roots = []
    for number in range(2):
        roots.append(desk.say(f"matter {number}", user="U0CLEO", channel="C0CLIENTS"))
        desk.work()
        desk.scalars("UPDATE message_sources SET sent_at = sent_at - interval '1 hour' RETURNING message_id")
    kept, merged = (ticket.id for ticket in desk.tickets())
    merge_tickets(desk, kept, merged)
    desk.work()
    for root in roots:
        desk.say("more", user="U0CLEO", channel="C0CLIENTS", thread=root)
        desk.work()
        desk.say("an answer", thread=desk.thread(kept))
        desk.work()
        sent = [each for each in desk.effects("slack", "post") if each["channel"] == "C0CLIENTS"][-1]
        assert sent["thread_ts"] == root


# Chains, and what is refused


def test_a_chain_is_followed_to_its_end_and_never_closes_into_a_ring(desk: Desk) -> None:
    names = [desk.mail(f"mail {number}", subject=f"Matter {number}") for number in range(3)]
    desk.work()
    first, second, third = (ticket.id for ticket in desk.tickets())
    merge_tickets(desk, second, third)
    merge_tickets(desk, first, second)
    desk.mail("More.", headers={"In-Reply-To": names[2]}, subject=f"[#{third}]")
    desk.say("An answer.", thread=desk.thread(third))
    desk.work()
    assert desk.bodies(first) == ["mail 0", "mail 1", "mail 2", "More.", "An answer."]
    for kept, merged in ((third, first), (second, first), (third, second)):
        assert "are one ticket already" in refused(desk, kept, merged)


def test_merging_a_merged_ticket_merges_what_stands_for_it(desk: Desk) -> None:
    for number in range(3):
        desk.mail(f"mail {number}", subject=f"Matter {number}")
    desk.work()
    first, second, third = (ticket.id for ticket in desk.tickets())
    merge_tickets(desk, first, second)
    made = merge_tickets(desk, third, second)
    assert (made.kept_id, made.merged_id) == (third, first)
    assert desk.bodies(third) == ["mail 0", "mail 1", "mail 2"]


def test_what_cannot_be_merged_is_refused_with_a_sentence(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    desk.mail("Mine.", sender="Dan <dan@client.example>")
    desk.mail("To billing.", to="billing@desk.example")
    desk.work()
    _, _, other, billing = (ticket.id for ticket in desk.tickets())
    assert "into itself" in refused(desk, kept, kept)
    assert "There is no ticket 99" in refused(desk, kept, 99)
    assert "merge the clients first" in refused(desk, kept, other)
    assert "not an agent of every department" in refused(desk, kept, billing)
    assert "not an agent of every department" in refused(desk, billing, merged)


# Undoing


def test_an_undone_merge_is_told_and_the_tickets_go_their_own_ways(
    desk: Desk, pair: tuple[int, int], mails: tuple[str, str]
) -> None:
    kept, merged = pair
    made = merge_tickets(desk, kept, merged)
    desk.mail("While merged.", headers={"In-Reply-To": mails[1]})
    desk.work()
    undo(desk, made)
    desk.mail("Afterwards.", headers={"In-Reply-To": mails[1]})
    desk.work()
    assert desk.bodies(merged) == ["It smells too.", "Afterwards."]
    assert desk.bodies(kept) == ["It burns.", "While merged."]
    assert "was undone by Ada Agent" in str([each.body for each in desk.messages(merged)])


def test_a_status_that_changed_since_the_merge_is_not_put_back(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    desk.press("close", kept)
    desk.work()
    made = merge_tickets(desk, kept, merged)
    desk.say("Pull the plug.", thread=desk.thread(kept))
    desk.work()
    undo(desk, made)
    assert statuses(desk) == ["waiting_for_user", "open"]


def test_only_the_newest_merge_is_undone_and_only_once(desk: Desk) -> None:
    for number in range(3):
        desk.mail(f"mail {number}", subject=f"Matter {number}")
    desk.work()
    first, second, third = (ticket.id for ticket in desk.tickets())
    older, newer = merge_tickets(desk, first, second), merge_tickets(desk, first, third)
    with pytest.raises(MergeRefusedError, match=f"undo {newer.id} first"):
        undo(desk, older)
    undo(desk, newer)
    with pytest.raises(MergeRefusedError, match="undone already"):
        undo(desk, newer)
    undo(desk, older)
    assert [desk.bodies(each) for each in (first, second, third)] == [["mail 0"], ["mail 1"], ["mail 2"]]


def test_a_chain_is_undone_link_by_link(desk: Desk) -> None:
    for number in range(3):
        desk.mail(f"mail {number}", subject=f"Matter {number}")
    desk.work()
    first, second, third = (ticket.id for ticket in desk.tickets())
    older, newer = merge_tickets(desk, second, third), merge_tickets(desk, first, second)
    with pytest.raises(MergeRefusedError, match=f"undo {newer.id} first"):
        undo(desk, older)
    undo(desk, newer)
    assert [desk.bodies(each) for each in (first, second, third)] == [["mail 0"], ["mail 1", "mail 2"], []]
    undo(desk, older)
    assert [desk.bodies(each) for each in (second, third)] == [["mail 1"], ["mail 2"]]


def test_after_an_undo_the_tickets_may_be_merged_the_other_way_round(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    undo(desk, merge_tickets(desk, kept, merged))
    merge_tickets(desk, merged, kept)
    assert desk.bodies(merged) == ["It burns.", "It smells too."]
    assert statuses(desk) == ["closed", "open"]
