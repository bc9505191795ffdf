import pytest

from channels.email import tokens
from models.merges import Merge
from tests.conftest import CREDENTIALS
from tests.desk import Desk
from tests.workers.desk.merging_steps import ADA, BEN, ingest, merge_clients, merge_tickets, tables, undo
from workers.desk.merging import MergeRefusedError

SECRET = CREDENTIALS["SECRET_KEY"].encode()
WORK = "Cleo Client <cleo@work.example>"
# Neither is part of what a merge and its undoing must leave as it was: the journal itself, and what tells of them.
COUNTED = {
    "offers": "kind <> 'undo_merge'",
    "messages": "NOT (is_system_message AND body LIKE '%merge%')",
    "deliveries": "purpose <> 'card_update' AND NOT EXISTS"
    " (SELECT FROM messages m WHERE m.id = message_id AND is_system_message AND body LIKE '%merge%')",
}


@pytest.fixture
def pair(desk: Desk) -> tuple[int, int]:
    """Let one person be known as two clients, with a ticket each; return the clients' ids."""
    desk.mail("From home.", subject="Printer")
    desk.mail("From work.", sender=WORK, subject="Monitor")
    desk.work()
    home, work = desk.tickets()
    return home.client_id, work.client_id


def refused(desk: Desk, kept: int, merged: int, agent: str = ADA) -> str:
    with pytest.raises(MergeRefusedError) as error:
        merge_clients(desk, kept, merged, agent)
    assert desk.count("merges") == 0
    return str(error.value)


def owners(desk: Desk) -> list[object]:
    """Return whose the names, the tickets and the messages are."""
    return desk.scalars(
        "SELECT client_id FROM client_external_ids UNION SELECT client_id FROM tickets"
        " UNION SELECT client_id FROM messages WHERE client_id IS NOT NULL ORDER BY 1"
    )


def everything(desk: Desk) -> dict[str, list[object]]:
    """Return every row of every table, but of the journal, of what tells of merges, and of renewed cards."""
    return {
        table: desk.scalars(f"SELECT t::text FROM {table} t WHERE {COUNTED.get(table, 'true')} ORDER BY 1")  # noqa: S608 (the catalog's names)
        for table in tables(desk)
        if table != "merges"
    }


# What moves


def test_names_tickets_and_messages_move_and_the_merged_client_stays_empty(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    merge_clients(desk, kept, merged)
    assert owners(desk) == [kept]
    assert desk.scalars("SELECT id FROM clients ORDER BY 1") == [kept, merged]
    assert "was merged into Cleo by Ada Agent" in desk.messages(desk.tickets()[1].id)[-1].body


def test_whoever_writes_from_an_address_that_moved_is_the_client_who_was_kept(
    desk: Desk, pair: tuple[int, int]
) -> None:
    kept, merged = pair
    merge_clients(desk, kept, merged)
    desk.mail("Again from work.", sender=WORK, subject="Keyboard")
    desk.work()
    assert [ticket.client_id for ticket in desk.tickets()] == [kept] * 3
    assert desk.count("clients") == 2


def test_tickets_of_two_clients_can_be_merged_once_the_clients_are(desk: Desk, pair: tuple[int, int]) -> None:
    home, work = (ticket.id for ticket in desk.tickets())
    with pytest.raises(MergeRefusedError, match="merge the clients first"):
        merge_tickets(desk, home, work)
    merge_clients(desk, *pair)
    merge_tickets(desk, home, work)
    assert desk.bodies(home) == ["From home.", "From work."]


def test_a_token_made_before_the_merge_still_proves_and_after_its_undoing_too(
    desk: Desk, pair: tuple[int, int]
) -> None:
    kept, merged = pair
    work = desk.tickets()[1].id
    token = tokens.mint(SECRET, work, merged)
    made = merge_clients(desk, kept, merged)
    desk.mail("While merged.", sender=WORK, to=f"support+t{token}@desk.example", subject="x")
    desk.work()
    undo(desk, made)
    desk.mail("Afterwards.", sender=WORK, to=f"support+t{token}@desk.example", subject="x")
    desk.work()
    assert desk.rules()[-2:] == ["reply_token", "reply_token"]
    assert desk.bodies(work) == ["From work.", "While merged.", "Afterwards."]


def test_a_token_of_a_client_who_was_never_the_tickets_proves_nothing_after_a_merge(
    desk: Desk, pair: tuple[int, int]
) -> None:
    desk.mail("Mine.", sender="Dan <dan@client.example>", subject="Third")
    desk.work()
    merge_clients(desk, *pair)
    home, _, dans = desk.tickets()
    for ticket, client in ((home.id, dans.client_id), (dans.id, pair[1])):
        token = tokens.mint(SECRET, ticket, client)
        desk.mail("Let me in.", sender="Dan <dan@client.example>", to=f"support+t{token}@desk.example", subject="x")
    desk.work()
    assert desk.bodies(home.id) == ["From home."]
    assert "reply_token" not in desk.rules()


def test_replies_that_wait_go_where_they_were_going(desk: Desk, pair: tuple[int, int]) -> None:
    for ticket in desk.tickets():
        desk.say("An answer.", thread=desk.thread(ticket.id))
    ingest(desk)
    merge_clients(desk, *pair)
    desk.work()
    assert [each["to"] for each in desk.effects("mailbox")] == [["cleo@client.example"], ["cleo@work.example"]]


# What is refused


def test_what_cannot_be_merged_is_refused_with_a_sentence(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    desk.mail("To billing.", sender="Dan <dan@client.example>", to="billing@desk.example")
    desk.work()
    dan = desk.tickets()[2].client_id
    assert "into themselves" in refused(desk, kept, kept)
    assert "There is no client 99" in refused(desk, kept, 99)
    assert "not an agent of every department" in refused(desk, kept, dan)
    assert owners(desk) == [kept, merged, dan]
    assert merge_clients(desk, kept, dan, BEN)


def test_merging_twice_or_into_a_ring_is_refused(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    merge_clients(desk, kept, merged)
    for again in ((kept, merged), (merged, kept)):
        with pytest.raises(MergeRefusedError, match="are one already"):
            merge_clients(desk, *again)


# Undoing


def test_merge_and_undo_leave_every_row_of_the_database_as_it_was(desk: Desk, pair: tuple[int, int]) -> None:
    busy(desk)
    before = everything(desk)
    made = merge_clients(desk, *pair)
    assert everything(desk) != before
    undo(desk, made)
    assert everything(desk) == before


def test_merging_tickets_and_undoing_it_leaves_every_row_as_it_was(desk: Desk, pair: tuple[int, int]) -> None:
    busy(desk)
    clients = merge_clients(desk, *pair)
    before = everything(desk)
    home, work = (ticket.id for ticket in desk.tickets()[:2])
    made = merge_tickets(desk, home, work)
    assert everything(desk) != before
    undo(desk, made)
    assert everything(desk) == before
    undo(desk, clients)


def test_tickets_made_since_go_back_with_the_names_that_they_speak_of(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    made = merge_clients(desk, kept, merged)
    desk.mail("New matter.", sender=WORK, subject="Keyboard")
    desk.mail("More of the old.", sender=WORK, subject=f"[#{desk.tickets()[1].id}]")
    desk.mail("Mine.", subject="Scanner")
    desk.command("new cleo@work.example Your order")
    desk.work()
    keyboard, scanner, order = desk.tickets()[2:]
    desk.mail("Both of us.", sender=WORK, subject=f"[#{scanner.id}]")
    desk.work()
    undo(desk, made)
    assert [ticket.client_id for ticket in desk.tickets()] == [kept, merged, merged, kept, merged]
    for ticket in (keyboard, scanner, order):
        desk.say("An answer.", thread=desk.thread(ticket.id))
    desk.work()
    answered = sorted(str(each["to"]) for each in desk.effects("mailbox"))
    assert answered == ["['cleo@client.example']", *["['cleo@work.example']"] * 2]
    strange = "SELECT m.id FROM messages m JOIN tickets t ON t.id = ticket_id WHERE m.client_id <> t.client_id"
    assert desk.scalars(strange) == []
    desk.mail("Whose am I?", sender=WORK, subject="Mouse")
    desk.work()
    assert desk.tickets()[-1].client_id == merged


def test_a_ticket_that_stays_writes_to_no_address_that_went_back(desk: Desk, pair: tuple[int, int]) -> None:
    made = merge_clients(desk, *pair)
    for words in ("Your order", "Your other order"):
        desk.command(f"new cleo@work.example {words}")
    desk.work()
    order, other = (ticket.id for ticket in desk.tickets()[2:])
    merge_tickets(desk, order, other)
    undo(desk, made)
    desk.say("It is here.", thread=desk.thread(order))
    desk.work()
    assert desk.effects("mailbox") == []
    assert "has no address" in desk.told(order)


def test_a_name_that_was_given_to_somebody_else_since_is_left_to_them(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    made = merge_clients(desk, kept, merged)
    (other,) = desk.scalars("INSERT INTO clients (name) VALUES ('Zoe') RETURNING id")
    desk.scalars(
        "UPDATE client_external_ids SET client_id = :other WHERE value = 'cleo@work.example' RETURNING id", other=other
    )
    undo(desk, made)
    assert desk.scalars("SELECT client_id FROM client_external_ids ORDER BY id") == [kept, other]
    assert desk.tickets()[1].client_id == merged


def test_only_the_newest_merge_is_undone_first_and_each_only_once(desk: Desk, pair: tuple[int, int]) -> None:
    kept, merged = pair
    desk.mail("Mine.", sender="Dan <dan@client.example>")
    desk.work()
    dan = desk.tickets()[2].client_id
    older, newer = merge_clients(desk, kept, merged), merge_clients(desk, dan, kept)
    with pytest.raises(MergeRefusedError, match=f"undo {newer.id} first"):
        undo(desk, older)
    undo(desk, newer)
    undo(desk, older)
    with pytest.raises(MergeRefusedError, match="undone already"):
        undo(desk, older)
    assert [ticket.client_id for ticket in desk.tickets()] == [kept, merged, dan]


def test_clients_whose_tickets_were_merged_since_are_not_parted_before_their_tickets(
    desk: Desk, pair: tuple[int, int]
) -> None:
    clients = merge_clients(desk, *pair)
    home, work = (ticket.id for ticket in desk.tickets())
    joined = merge_tickets(desk, home, work)
    with pytest.raises(MergeRefusedError, match=f"undo {joined.id} first"):
        undo(desk, clients)
    undo(desk, joined)
    undo(desk, clients)
    assert [ticket.client_id for ticket in desk.tickets()] == list(pair)


def test_who_may_not_act_for_a_department_cannot_undo_there(desk: Desk, pair: tuple[int, int]) -> None:
    desk.mail("To billing.", sender=WORK, to="billing@desk.example")
    desk.work()
    made = merge_clients(desk, *pair, BEN)
    with pytest.raises(MergeRefusedError, match="not an agent of every department"):
        undo(desk, made, ADA)
    with pytest.raises(MergeRefusedError, match="There is no merge 99"):
        undo(desk, Merge(id=99), BEN)


def busy(desk: Desk) -> None:
    """Give both clients something of everything: assignments, tags, notes, files, queued replies, suppressions."""
    home, work = (ticket.id for ticket in desk.tickets())
    for ticket_id in (home, work):
        desk.press("take", ticket_id)
        desk.say("note: third time", thread=desk.thread(ticket_id))
        desk.say("Sent.", thread=desk.thread(ticket_id))
    desk.press("take", work, user="U0BEN")
    desk.press("close", home)
    desk.mail("With a file.", sender=WORK, subject=f"[#{work}]", files=[("a.txt", b"a")])
    desk.mail("A stranger's.", sender="Mallory <m@elsewhere.example>", to=f"support+t{_token(desk, work)}@desk.example")
    desk.work()
    for ticket_id in (home, work):
        desk.say("Waits.", thread=desk.thread(ticket_id))
        desk.scalars("INSERT INTO ticket_tags VALUES (:id, 1) RETURNING tag_id", id=ticket_id)
    desk.scalars("INSERT INTO ticket_tags VALUES (:id, 2) RETURNING tag_id", id=work)
    desk.scalars(
        "INSERT INTO suppressions (type, value, reason) VALUES ('email', 'cleo@work.example', 'bounced'),"
        " ('email', 'cleo@client.example', 'bounced') RETURNING id"
    )
    ingest(desk)


def _token(desk: Desk, ticket_id: int) -> str:
    return tokens.mint(SECRET, ticket_id, next(each.client_id for each in desk.tickets() if each.id == ticket_id))
