"""What a stranger may send: nothing of it may raise anything but `Malformed`, or take long."""

import random
import time
import tracemalloc

import pytest

from channels.base import InboundMessage, Parsed, RawEvent
from channels.email.mime import MAX_PARTS
from channels.email.parse import parse
from channels.errors import Malformed
from tests.channels.email.mail_samples import MAILS, arrived, mail, message


def nested(levels: int) -> bytes:
    opened = "".join(f"--b{at}\r\nContent-Type: multipart/mixed; boundary=b{at + 1}\r\n\r\n" for at in range(levels))
    first = "--b0\r\nContent-Type: text/plain\r\n\r\nFirst.\r\n"
    return mail(first + opened + f"--b{levels}\r\n\r\ndeepest", Content_Type="multipart/mixed; boundary=b0")


def parts(count: int) -> bytes:
    body = "".join(f"--b\r\nContent-Type: text/plain\r\n\r\npart {at}\r\n" for at in range(count))
    return mail(body + "--b--", Content_Type="multipart/mixed; boundary=b")


def mebibyte(line: str) -> bytes:
    return mail((line + "\n") * (1024 * 1024 // (len(line.encode()) + 1)))


def headed(head: str) -> bytes:
    return mail(f"--b\r\n{head}\r\n\r\nx\r\n" * 199, Content_Type="multipart/mixed; boundary=b")


# Lines that make an expression start over at every character, or give back what it took one character at a time.
LINES = {
    "dated_address": "1" * 333 + "<" + "@" * 660,
    "dated_addresses": "1<a@" * 240 + ":",
    "begins": "on " + "<a@" * 300,
    "verbs": "on " + "작성" * 195 + "a",
    "verbs_wrapped": "on " + "작성" * 45 + "a",
    "verbs_wrapped_colon": "on " + "wrote," * 15 + "a:",
    "verbs_short": "on " + "wrote " * 8,
    "verbs_short_colon": "on " + "wrote " * 7 + ":",
    "dashes": "-" * 990,
    "dashes_quoted": " >" * 400 + "-" * 190,
    "spaces": " " * 990 + "x",
    "label_stars": "*" * 990 + "From:",
    "label_quoted": "> " * 490 + "From:",
    "label_short": "_" * 100 + "From: a",
    "label_after": "From:" + "*" * 990,
    "above": "reply " * 165,
    "timed_without_verb": "on 10.00 " + "xwrotex " * 4 + "a\N{FULLWIDTH COLON}",
    "timed_with_far_verb": "on 10.00 " + "wrote " * 8 + "x" * 151 + ":",
}
# What makes a search for addresses or codes in a notice start over and over.
SAID = {
    "at_signs": "@" * 70_000,
    "locals": "a" * 70_000,
    "domains": "a@" + "a." * 35_000,
    "domains_dashed": "a@" + "a-" * 35_000,
    "said": "to\n" * 22_000,
    "said_spaces": ("to" + " " * 16) * 4_000,
    "codes": "550 " * 17_000,
    "enhanced": "5.1.1 " * 11_000,
    "fields": "Recipient:\n" * 7_000,
    "blocks": "Action: failed\n\n" * 4_000,
    "listed": "* <a@b.c\n" * 8_000,
    "headings": ("-" * 190 + "\n") * 350,
    "headers": "A: b\n" * 11_000 + "Received: x\n",
    "ids": ("t1." + "a" * 26 + ".") * 2_000,
}


def notice(said: str) -> bytes:
    return mail(said, From="MAILER-DAEMON@x.example", Subject="failure notice", Auto_Submitted="auto-replied")


HOSTILE = {
    **{f"line_{name}": mebibyte(line) for name, line in LINES.items()},
    "dated_address_40": mail(("1" * 333 + "<" + "@" * 660 + "\n") * 40),
    "charset_punycode_spelt": mail("a-" + "b" * 500_000, Content_Type="text/plain; charset=punycode-"),
    "headers_of_parts": headed("a:\r\n" * 12_000),
    "folds_of_parts": headed("a:" + "\r\n " * 20_000),
    "parameters_of_parts": headed("Content-Type: text/plain" + ';a="\\"' * 670),
    "html_quotes": mail("<a " + "\"'" * 500_000, Content_Type="text/html"),
    "html_attributes": mail("<a " + "href " * 200_000 + ">", Content_Type="text/html"),
    "boundary_spaces": mail(("--b" + " " * 500 + "x\n") * 2_000, Content_Type="multipart/mixed; boundary=b"),
    "reference_60k": mail(References="<" + "a" * 60_000),
    "encoded_words_open": mail(Subject="=?a?q?" * 10_000),
    "comments_60k": mail(From="(" + "a," * 30_000 + ") <a@x>"),
    "nested_5000": nested(5_000),
    "parts_50000": parts(50_000),
    "comment_bomb": mail(From="(" * 4096 + "a@x"),
    "comment_bomb_to": mail(To="(" * 4096, Cc=")" * 4096),
    "subject_224k": mail(Subject="x " * 112_000),
    "subject_60k_words": mail(Subject="=?utf-8?q?a?= " * 4_000),
    "message_id": mail(Message_ID="<@[\x00(<>\\\"'=?utf-8?>"),
    "message_id_60k": mail(Message_ID="<" + "a" * 60_000 + ">"),
    "nul": mail("a\x00b", Subject="a\x00b"),
    "surrogates": mail("\ud800\udfff".encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")),
    "references": mail(References="<a@x> " * 9_000),
    "references_open": mail(References="<" * 60_000, In_Reply_To="@" * 4_000),
    "headers_600": b"X: y\r\n" * 600 + mail(),
    "header_without_end": b"a" * 300_000,
    "empty": b"",
    "only_newlines": b"\r\n" * 100_000,
    "folds": mail(Subject="a" + "\r\n " * 20_000 + "b"),
    "charset": mail("\xff", Content_Type="text/plain; charset=zlib"),
    "charset_nul": mail("x", Content_Type='text/plain; charset="\x00\ud800"'.encode("utf-8", "replace").decode()),
    "charset_punycode": mail("a-" + "b" * 200_000, Content_Type="text/plain; charset=punycode"),
    "charset_utf7": mail("+" * 500_000, Content_Type="text/plain; charset=utf-7"),
    "base64": mail("!" * 500_000 + "=", Content_Type="text/plain", Content_Transfer_Encoding="base64"),
    "base64_junk": mail("QUJDR!*\x00\xffQ", Content_Type="text/plain", Content_Transfer_Encoding="base64"),
    "base64_odd": mail("QUJDR", Content_Type="text/plain", Content_Transfer_Encoding="base64"),
    "quoted_printable": mail("=" * 500_000, Content_Transfer_Encoding="quoted-printable"),
    "boundary_like": mail("--b-" * 250_000, Content_Type="multipart/mixed; boundary=b"),
    "boundary_empty": mail("--\r\n--\r\n", Content_Type='multipart/mixed; boundary=""'),
    "boundary_same": mail(
        "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 1_000, Content_Type="multipart/mixed; boundary=b"
    ),
    "parameters": mail(Content_Type="text/plain" + '; a*999*="' * 400),
    "parameter_quotes": mail(Content_Type='multipart/mixed; boundary="' + '\\"' * 2_000),
    "lines": mail(">" * 500_000 + "\r\n" + "> \n" * 100_000, Content_Type="text/plain; format=flowed"),
    "introduction": mail("On 1 Jan 2026 at 10:00 a@x " * 40_000),
    "labels": mail("From: a\nSent: b\n" * 50_000),
    "html_tags": mail("<a href=" * 100_000, Content_Type="text/html"),
    "digest": mail("--b\r\n\r\nFrom: x\r\n" * 300, Content_Type="multipart/digest; boundary=b"),
    "report": mail(
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n" + "\r\n" * 50_000,
        Content_Type="multipart/report; boundary=b",
    ),
    **{f"bounce_{name}": notice(said) for name, said in SAID.items()},
    "uuencoded_begins": mail("begin 644 a\n" * 40_000),
    "uuencoded_lines": mail("begin 644 a\n" + "M" + "A" * 60 + "\n" * 500_000),
    "uuencoded_open": mail("begin 644 a\n" + ("M" + "A" * 60 + "\n") * 8_000),
    "dates": mail(Date="1" * 50_000),
    "file_name": mail("x", Content_Disposition="attachment; filename*0*=utf-8''" + "%FF" * 2_000),
}


def read(event: RawEvent) -> tuple[Parsed, ...]:
    try:
        return parse(event)
    except Malformed:
        return ()


def storable(found: tuple[Parsed, ...]) -> bool:
    texts = [
        text
        for each in found
        if isinstance(each, InboundMessage)
        for text in (each.body, each.subject, each.sender_name)
    ]
    texts += [file.name for each in found if isinstance(each, InboundMessage) for file in each.attachments]
    return not any("\x00" in text or any("\ud800" <= char <= "\udfff" for char in text) for text in texts)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_is_read_or_set_aside_within_a_second(name: str) -> None:
    event = arrived(HOSTILE[name], mail_from="" if name.startswith("bounce") else "jane@client.example")
    began = time.process_time()  # of this process: others on the machine do not count
    assert storable(read(event))
    assert time.process_time() - began < 1


def test_returned_headers_without_end_are_read_within_a_second() -> None:
    status = "--b\r\nContent-Type: message/delivery-status\r\n\r\n" + "Action: failed\r\n\r\n" * 5_000
    returned = "--b\r\nContent-Type: message/rfc822\r\n\r\n" + "a:\r\n" * 15_000
    event = arrived(mail(status + returned * 100, Content_Type="multipart/report; boundary=b"), mail_from="")
    began = time.process_time()
    assert storable(read(event))
    assert time.process_time() - began < 1


@pytest.mark.parametrize("payload", [nested(29), nested(31), nested(500), nested(5_000)])
def test_the_first_text_is_there_however_deep_the_rest(payload: bytes) -> None:
    assert message(payload).body.startswith("First.")


@pytest.mark.parametrize("count", [199, 200, 201, 50_000])
def test_the_first_text_is_there_however_many_the_rest(count: int) -> None:
    assert message(parts(count)).body.startswith("part 0\n\npart 1\n")


def test_what_is_over_a_limit_is_attached_unread() -> None:
    found = message(parts(500))
    assert "over a limit" in found.body
    assert b"part 499" in found.attachments[-1].content()
    assert len(found.attachments) < MAX_PARTS


def test_ten_megabytes_of_text_are_cut_to_one() -> None:
    assert len(message(mail("line\r\n" * 2_000_000)).body) <= 1024 * 1024


def test_a_mail_of_27_megabytes_adds_less_than_10() -> None:
    line = b"QUJD" * 19 + b"\r\n"
    file = b"--b\r\nContent-Type: image/jpeg; name=a.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n" + line * 17_500
    payload = mail("", Content_Type="multipart/mixed; boundary=b") + file * 20 + b"--b--"
    event = arrived(payload)
    tracemalloc.start()
    (found,) = parse(event)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(payload) > 27_000_000
    assert isinstance(found, InboundMessage)
    assert len(found.attachments) == 20
    assert peak < 10_000_000


def test_2000_mutated_mails_are_read_or_set_aside() -> None:
    chance = random.Random(20261102)
    seeds = [path.read_bytes() for path in sorted(MAILS.rglob("*.eml"))]
    began = time.perf_counter()
    for _ in range(2_000):
        payload = mutated(chance, chance.choice(seeds), chance.choice(seeds))
        assert storable(read(arrived(payload, mail_from=chance.choice(("", "jane@client.example")))))
    assert time.perf_counter() - began < 20


def mutated(chance: random.Random, seed: bytes, other: bytes) -> bytes:
    data = bytearray(seed)
    for _ in range(chance.randint(1, 12)):
        at, length = chance.randrange(len(data) + 1), chance.randint(0, 40)
        piece = chance.choice(
            (
                b"",
                b"\x00",
                b"\xff\xfe",
                b"\r\n",
                b"\n\n",
                b"--",
                b'"',
                b"(",
                b"<>",
                b"=?",
                b"?=",
                b"\xed\xa0\x80",
                b":;",
                b"*0*=",
            )
        )
        donor = chance.randrange(len(other))
        data[at : at + length] = piece * chance.randint(1, 50) if chance.random() < 0.7 else other[donor : donor + 200]
    return bytes(data)


def test_an_ordinary_mail_takes_two_milliseconds() -> None:
    event = arrived((MAILS / "gmail_reply.eml").read_bytes())
    parse(event)
    times = []
    for _ in range(50):
        began = time.perf_counter()
        parse(event)
        times.append(time.perf_counter() - began)
    assert sorted(times)[25] < 0.002
