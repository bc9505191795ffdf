from functools import partial

from sqlalchemy import func, select

from models.clients import Client, ClientExternalId, KnownAs, get_or_create_client
from models.external_ids import ExternalId
from tests.models.at_once import at_once
from workers.db import Database


def first_message(database: Database, stated: ExternalId, *alike: ExternalId) -> int:
    return client_of(database, KnownAs(stated=(stated,), alike=alike))


def client_of(database: Database, sender: KnownAs) -> int:
    with database.session_scope() as session:
        return get_or_create_client(session, sender, name="Cleo")


def number(kind: str, digits: int) -> ExternalId:
    return ExternalId(type=kind, value=f"+1555010{digits:04d}")


def rows(database: Database) -> tuple[int, int]:
    with database.session_scope() as session:
        clients = session.scalar(select(func.count()).select_from(Client))
        names = session.scalar(select(func.count()).select_from(ClientExternalId))
    return clients or 0, names or 0


def test_twenty_first_messages_of_one_sender_at_once_make_one_client(database: Database) -> None:
    for round_ in range(5):
        sender = ExternalId(type="email", value=f"stranger{round_}@client.example")
        ids = at_once([partial(first_message, database, sender)] * 20)
        assert len(set(ids)) == 1
    assert rows(database) == (5, 5)


def test_one_number_by_sms_and_whatsapp_at_once_is_one_client_with_two_names(database: Database) -> None:
    for digits in range(5):
        sms, whatsapp = number("phone", digits), number("whatsapp", digits)
        calls = [partial(first_message, database, sms, whatsapp), partial(first_message, database, whatsapp, sms)]
        assert len(set(at_once(calls * 5))) == 1
    assert rows(database)[0] == 5
    for digits in range(5):
        first_message(database, number("phone", digits), number("whatsapp", digits))
        first_message(database, number("whatsapp", digits), number("phone", digits))
    assert rows(database) == (5, 10)


def test_strangers_do_not_wait_for_each_other_to_become_clients(database: Database) -> None:
    senders = [ExternalId(type="email", value=f"many{number}@client.example") for number in range(15)]
    ids = at_once([partial(first_message, database, sender) for sender in senders])
    assert len(set(ids)) == 15


def test_a_second_name_is_noted_on_the_client_who_has_the_first(database: Database) -> None:
    by_sms = first_message(database, number("phone", 1), number("whatsapp", 1))
    by_whatsapp = first_message(database, number("whatsapp", 1), number("phone", 1))
    assert (by_sms, rows(database)) == (by_whatsapp, (1, 2))


def test_two_clients_whose_numbers_meet_stay_two_and_each_name_keeps_its_own(database: Database) -> None:
    one, other = first_message(database, number("phone", 1)), first_message(database, number("whatsapp", 1))
    assert first_message(database, number("phone", 1), number("whatsapp", 1)) == one
    assert first_message(database, number("whatsapp", 1), number("phone", 1)) == other


def test_a_rolled_back_first_message_leaves_no_client_behind(database: Database) -> None:
    with database.session_scope() as session:
        get_or_create_client(session, KnownAs(stated=(number("phone", 1),)), name="Cleo")
        session.rollback()
    assert rows(database) == (0, 0)


def test_two_ways_to_write_a_number_at_once_are_one_client_with_both_names(database: Database) -> None:
    for digits in range(5):
        old, new = number("phone", digits), number("whatsapp", 100 + digits)
        calls = [partial(first_message, database, old, new), partial(first_message, database, new, old)]
        assert len(set(at_once(calls * 5))) == 1
    assert rows(database)[0] == 5


def test_a_number_with_its_id_and_the_id_alone_at_once_are_one_client(database: Database) -> None:
    for digits in range(5):
        hidden = ExternalId(type="whatsapp", value=f"US.{digits}")
        both = KnownAs(stated=(number("whatsapp", digits), hidden), alike=(number("phone", digits),))
        calls = [partial(client_of, database, both), partial(first_message, database, hidden)]
        assert len(set(at_once(calls * 5))) == 1
    assert rows(database) == (5, 10)
