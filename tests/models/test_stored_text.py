import unicodedata

import pytest
from sqlalchemy import text

from channels.base import ExternalId, RawEvent, bounded, clean_line, clean_text
from models.messages import add_message, messages_of, name_message
from workers.db import Database
from workers.inbox import Inbox

CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]
SURROGATES = range(0xD800, 0xE000)
NONCHARACTERS = [0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF, *range(0xFDD0, 0xFDF0)]
STRANGE = [chr(each) for each in (*CONTROLS, *SURROGATES, *NONCHARACTERS)]
EVERYTHING = "".join(f"<{each}>" for each in STRANGE)


def stored(database: Database, event: RawEvent) -> tuple[str, str, dict[str, object]]:
    assert Inbox(database, lambda _: None).accept([event]) == 1
    with database.session_scope() as session:
        row = session.execute(text("SELECT external_id, conversation, facts FROM inbound_events")).one()
    return row.external_id, row.conversation, row.facts


def raw(**facts: object) -> RawEvent:
    return RawEvent(channel="email", external_id="e1", conversation="c1", payload=b"", facts=facts)


def test_facts_with_every_strange_character_are_stored_cleaned(database: Database) -> None:
    facts = {"subject": EVERYTHING, "rcpt_tos": STRANGE, "nested": [[EVERYTHING], 1, None, True]}
    _, _, found = stored(database, raw(**facts))
    clean = clean_text(EVERYTHING)
    assert found == {
        "subject": clean,
        "rcpt_tos": [clean_text(each) for each in STRANGE],
        "nested": [[clean], 1, None, True],
    }


def test_names_with_every_strange_character_are_stored(database: Database) -> None:
    event = RawEvent(channel="email", external_id=EVERYTHING[:200], conversation=EVERYTHING, payload=b"")
    external_id, conversation, _ = stored(database, event)
    assert (external_id, conversation) == (bounded(EVERYTHING[:200]), bounded(EVERYTHING))
    assert conversation.startswith("sha256:")


def test_a_message_of_every_strange_character_is_stored_cleaned(database: Database, ticket_id: int) -> None:
    with database.session_scope() as session:
        message_id = add_message(session, ticket_id=ticket_id, body=clean_text(EVERYTHING))
        name_message(session, message_id, ExternalId(type="email", value=EVERYTHING[:200]))
    with database.session_scope() as session:
        assert [each.body for each in messages_of(session, ticket_id)] == [clean_text(EVERYTHING)]


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x7f", "\x9b", "\x0b", chr(0xD800), chr(0xDFFF)])
def test_what_cannot_be_stored_or_disturbs_a_terminal_is_replaced(character: str) -> None:
    assert clean_text(f"a{character}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_tabs_and_newlines_stay_and_every_kind_of_line_end_is_one() -> None:
    assert clean_text("a\tb\r\nc\rd\n") == "a\tb\nc\nd\n"


def test_cleaning_leaves_no_control_character_and_changes_nothing_twice() -> None:
    clean = clean_text(EVERYTHING)
    assert {each for each in clean if unicodedata.category(each) in {"Cc", "Cs"}} == {"\t", "\n"}
    assert clean_text(clean) == clean


def test_a_line_is_one_line_and_fits_its_column() -> None:
    line = clean_line(EVERYTHING)
    assert len(line) <= 255
    assert line == " ".join(line.split())


def test_long_names_that_differ_at_the_end_stay_different() -> None:
    one, other = bounded("x" * 300 + "1"), bounded("x" * 300 + "2")
    assert one != other
    assert bounded(one) == one
