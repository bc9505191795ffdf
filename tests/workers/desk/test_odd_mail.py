"""What headers may hold, over the whole way into the database: every mail is a row, or set aside with its bytes."""

import json
from pathlib import Path

import pytest

from channels.base import bounded
from channels.email.event import raw_event
from tests.channels.email import test_email_address
from tests.channels.email.mail_samples import mail
from tests.desk import Desk
from workers.tasks.inbound import ingest_conversation

ADDRESSES = Path(test_email_address.__file__).with_name("addresses.jsonl")
SUPPORT = "support@desk.example"

# A Date header, and when that was in UTC; nothing for what is none.
DATES = [
    ("Mon, 2 Nov 2026 09:15:00 +0100", "2026-11-02 08:15:00"),
    ("2 Nov 2026 09:15:00 +0100", "2026-11-02 08:15:00"),
    ("Mon,2 Nov 2026 09:15:00 +0100", "2026-11-02 08:15:00"),
    ("Mon, 02 Nov 2026 09:15 +0100", "2026-11-02 08:15:00"),
    ("Mon, 2 Nov 2026 09:15:00 GMT", "2026-11-02 09:15:00"),
    ("Mon, 2 Nov 2026 09:15:00 UT", "2026-11-02 09:15:00"),
    ("Mon, 2 Nov 2026 09:15:00 EST", "2026-11-02 14:15:00"),
    ("Mon, 2 Nov 2026 09:15:00 PDT", "2026-11-02 16:15:00"),
    ("Mon, 2 Nov 2026 09:15:00 -0000", "2026-11-02 09:15:00"),
    ("Mon, 2 Nov 2026 09:15:00 +0530", "2026-11-02 03:45:00"),
    ("Mon, 2 Nov 2026 09:15:00 -0930", "2026-11-02 18:45:00"),
    ("Mon, 2 Nov 2026 09:15:00 +1400", "2026-11-01 19:15:00"),
    ("Mon, 2 Nov 2026 09:15:00 +0100 (CET)", "2026-11-02 08:15:00"),
    ("Mon, 2 Nov 2026 09:15:00", "2026-11-02 09:15:00"),
    ("Tue, 2 Nov 2026 09:15:00 +0000", "2026-11-02 09:15:00"),
    ("mon, 2 nov 2026 09:15:00 +0000", "2026-11-02 09:15:00"),
    ("Monday, 2 November 2026 09:15:00 +0000", "2026-11-02 09:15:00"),
    ("Mon Nov  2 09:15:00 2026", "2026-11-02 09:15:00"),
    ("Mon, 2 Nov 26 09:15:00 +0000", "2026-11-02 09:15:00"),
    ("Mon, 2 Nov 99 09:15:00 +0000", "1999-11-02 09:15:00"),
    ("Thu, 29 Feb 2024 23:59:59 +0000", "2024-02-29 23:59:59"),
    ("Tue, 19 Jan 2038 03:14:08 +0000", "2038-01-19 03:14:08"),
    ("Sun, 1 Jan 2090 00:00:00 +0000", "2090-01-01 00:00:00"),
    ("Thu, 1 Jan 1970 00:00:00 +0000", None),
    ("Mon, 31 Feb 2026 09:15:00 +0000", None),
    ("Mon, 2 Nov 2026 25:15:00 +0000", None),
    ("Mon, 2 Nov 2026 09:75:00 +0000", None),
    ("Mon, 2 Nov 300000 09:15:00 +0000", None),
    ("Mon, 32 Nov 2026 09:15:00 +0000", None),
    ("Mon, 2 Nov 1900 09:15:00 +0000", None),
    ("Mon, 2 Nov 2026 09:15:00 +99999999", None),
    ("Mon, 99 Foo 2026 99:99:99", None),
    ("yesterday", None),
    ("2", None),
    (":", None),
    (",,,", None),
    ("=?utf-8?Q?Mon=2C_2_Nov_2026?=", None),
    ("Montag, den 2. November", None),
    ("9" * 5_000, None),
    ("", None),
]
LONG_NAME = "l" * 64 + "@" + ".".join(["d" * 60] * 4) + ".example.example"
TITLES = {
    "x" * 254: "x" * 254,
    "x" * 255: "x" * 255,
    "x" * 256: "x" * 254 + "…",
    "x" * 50_000: "x" * 254 + "…",
    "\N{GRINNING FACE}" * 255: "\N{GRINNING FACE}" * 255,
    "=?utf-8?Q?" + "=C3=A9" * 300 + "?=": "é" * 254 + "…",
}


def arrives(desk: Desk, payload: bytes) -> None:
    event = raw_event(payload, mail_from="", rcpt_tos=[SUPPORT], peer="192.0.2.9", mailboxes=[SUPPORT])
    desk.accept(event)


def read_all(desk: Desk) -> None:
    """Read what arrived, and send nothing."""
    for event in desk.scalars("SELECT id FROM inbound_events ORDER BY id"):
        ingest_conversation(desk.tools, int(str(event)))


def test_each_sender_is_stored_under_one_identity_or_set_aside(desk: Desk) -> None:
    lines = ADDRESSES.read_text(encoding="utf-8").splitlines()[::3]  # all are read in the tests of the channel
    rows = [json.loads(line) for line in lines]
    for number, (value, _, _) in enumerate(rows):
        arrives(desk, mail(From=value or " ", Message_ID=f"<{number}@client.example>"))
    read_all(desk)
    expected = {bounded(address) for _, address, _ in rows if address}
    assert set(desk.scalars("SELECT value FROM client_external_ids")) == expected
    assert desk.count("messages WHERE client_id IS NOT NULL") == sum(bool(address) for _, address, _ in rows)
    assert desk.count("inbound_events WHERE status = 'failed'") == sum(not address for _, address, _ in rows)


def test_dates_are_kept_as_said_and_order_nothing(desk: Desk) -> None:
    assert len(DATES) == 40
    for number, (date, _) in enumerate(DATES):
        arrives(desk, mail(f"number {number}", Date=date, Message_ID=f"<{number}@client.example>"))
    read_all(desk)
    said = desk.scalars("SELECT to_char(sent_at, 'YYYY-MM-DD HH24:MI:SS') FROM message_sources ORDER BY message_id")
    assert said == [utc for _, utc in DATES]
    bodies = desk.scalars("SELECT body FROM messages WHERE client_id IS NOT NULL ORDER BY id")
    assert bodies == [f"number {number}" for number in range(40)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"Message_ID": ""}, {"Message_ID": "", "Subject": "other"}),
        ({"Message_ID": "<>"}, {"Message_ID": "<>", "X_Other": "1", "Subject": "other"}),
        ({"Message_ID": "<a@x>"}, {"Message_ID": "<b@x>"}),
        ({"Message_ID": "a@x"}, {"Message_ID": "A@x"}),
        ({"Message_ID": "<a@x> <b@x>"}, {"Message_ID": "<c@x> <b@x>"}),
        ({"Message_ID": "<a\r\n b@x>"}, {"Message_ID": "<a\r\n c@x>"}),
        ({"Message_ID": "<" + "a" * 12_288 + "@x>"}, {"Message_ID": "<" + "a" * 12_287 + "b@x>"}),
        ({"Message_ID": "<a\x00\x1b'\"\\%s{}@x>"}, {"Message_ID": "<a\x00\x1b'\"\\%s{}@y>"}),
    ],
)
def test_two_mails_are_two_messages_and_each_of_them_once(
    desk: Desk, first: dict[str, str], second: dict[str, str]
) -> None:
    for headers in (first, second, first, second):
        arrives(desk, mail("a" if headers is first else "b", **headers))
    read_all(desk)
    assert sorted(map(str, desk.scalars("SELECT body FROM messages WHERE client_id IS NOT NULL"))) == ["a", "b"]


def test_one_message_id_over_two_mails_is_two_messages_and_the_first_keeps_the_name(desk: Desk) -> None:
    for body in ("one body", "another body"):
        arrives(desk, mail(body, Message_ID="<same@client.example>"))
    read_all(desk)
    named = "SELECT body FROM messages JOIN message_external_ids ON message_id = messages.id WHERE value = :name"
    assert desk.scalars(named, name="same@client.example") == ["one body"]
    assert desk.count("messages WHERE client_id IS NOT NULL") == 2


@pytest.mark.parametrize("subject", TITLES)
def test_a_title_is_as_long_as_its_column_and_says_that_it_was_cut(desk: Desk, subject: str) -> None:
    arrives(desk, mail(Subject=subject))
    read_all(desk)
    assert desk.ticket().title == TITLES[subject]


def test_headers_of_10_megabytes_are_set_aside_with_their_bytes(desk: Desk) -> None:
    payload = mail(Subject="x" * 10_000_000)
    arrives(desk, payload)
    read_all(desk)
    assert desk.scalars("SELECT length(payload) FROM inbound_events WHERE status = 'failed'") == [len(payload)]


def test_an_address_of_320_characters_is_one_client_and_a_longer_one_nobody(desk: Desk) -> None:
    assert len(LONG_NAME) == 324
    for number, sender in enumerate((LONG_NAME[4:], LONG_NAME[4:].upper(), LONG_NAME)):
        arrives(desk, mail(From=sender, Message_ID=f"<{number}@client.example>"))
    read_all(desk)
    assert desk.scalars("SELECT value FROM client_external_ids") == [bounded(LONG_NAME[4:])]
    assert desk.count("inbound_events WHERE status = 'failed'") == 1
