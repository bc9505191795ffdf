import json
from pathlib import Path

import pytest

from channels.email.address import external_id, mailbox_of, mailboxes, normalise, plus_part, sole_mailbox

SOLE = [
    ("jane@client.example", "jane@client.example", ""),
    ("Jane Doe <Jane@CLIENT.example>", "jane@client.example", "Jane Doe"),
    ('"Doe, Jane" <jane@client.example>', "jane@client.example", "Doe, Jane"),
    ("Doe, Jane <jane@client.example>", "jane@client.example", "Doe, Jane"),
    ('"Support <support@corp.com>" <evil@x>', "evil@x", "Support <support@corp.com>"),
    ("support@corp.com <evil@x>", "evil@x", "support@corp.com"),
    ("evil@x (support@corp.com)", "evil@x", "support@corp.com"),
    ("jane(work)@client.example", "jane@client.example", "work"),
    ("=?utf-8?Q?J=C3=BCrgen?= <j@x.de>", "j@x.de", "Jürgen"),
    ("=?utf-8?Q?a=40b.c=2C_?= <j@x.de>", "j@x.de", "a@b.c,"),
    ("<@relay.example:jane@client.example>", "jane@client.example", ""),
    ('"john doe"@x.example', '"john doe"@x.example', ""),
    ('"simple"@x.example', "simple@x.example", ""),
    ("a+tag@x.example", "a+tag@x.example", ""),
    ("o'neil@x.example", "o'neil@x.example", ""),
    ("jane@client.example,", "jane@client.example", ""),
    ("jane@[192.0.2.1]", "jane@[192.0.2.1]", ""),
    ('"a\\"b" <a@x.example>', "a@x.example", 'a"b'),
    ("jane@münchen.example", "jane@xn--mnchen-3ya.example", ""),
    ("İ@x.example", "İ@x.example", ""),
    ("\N{LATIN SMALL LETTER DOTLESS I}@x.example", "\N{LATIN SMALL LETTER DOTLESS I}@x.example", ""),
    ("jane@x.example", "jane@x.example", ""),
]
NONE = [
    "",
    "jane",
    "a@x, b@y",
    "a@x <b@y>, c@z",
    "team: a@x, b@y;",
    "team: a@x;",
    "undisclosed-recipients:;",
    "<a@x> <b@y>",
    "<a@x> b@y",
    "a@b)c@d",
    "a@b@c <",
    "a b@x",
    "a..@x@y",
    "jane@",
    "@x.example",
    "=?utf-8?Q?evil=40x?=",
    "a@x\x00y",
    "a@-x.example",
    "a@x..y",
    "(" * 4096,
    "(" * 4096 + "a@x",
    "a" * 300 + "@" + "b" * 60,
    "a@x\ud800",
]
TABLE = [
    json.loads(line) for line in Path(__file__).with_name("addresses.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize(("value", "address", "name"), TABLE)
def test_a_from_header_is_one_identity_or_nobody(value: str, address: str | None, name: str | None) -> None:
    found = sole_mailbox(value)
    assert (found.address if found else None) == address
    assert name is None or (found is not None and found.name == name)


@pytest.mark.parametrize(("value", "address", "name"), SOLE)
def test_one_mailbox_is_read_as_mail_systems_read_it(value: str, address: str, name: str) -> None:
    found = sole_mailbox(value)
    assert found is not None
    assert (found.address, found.name) == (address, name)


@pytest.mark.parametrize("value", NONE)
def test_anything_but_one_mailbox_is_nobody(value: str) -> None:
    assert sole_mailbox(value) is None


def test_only_ascii_case_is_folded() -> None:
    assert normalise("MÜLLER@X.de") == "mÜller@x.de"
    assert normalise("\N{KELVIN SIGN}@x.de") != normalise("k@x.de")
    assert normalise("a@stra\N{LATIN SMALL LETTER SHARP S}e.de") != normalise("a@strasse.de")


def test_one_domain_in_two_writings_is_one_address() -> None:
    assert normalise("a@xn--mnchen-3ya.de") == normalise("a@MÜNCHEN.de") == normalise("a@mu\u0308nchen.de.")


def test_our_tag_is_taken_off_and_found_again() -> None:
    assert mailbox_of("support+t1.abc@desk.example") == "support@desk.example"
    assert plus_part("support+t1.abc@desk.example") == "t1.abc"


def test_a_header_of_many_gives_its_readable_mailboxes() -> None:
    value = 'a@x, "b, c" <b@y>, nonsense, team: d@z, e@z;, @'
    assert [each.address for each in mailboxes(value)] == ["a@x", "b@y", "d@z", "e@z"]


def test_a_header_of_100000_addresses_is_read_to_a_bound() -> None:
    assert len(mailboxes("a@x," * 100_000)) == 100


def test_an_address_typed_by_a_person_becomes_an_outside_name() -> None:
    assert external_id(" Jane@Client.Example ").value == "jane@client.example"
    with pytest.raises(ValueError, match="mail address"):
        external_id("jane")
