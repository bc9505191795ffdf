from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from models.clients import KnownAs, get_or_create_client
from models.external_ids import ExternalId
from models.tickets import name_ticket, open_ticket
from sandbox.client import wait_for
from tests.at_length import times
from tests.desk import Desk
from tests.models.at_once import at_once
from tests.workers.desk.merging_steps import ADA, ingest, merge_clients, merge_tickets, undo, user
from workers.desk.merging import MergeRefusedError
from workers.tasks.inbound import ingest_conversation

ROUNDS = times(20, 5)


def sender(name: str, number: int) -> str:
    return f"Cleo <{name}{number}@client.example>"


def while_it_arrives(desk: Desk, merge: Callable[[], object]) -> None:
    """Merge while two workers for each conversation record what is waiting."""
    events = desk.scalars("SELECT max(id) FROM inbound_events WHERE status = 'pending' GROUP BY conversation")
    workers: list[Callable[[], object]] = [partial(ingest_conversation, desk.tools, int(str(each))) for each in events]
    at_once([merge, *workers, *workers])


def test_what_arrives_while_its_sender_is_merged_is_the_kept_clients_and_nobody_is_made_anew(desk: Desk) -> None:
    for number in range(ROUNDS):
        desk.mail("first", sender=sender("home", number), subject=f"home {number}")
        desk.mail("first", sender=sender("work", number), subject=f"work {number}")
    ingest(desk)
    tickets = desk.tickets()
    for number in range(ROUNDS):
        kept, merged = tickets[2 * number].client_id, tickets[2 * number + 1].client_id
        for subject in ("a new matter", f"Re: [#{tickets[2 * number + 1].id}]", "another"):
            desk.mail(subject, sender=sender("work", number), subject=subject)
        desk.mail("also", sender=sender("home", number), subject="also")
        while_it_arrives(desk, partial(merge_clients, desk, kept, merged))
    ingest(desk)
    kept_clients = {tickets[2 * number].client_id for number in range(ROUNDS)}
    assert desk.count("clients") == 2 * ROUNDS
    assert {ticket.client_id for ticket in desk.tickets()} == kept_clients
    assert set(desk.scalars("SELECT client_id FROM messages WHERE client_id IS NOT NULL")) == kept_clients
    assert desk.scalars("SELECT count(*) FROM message_sources") == [6 * ROUNDS]
    assert desk.scalars("SELECT DISTINCT status FROM inbound_events") == ["processed"]


def test_what_arrives_while_its_ticket_is_merged_is_in_the_kept_ticket(desk: Desk) -> None:
    for number in range(ROUNDS):
        desk.mail("first", sender=sender("cleo", number), subject=f"kept {number}")
        desk.mail("first", sender=sender("cleo", number), subject=f"merged {number}")
    ingest(desk)
    tickets = [ticket.id for ticket in desk.tickets()]
    for number in range(ROUNDS):
        kept, merged = tickets[2 * number], tickets[2 * number + 1]
        for text in ("one", "two", "three"):
            desk.mail(text, sender=sender("cleo", number), subject=f"Re: [#{merged}]")
        desk.say("an answer", thread=thread(desk, merged))
        while_it_arrives(desk, partial(merge_tickets, desk, kept, merged))
        said = desk.bodies(kept)
        assert [each for each in said if each != "an answer"] == ["first", "first", "one", "two", "three"]
        assert (said.count("an answer"), desk.bodies(merged)) == (1, [])


def test_what_arrives_while_its_sender_is_parted_again_is_one_clients_with_its_ticket(desk: Desk) -> None:
    for number in range(ROUNDS):
        desk.mail("first", sender=sender("home", number), subject=f"home {number}")
        desk.mail("first", sender=sender("work", number), subject=f"work {number}")
    ingest(desk)
    tickets = desk.tickets()
    for number in range(ROUNDS):
        home, work = tickets[2 * number], tickets[2 * number + 1]
        made = merge_clients(desk, home.client_id, work.client_id)
        for subject in ("a new matter", f"Re: [#{work.id}]"):
            desk.mail(subject, sender=sender("work", number), subject=subject)
        while_it_arrives(desk, partial(undo, desk, made))
        assert [each.client_id for each in desk.tickets() if each.id == work.id] == [work.client_id]
    strange = "SELECT m.id FROM messages m JOIN tickets t ON t.id = ticket_id WHERE m.client_id <> t.client_id"
    assert desk.scalars(strange) == []
    assert (desk.count("clients"), desk.count("message_sources")) == (2 * ROUNDS, 4 * ROUNDS)


def test_texts_that_arrive_while_their_conversation_is_merged_are_in_the_kept_ticket(desk: Desk) -> None:
    for number in range(ROUNDS):
        by_sms = f"+1555020{number:04}"
        desk.text("by sms", sender=by_sms)
        desk.text("by whatsapp", sender=f"whatsapp:{by_sms}", to="whatsapp:+15550100002")
        ingest(desk)
        kept, merged = (ticket.id for ticket in desk.tickets()[-2:])
        for text in ("one", "two"):
            desk.text(text, sender=f"whatsapp:{by_sms}", to="whatsapp:+15550100002")
        while_it_arrives(desk, partial(merge_tickets, desk, kept, merged))
        assert desk.bodies(kept) == ["by sms", "by whatsapp", "one", "two"]


def test_merges_of_one_pair_from_both_ends_at_once_are_one_merge(desk: Desk) -> None:
    for number in range(ROUNDS):
        desk.mail("first", sender=sender("cleo", number), subject=f"one {number}")
        desk.mail("second", sender=sender("cleo", number), subject=f"other {number}")
        ingest(desk)
        one, other = (ticket.id for ticket in desk.tickets()[-2:])
        made = at_once([partial(merged, desk, one, other), partial(merged, desk, other, one)] * 2)
        assert sum(made) == 1
        assert sorted(map(len, (desk.bodies(one), desk.bodies(other)))) == [0, 2]


def merged(desk: Desk, kept: int, merged_id: int) -> bool:
    try:
        merge_tickets(desk, kept, merged_id)
    except MergeRefusedError:
        return False
    return True


def test_a_merge_waits_for_the_message_that_is_being_recorded_and_takes_it_along(desk: Desk) -> None:
    kept, merged = two_clients(desk)
    with ThreadPoolExecutor(1) as threads:
        with desk.session() as recording:
            cleo = ExternalId(type="email", value="work0@client.example")
            client_id = get_or_create_client(recording, KnownAs(stated=(cleo,)), name="")
            merge = threads.submit(merge_clients, desk, kept, merged)
            wait_for(lambda: blocked(desk), "the merge to wait")
            open_ticket(
                recording, title="In between", client_id=client_id, department_id=desk.tickets()[0].department_id
            )
        merge.result(20)
    assert {ticket.client_id for ticket in desk.tickets()} == {kept}


def test_a_name_that_is_noted_while_its_client_is_merged_moves_too(desk: Desk) -> None:
    desk.mail("first", sender=sender("home", 0))
    desk.text("first")
    ingest(desk)
    home, phone = desk.tickets()
    whatsapp, sms = (ExternalId(type=each, value=desk.phone) for each in ("whatsapp", "phone"))
    with ThreadPoolExecutor(1) as threads:
        with desk.session() as recording:
            get_or_create_client(recording, KnownAs(stated=(whatsapp,), alike=(sms,)), name="")
            merge = threads.submit(merge_clients, desk, home.client_id, phone.client_id)
            wait_for(lambda: blocked(desk), "the merge to wait")
        merge.result(20)
    assert desk.scalars("SELECT client_id FROM client_external_ids") == [home.client_id] * 3


def test_a_message_waits_for_the_merge_of_its_sender_and_is_the_kept_clients(desk: Desk) -> None:
    kept, merged = two_clients(desk)
    desk.mail("In between.", sender=sender("work", 0), subject="New")
    with ThreadPoolExecutor(1) as threads:
        with desk.session() as merging:
            desk.tools.merging.merge_clients(merging, kept, merged, user(merging, ADA))
            recorded = threads.submit(ingest, desk)
            wait_for(lambda: blocked(desk), "the message to wait")
        recorded.result(20)
    assert [ticket.client_id for ticket in desk.tickets()] == [kept] * 3


def thread(desk: Desk, ticket_id: int) -> str:
    """Give a ticket a thread of agents as if its card had been posted."""
    ts = desk.sandbox.say("U0ADA", "C0SUPPORT", "as good as a card")
    with desk.session() as session:
        name_ticket(session, ticket_id, ExternalId(type="slack_agents", value=f"T0DESK/C0SUPPORT/{ts}"))
    return ts


def two_clients(desk: Desk) -> tuple[int, int]:
    desk.mail("first", sender=sender("home", 0))
    desk.mail("first", sender=sender("work", 0))
    ingest(desk)
    home, work = desk.tickets()
    return home.client_id, work.client_id


def blocked(desk: Desk) -> list[object]:
    return desk.scalars("SELECT pid FROM pg_locks WHERE NOT granted")
