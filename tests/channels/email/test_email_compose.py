import random
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message

import pytest

from channels.base import Attachment, Automatic, ExternalId, OutboundMessage
from channels.email.compose import compose, envelope, message_id
from channels.errors import Undeliverable
from tests.channels.email.mail_samples import KEY, OUR_ID, TOKEN, message

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
HEADERS = ["From", "To", "Subject", "Message-ID", "Date", "X-Frontdesk", "Reply-To", "In-Reply-To", "References"]
HEADERS += ["MIME-Version", "Content-Type"]


def email(value: str) -> ExternalId:
    return ExternalId(type="email", value=value)


def outbound(  # noqa: PLR0913 - the parts of a mail, each with its usual value
    *,
    to: str = "jane@client.example",
    sender: str = "support@desk.example",
    sender_name: str = "Desk Support",
    subject: str = "Re: [#42] The invoice",
    body: str = "Dear Jane,\n\nsee https://desk.example/i?a=1&b=2.\nBest & <regards>",
    references: tuple[str, ...] = ("plain-1@client.example", "reply-2@client.example"),
    attachments: tuple[Attachment, ...] = (),
    signature: str = "",
    automatic: Automatic = Automatic.NO,
) -> OutboundMessage:
    return OutboundMessage(
        idempotency_key=KEY,
        to=email(to),
        sender=email(sender),
        sender_name=sender_name,
        subject=subject,
        body=body,
        references=references,
        attachments=attachments,
        thread=TOKEN,
        signature=signature,
        automatic=automatic,
    )


def read(mail: bytes) -> Message:
    return message_from_bytes(mail)


def texts(mail: bytes) -> dict[str, str]:
    found = {}
    for part in read(mail).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            found[part.get_content_type()] = payload.decode()
    return found


def test_a_reply_carries_its_ticket_and_what_it_answers() -> None:
    mail = read(compose(outbound(), NOW))
    assert mail["Message-ID"] == mail["X-Frontdesk"] == f"<{OUR_ID}>"
    assert mail["Reply-To"] == f"<support+t{TOKEN}@desk.example>"
    assert mail["In-Reply-To"] == "<reply-2@client.example>"
    assert mail["References"].split() == ["<plain-1@client.example>", "<reply-2@client.example>"]
    assert (mail["From"], mail["To"]) == ("Desk Support <support@desk.example>", "<jane@client.example>")


def test_the_id_is_the_same_at_every_attempt() -> None:
    assert message_id(outbound()) == message_id(outbound()) == OUR_ID
    assert envelope(outbound()) == ("support@desk.example", "jane@client.example")


def test_text_and_page_say_the_same() -> None:
    found = texts(compose(outbound(), NOW))
    assert found["text/plain"] == "Dear Jane,\r\n\r\nsee https://desk.example/i?a=1&b=2.\r\nBest & <regards>\r\n"
    assert (
        '<a href="https://desk.example/i?a=1&amp;b=2">https://desk.example/i?a=1&amp;b=2</a>.<br>' in found["text/html"]
    )
    assert "Best &amp; &lt;regards&gt;" in found["text/html"]


def test_marks_of_chats_become_a_page_and_the_signature_stands_below_both() -> None:
    found = texts(compose(outbound(body="*Dear* Jane", signature="Desk Ltd\nhttps://desk.example"), NOW))
    assert found["text/plain"] == "*Dear* Jane\r\n\r\n-- \r\nDesk Ltd\r\nhttps://desk.example\r\n"
    assert "<p><strong>Dear</strong> Jane</p>" in found["text/html"]
    assert '<p>-- <br>\r\nDesk Ltd<br>\r\n<a href="https://desk.example">' in found["text/html"]


def test_automatic_mail_of_ours_is_marked_and_known_by_any_reader_as_an_automatic_answer() -> None:
    mail = compose(outbound(automatic=Automatic.ANSWER), NOW)
    marks = ("Auto-Submitted", "X-Auto-Response-Suppress", "Precedence")
    assert [read(mail)[each] for each in marks] == ["auto-replied", "All", "auto_reply"]
    assert read(mail).keys() == [*HEADERS[:9], *marks, *HEADERS[9:]]
    elsewhere = mail.replace(b"@desk.example", b"@other.example")
    assert message(elsewhere, rcpt="jane@client.example").automatic is Automatic.ANSWER
    assert (
        message(compose(outbound(), NOW).replace(b"@desk.", b"@other."), rcpt="j@x.example").automatic is Automatic.NO
    )


def test_a_mail_bears_the_date_at_which_it_was_written() -> None:
    written = replace(outbound(), written_at=datetime(2026, 11, 1, 8, 30, tzinfo=UTC))
    assert read(compose(written, NOW))["Date"] == "Sun, 01 Nov 2026 08:30:00 +0000"


def test_our_own_mail_reads_back_as_an_echo_with_its_files() -> None:
    file = Attachment(name="Rechnung Nº 7.pdf", content_type="application/pdf", data=b"JVBERi0=", encoding="base64")
    found = message(compose(outbound(subject="Re: Grüße", attachments=(file,)), NOW))
    assert (found.automatic, found.subject) == (Automatic.ECHO, "Re: Grüße")
    assert [(each.name, each.content()) for each in found.attachments] == [("Rechnung Nº 7.pdf", b"%PDF-")]


@pytest.mark.parametrize(
    "body", ["\n.\nMAIL FROM:<a@x>", "a\r.\rb", "é" * 5_000, "\x00\ud800", "", "x" * 3_000, "--=_alternative_x"]
)
def test_what_leaves_is_ascii_in_short_crlf_lines(body: str) -> None:
    mail = compose(outbound(body=body, subject=body, sender_name=body), NOW)
    assert mail.isascii()
    assert all(len(line) < 200 and b"\r" not in line and b"\n" not in line for line in mail.split(b"\r\n"))


def hostile_texts() -> list[str]:
    chance = random.Random(300)
    pieces = [
        "\r\n",
        "\n",
        "\r",
        "Bcc: x@y",
        ":",
        "=?utf-8?q?=0ABcc:_x?=",
        "=?utf-8?b?CkJjYzogeA==?=",
        "\x00",
        "\x85",
        "\u2028",
        "é",
        '"',
        "\\",
    ]
    pieces += ["<x@y>", ",", ";", "(", ")", "\ud800", "a" * 80, " ", "\t", "\x0b", "\x1c", "=?", "?=", "\u202e", "漢字"]
    return ["".join(chance.choices(pieces, k=chance.randint(1, 8))) for _ in range(300)]


def test_300_hostile_texts_leave_exactly_the_headers_meant() -> None:
    for text in hostile_texts():
        file = Attachment(name=text, content_type=text, data=b"x")
        mail = read(compose(outbound(subject=text, sender_name=text, signature=text, attachments=(file,)), NOW))
        assert mail.keys() == HEADERS
        *_, last = mail.walk()
        assert last.keys() == ["Content-Type", "Content-Disposition", "Content-Transfer-Encoding"]


def test_hostile_texts_in_ids_and_addresses_never_become_headers() -> None:
    for text in hostile_texts():
        assert read(compose(outbound(references=("a@x", text, "b@x")), NOW)).keys() == HEADERS
        try:
            mail = read(compose(outbound(to=f"{text}jane@client.example"), NOW))
        except Undeliverable:
            continue
        assert mail.keys() == HEADERS


def test_a_subject_with_an_encoded_newline_shows_it_as_text() -> None:
    mail = compose(outbound(subject="=?utf-8?q?a=0ABcc:_x=40y?="), NOW)
    assert "Bcc" not in read(mail)
    assert message(mail).subject == "=?utf-8?q?a=0ABcc:_x=40y?="


@pytest.mark.parametrize(
    "to", ["nobody", "a@x, b@x", "a@x>\r\nRCPT TO:<b@x", "jürgen@client.example", "a@" + "x" * 300]
)
def test_an_address_no_mail_can_have_is_undeliverable(to: str) -> None:
    with pytest.raises(Undeliverable) as caught:
        compose(outbound(to=to), NOW)
    assert caught.value.bad_address


def test_long_references_keep_the_first_and_the_newest() -> None:
    ids = tuple(f"message-{at}@client.example" for at in range(500))
    kept = read(compose(outbound(references=ids), NOW))["References"]
    assert kept.split()[0] == "<message-0@client.example>"
    assert kept.split()[-1] == "<message-499@client.example>"
    assert len(kept) <= 1_500


def test_a_hashed_id_is_no_reference() -> None:
    mail = read(compose(outbound(references=("a@x", "sha256:" + "0" * 64)), NOW))
    assert mail["In-Reply-To"] == "<a@x>"


def test_a_type_that_would_change_the_structure_becomes_bytes() -> None:
    file = Attachment(name="a.eml", content_type="message/rfc822", data=b"Subject: x\r\n\r\n")
    *_, last = read(compose(outbound(attachments=(file,)), NOW)).walk()
    assert last.get_content_type() == "application/octet-stream"
