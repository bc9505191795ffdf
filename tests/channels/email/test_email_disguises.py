"""From in other bytes than it seems: whose address only looks like the client's is nobody."""

import time

import pytest

from channels.email import headers
from channels.email.parse import parse
from channels.errors import Malformed
from tests.channels.email.mail_samples import arrived, mail, message

YAMADA = "山田".encode("iso-2022-jp")


def from_bytes(value: bytes, charset: str = "utf-8") -> bytes:
    return mail(From="@@", Content_Type=f"text/plain; charset={charset}").replace(b"@@", value)


@pytest.mark.parametrize(
    "value",
    [
        b"Cleo <cleo@client.example\x1b(J>",
        b"Cleo <cleo@client.example\x1b(J)>",
        b"\x1b(Jcleo@client.example\x1b(B",
        b"Cleo <cl\x1b$B\x1b(Beo@client.example>",
        YAMADA + b" <cleo\x1b(B@client.example>",
        b"Cleo <cleo@client.example\x1f>",
        b"cleo@client.example\x0c",
        b"Cleo <\x01cleo@client.example>",
        b"Cleo <cleo@client.example\xc2\x85>",
    ],
)
def test_an_address_with_control_bytes_is_nobodys(value: bytes) -> None:
    with pytest.raises(Malformed):
        parse(arrived(from_bytes(value)))


@pytest.mark.parametrize(
    "hidden", [0x200B, 0xFEFF, 0x200D, 0x2060, 0x00AD, 0x202E, 0x180E, 0x034F, 0x3164, 0xFE0F, 0xE0041, 0x2003]
)
@pytest.mark.parametrize("local", ["{}cleo", "cl{}eo", "cleo{}", '"cl{}eo"'])
def test_an_address_with_characters_that_nobody_sees_is_nobodys(hidden: int, local: str) -> None:
    with pytest.raises(Malformed):
        parse(arrived(from_bytes(f"Cleo <{local.format(chr(hidden))}@client.example>".encode())))


@pytest.mark.parametrize(
    ("value", "charset"),
    [
        (b"+XHF1MA-\xff <+AGMAbABlAG8@client.example>", "utf-7"),
        (YAMADA + b"\xff <cleo@client.example\x1b(J>", "iso-2022-jp"),
        ("\u00d8 <cleo@client.example>".encode("cp037"), "cp037"),
    ],
)
def test_no_charset_makes_an_address_of_other_bytes(value: bytes, charset: str) -> None:
    try:
        sender = message(from_bytes(value, charset)).sender.value
    except Malformed:
        return
    assert sender != "cleo@client.example"


@pytest.mark.parametrize("name", [YAMADA, YAMADA.replace(b"\x1b(B", b"\x1b(J"), "山田".encode()])
def test_names_in_iso_2022_jp_are_read_beside_the_address(name: bytes) -> None:
    found = message(from_bytes(name + b" <jane@client.example>"))
    assert (found.sender.value, found.sender_name) == ("jane@client.example", "山田")


@pytest.mark.parametrize("local", ["o'neil", '"john doe"', "jane+tag", "山田", "jané"])
def test_characters_that_are_seen_stay(local: str) -> None:
    assert message(from_bytes(f"<{local}@client.example>".encode())).sender.value == f"{local}@client.example"


@pytest.mark.parametrize("junk", [b"\x1b$B!!", b"\x1b$B!! ", b"\x1b(J", b"\x1b$B", b"\x1b(B\xff"])
def test_60_kilobytes_of_escapes_are_read_in_a_moment(junk: bytes) -> None:
    began = time.process_time()
    headers.read(b"Subject: " + junk * (60_000 // len(junk)) + b"\r\n\r\n")
    assert time.process_time() - began < 0.3
