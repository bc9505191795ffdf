"""Authentication-Results (RFC 8601): who is believed, and what is read out of it."""

import time

import pytest

from channels.email.authentication import read, trusted_ids
from channels.email.channel import EmailChannel
from channels.email.parse import parse
from tests.channels.email.mail_samples import arrived, mail

OURS = "mx.desk.example"


def verdict(*results: str, sender: str = "jane@client.example", trusted: str = OURS) -> str:
    """Return what is made of these headers, the topmost first."""
    head = "".join(f"Authentication-Results: {each}\r\n" for each in results).encode()
    channel = EmailChannel.from_environment({"TRUSTED_AUTHSERV_ID": trusted})
    (found,) = channel.parse(arrived(head + mail(From=sender)))
    return str(getattr(found, "authenticated", None))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"{OURS}; dmarc=pass (p=reject dis=none) header.from=client.example", "pass"),
        (
            f"{OURS}; spf=pass smtp.mailfrom=evil.example; dkim=none; dmarc=fail (p=none) header.from=client.example",
            "fail",
        ),
        (f"{OURS} 1; dmarc=none header.from=client.example", "none"),
        (f"{OURS}\t1\t;\tdmarc\t=\tfail\t(a)\theader.from=client.example", "fail"),
        (f"{OURS}; none", "none"),
        (OURS, "none"),
        (f"{OURS};\r\n\tdkim=pass header.d=x.example;\r\n dmarc=FAIL header.from=client.example", "fail"),
        (f'"{OURS}" (checked (twice)) 1 ; dmarc / 1 = pass header . from = client.example', "pass"),
        ("MX.Desk.Example; DMARC=Pass header.from=CLIENT.example.", "pass"),
        (f"{OURS}; dmarc=temperror", "temperror"),
        (f"{OURS}; dmarc=permerror", "permerror"),
        (f"{OURS}; dmarc=bestguesspass header.from=client.example", "pass"),
        (f"{OURS}; dmarc=excellent", "none"),
        (f"{OURS}; spf=fail smtp.mailfrom=client.example; dkim=fail header.d=client.example", "none"),
        (f"{OURS}; dkim=pass header.i=@client.example", "pass"),
        (f"{OURS}; spf=pass smtp.mailfrom=bounce@client.example", "pass"),
        (f"{OURS}; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=evil.example", "none"),
        (f"{OURS}; dkim=pass header.d=evilclient.example", "none"),
        # DMARC about another From than the one we read: the two do not agree on who wrote.
        (f"{OURS}; dmarc=pass header.from=evil.example", "fail"),
        (f"{OURS}; dmarc=pass header.from=client.example; dmarc=pass header.from=evil.example", "fail"),
        (f"{OURS}; dmarc=pass header.from=evil.example; dmarc=fail header.from=client.example", "fail"),
        # What a server repeats of the sender's words.
        (f'{OURS}; dkim=neutral reason="; dmarc=pass header.d=client.example"', "none"),
        (f'{OURS}; spf=none (a"b@evil.example) smtp.mailfrom=x; dmarc=fail', "fail"),
        (f"{OURS}; spf=none (a(b@evil.example) smtp.mailfrom=x; dmarc=fail", "fail"),
        (f"{OURS}; spf=none (a) ; dmarc=pass (b@evil.example); dmarc=fail", "fail"),
        (f"{OURS}; spf=none (a(; dmarc=pass", "none"),
    ],
)
def test_a_trusted_header_is_read_as_its_server_meant_it(header: str, expected: str) -> None:
    assert verdict(header) == expected


FORGED = [
    "mx.elsewhere.example; dmarc=pass header.from=client.example",
    "mx.desk.example.evil.example; dmarc=pass",
    "evil.mx.desk.example; dmarc=pass",
    "mx.desk.examplе; dmarc=pass",  # noqa: RUF001 (a Cyrillic letter: a name that only looks like ours)
    "mx.desk.example.; dmarc=pass",
    "mx desk.example; dmarc=pass",
    "; dmarc=pass",
    "dmarc=pass; mx.desk.example",
    "(mx.desk.example) evil.example; dmarc=pass",
    "evil.example (mx.desk.example); dmarc=pass",
    '"evil.example; mx.desk.example"; dmarc=pass',
    "evil.example\\; mx.desk.example; dmarc=pass",
    "evil.example mx.desk.example; dmarc=pass",
    "evil.example,mx.desk.example; dmarc=pass",
    "evil.example/mx.desk.example; dmarc=pass",
    "=?utf-8?q?mx.desk.example?=; dmarc=pass",
    "mx.desk.example@evil.example; dmarc=pass",
    "<mx.desk.example>; dmarc=pass",
    "mx.desk.example=x; dmarc=pass",
    "mx_desk_example; dmarc=pass",
]


def test_20_forged_headers_say_nothing() -> None:
    assert len(FORGED) == 20
    assert {verdict(each) for each in FORGED} == {""}


@pytest.mark.parametrize("said", ["none", "fail"])
def test_20_forged_headers_below_the_servers_own_change_nothing(said: str) -> None:
    below = [each.replace("elsewhere", "desk") for each in FORGED] + [f"{OURS}; dmarc=pass header.from=client.example"]
    assert verdict(f"{OURS}; dmarc={said}", *below) == said


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ("dmarc=fail", "fail"),
        ("dmarc=pass", "none"),
        ("dmarc=none", "none"),
        ("spf=fail", "none"),
        # A list passed it on in its own name, and it came by the same server before.
        ("dmarc=pass header.from=author.example", "none"),
    ],
)
def test_a_failure_counts_in_whichever_header_of_the_server_it_stands(below: str, expected: str) -> None:
    assert verdict(f"{OURS}; spf=none smtp.mailfrom=x.example", f"{OURS}; {below}") == expected


def test_a_header_of_another_server_above_the_trusted_one_does_not_hide_it() -> None:
    assert verdict("inner.example; dmarc=pass", f"{OURS}; dmarc=fail") == "fail"


def test_the_header_in_the_body_of_a_mail_or_of_a_forwarded_one_says_nothing() -> None:
    forwarded = f"--b\r\nContent-Type: message/rfc822\r\n\r\nAuthentication-Results: {OURS}; dmarc=pass\r\n\r\nx--b--"
    (found,) = parse(arrived(mail(forwarded, Content_Type="multipart/mixed; boundary=b")), frozenset({OURS}))
    assert getattr(found, "authenticated", None) == ""


def test_nobody_is_trusted_unless_named() -> None:
    assert verdict(f"{OURS}; dmarc=pass", trusted="") == ""


def test_several_servers_can_be_named() -> None:
    for server in ("mx1.desk.example", "MX2.desk.example"):
        assert verdict(f"{server}; dmarc=none", trusted="mx1.desk.example, mx2.desk.example") == "none"


def test_stored_bytes_are_judged_by_the_names_that_are_trusted_when_they_are_read() -> None:
    event = arrived(f"Authentication-Results: {OURS}; dmarc=fail\r\n".encode() + mail())
    before, after = (EmailChannel.from_environment({"TRUSTED_AUTHSERV_ID": each}) for each in ("", OURS))
    assert [getattr(each.parse(event)[0], "authenticated", None) for each in (before, after)] == ["", "fail"]


@pytest.mark.parametrize("setting", ["a;b", "mx=1", 'mx "x"', "x" * 256])
def test_a_setting_that_is_no_name_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="TRUSTED_AUTHSERV_ID"):
        trusted_ids(setting)


@pytest.mark.parametrize("junk", ["(", '"', "\\", "a=", ";", "; dmarc=pass", "()", '""', "\\(", " =", "a.b=c "])
def test_60_kilobytes_of_anything_are_read_in_a_moment(junk: str) -> None:
    value = f"{OURS}; " + junk * (60_000 // len(junk))
    began = time.process_time()
    read(value)
    assert time.process_time() - began < 0.3


def test_reply_to_is_kept_as_data_and_is_nobody() -> None:
    (found,) = parse(arrived(mail(Reply_To='"Ada" <Ada@Desk.example>, x@y.example', Sender="s@z.example")))
    assert getattr(found, "reply_to", None) == "ada@desk.example, x@y.example"
    assert getattr(found, "sender", None) == parse(arrived(mail()))[0].sender  # type: ignore[union-attr]
