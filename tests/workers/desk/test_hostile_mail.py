"""Hostile mail through the inbox and the rules: a message or a row set aside of every one, and nothing else harmed."""

import gzip
import os
import re
import unicodedata
from pathlib import Path

import pytest

from channels.email.event import raw_event
from tests.at_length import times
from tests.channels.email.hostile_mails import HOSTILE, nested, parts
from tests.channels.email.mail_samples import MAILS, mail
from tests.desk import Desk
from tests.fuzz import Fed, feed, lost, main, mutations, seeds_in
from tests.virus_scanner import EICAR

SEED = int(os.environ.get("FUZZ_SEED", "20261122"))
MUTATIONS = times(300, 100)
STRANGE = "".join(
    chr(each) for each in (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000, 97), 0xFFFE, 0x10FFFF)
)


def last(desk: Desk, mails: list[bytes]) -> Fed:
    *_, fed = feed(desk.tools, mails)
    return fed


def test_mutated_mails_are_messages_or_set_aside(desk: Desk) -> None:
    print(f"FUZZ_SEED={SEED}")  # noqa: T201 (shown when it fails: the same seed gives the same mails)
    fed = last(desk, list(mutations(seeds_in(MAILS), MUTATIONS, SEED)))
    assert (fed.mails, fed.lost) == (MUTATIONS, 0), fed.outcomes
    assert desk.count("message_sources") > MUTATIONS / 4
    assert fed.slowest < 1


def test_every_hostile_mail_is_a_message_or_set_aside(desk: Desk) -> None:
    small = [payload for payload in HOSTILE.values() if len(payload) < 600_000]
    fed = last(desk, small)
    assert (len(small) >= 30, fed.lost) == (True, 0), fed.outcomes


def test_a_mail_that_nobody_ended_is_counted_as_lost(desk: Desk) -> None:
    desk.mail()
    with desk.session() as session:
        assert lost(session) == 1
    desk.work()
    with desk.session() as session:
        assert lost(session) == 0


def test_a_good_mail_behind_hostile_ones_of_its_sender_is_recorded(desk: Desk) -> None:
    last(
        desk, [nested(5_000), parts(300), mail(From="(" * 4096), mail("It burns.", Message_ID="<good@client.example>")]
    )
    assert "It burns." in desk.scalars("SELECT body FROM messages")


def test_a_folder_without_mails_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"there is no \.eml in"):
        main([str(tmp_path)])


# What is stored


def arrive(desk: Desk, payload: bytes, recipient: str = "support@desk.example") -> None:
    to = [recipient]
    desk.accept(raw_event(payload, mail_from="jane@client.example", rcpt_tos=to, peer="192.0.2.1", mailboxes=to))
    desk.work()


def texts(desk: Desk) -> list[str]:
    """Return every text of every row that a message leaves."""
    tables = (
        "clients",
        "client_external_ids",
        "tickets",
        "messages",
        "message_external_ids",
        "message_sources",
        "attachments",
    )
    rows = (desk.scalars(f"SELECT row_to_json(t)::text FROM {table} t") for table in tables)  # noqa: S608 (names of ours)
    return [str(row) for found in rows for row in found]


@pytest.mark.parametrize("encoded", [False, True])
def test_strange_characters_in_every_field_are_stored_cleaned(desk: Desk, encoded: bool) -> None:  # noqa: FBT001 (a case)
    raw = STRANGE.encode("utf-8", "surrogatepass")
    # Line ends would end the header, in which no form but the encoded can hold them.
    words = raw.translate(None, b"\r\n")
    if encoded:
        words = b"=?utf-8?q?" + b"".join(b"=%02X" % each for each in raw) + b"?="
    part = b'--b\r\nContent-Type: image/png; name="%s"\r\nContent-ID: <%s>\r\n\r\nx\r\n' % (words, words)
    head = b"From: %s <jane@client.example>\r\nSubject: x%s\r\nReply-To: %s <a@x.example>\r\n" % (words, words, words)
    more = b"Message-ID: <%s@client.example>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" % words
    arrive(desk, head + more + b"--b\r\n\r\n" + raw + b"\r\n" + part + b"--b--")
    arrive(desk, mail("untouched"))
    assert len(desk.tickets()) == 2
    found = "".join(texts(desk))
    assert {each for each in found if unicodedata.category(each) in {"Cc", "Cs"}} == set()
    assert not re.search(r"\\u00(?:0[0-8be-f]|1|7f|8|9)", found)


def test_strange_characters_in_texts_and_in_slack_are_stored_cleaned(desk: Desk) -> None:
    storable = "".join(each for each in STRANGE if not "\ud800" <= each <= "\udfff")
    desk.text(f"x{storable}", ProfileName=storable, MessageSid=f"SM{storable}"[:34])
    said = {"type": "message", "user": "U0CLEO", "channel": "C0CLIENTS", "channel_type": "channel"}
    desk.slack({**said, "text": f"x{STRANGE}", "ts": "1795000001.000100"})
    desk.ingest()
    assert desk.count("messages") == 2
    found = "".join(texts(desk))
    assert {each for each in found if unicodedata.category(each) in {"Cc", "Cs"}} == set()


def names() -> list[str]:
    """Return 200 names that mean something to a file system, a shell, a server or an eye."""
    steps = ["../" * depth + each for depth in range(1, 9) for each in ("etc/passwd", ".htaccess", "x.php", "a/b.txt")]
    windows = [f"C:\\{each}" for each in ("x.txt", "..\\..\\x", "con", "a\\b\\.htaccess")]
    devices = [
        f"{name}{end}" for name in ("CON", "NUL", "COM1", "LPT9", "aux", "prn") for end in ("", ".txt", ".", ":x")
    ]
    hidden = [
        f"{mark}.htaccess" for mark in ("", "\u200b", "\u202e", "\ufeff", "\u2060", " ", "\t", "\x00", "\x1f", "\xa0")
    ]
    scripts = [
        f"x.{end}" for end in ("php", "phtml", "pht", "phar", "jsp", "asp", "cgi", "exe", "scr", "js", "html", "svg")
    ]
    doubled = [f"{each}\x00.png" for each in scripts] + [f"{each}\u202egnp" for each in scripts]
    shell = [
        "$(x)",
        "`x`",
        "; rm -rf .",
        "| x",
        "a\nb",
        "a\rb",
        "-rf",
        "--help",
        "~",
        "*",
        "?",
        "'",
        '"',
        "&&x",
        "%00",
        "%2e%2e%2f",
    ]
    length = ["a" * 300, "é" * 300, "." * 300, "/" * 300, "a" * 300 + ".php", "x." + "y" * 300, "", ".", "..", "..."]
    found = [*steps, *windows, *devices, *hidden, *scripts, *doubled, *shell, *length]
    return found + [f"{each}.{number}" for number, each in enumerate(found[: 200 - len(found)])]


def test_200_names_of_files_decide_nothing_about_where_they_lie(desk: Desk, tmp_path: Path) -> None:
    assert len(names()) == 200
    for start in range(0, 200, 50):
        attached = "".join(attachment(name) for name in names()[start : start + 50])
        arrive(desk, mail(attached + "--b--", Content_Type="multipart/mixed; boundary=b", Subject=f"files {start}"))
    keys = [str(each) for each in desk.scalars("SELECT storage_key FROM attachments")]
    assert len(keys) == 200
    assert all(re.fullmatch(r"[0-9a-f/]+", key) for key in keys)
    store = tmp_path / "frontdesk" / "attachments"
    there = [file.relative_to(store).as_posix() for file in store.rglob("*") if file.is_file()]
    assert sorted(there) == sorted(set(keys))
    assert [file.name for file in tmp_path.iterdir()] == ["frontdesk"]
    shown = [str(each) for each in desk.scalars("SELECT name FROM attachments")]
    assert [each for each in shown if re.search(r"[/\\\x00-\x1f\u200b\u202e]", each) or not each.strip(". ")] == []


def attachment(name: str) -> str:
    quoted = "".join(f"%{each:02X}" for each in name.encode())
    head = f"Content-Type: text/x-a\r\nContent-Disposition: attachment;\r\n filename*=utf-8''{quoted}"
    return f"--b\r\n{head}\r\n\r\n{name!r}\r\n"


def test_what_a_scanner_would_find_is_kept_as_bytes_and_opened_by_nobody(desk: Desk) -> None:
    """Without a scanner a file is bytes under the hash of its content, handed on as no type that opens itself."""
    desk.mail("See the file.", files=[("invoice.pdf.com", EICAR)])
    desk.work()
    (key,) = desk.scalars("SELECT storage_key FROM attachments")
    assert desk.tools.store.get(str(key)) == EICAR
    assert desk.scalars("SELECT content_type FROM attachments") == ["application/octet-stream"]


def test_an_archive_of_ten_gigabytes_is_as_large_as_it_came(desk: Desk) -> None:
    bomb = gzip.compress(bytes(10 << 20)) * 1000
    desk.mail("See the file.", files=[("42.gz", bomb)])
    desk.work()
    assert desk.scalars("SELECT size FROM attachments") == [len(bomb)]
    assert desk.bodies() == ["See the file."]
