from datetime import UTC, datetime

import pytest

from channels.base import ExternalId
from channels.email import references
from channels.errors import Malformed
from tests.channels.email.mail_samples import KEY, OUR_ID, TOKEN, arrived, mail, message, sample


def test_a_plain_mail_is_read_whole() -> None:
    found = message(sample("plain"))
    assert found.sender == ExternalId(type="email", value="jane@client.example")
    assert (found.sender_name, found.subject) == ("Doe, Jane", "The invoice for October")
    assert found.body == "Hello,\n\nthe invoice for October is 20 € too high.\n\nJane"
    assert found.sent_at == datetime(2026, 11, 2, 8, 15, tzinfo=UTC)
    assert found.external_id == ExternalId(type="email", value="plain-1@client.example")
    assert (found.automatic, found.references, found.attachments) == ("no", (), ())


def test_a_reply_names_token_then_answered_then_earlier_then_subject() -> None:
    found = message(sample("gmail_reply"), rcpt=f"support+t{TOKEN}@desk.example")
    assert [(each.type, each.value) for each in found.references] == [
        ("reply_token", TOKEN),
        ("email", OUR_ID),
        ("email", "plain-1@client.example"),
        ("subject_tag", "42"),
    ]
    assert found.recipients == (ExternalId(type="email", value="support@desk.example"),)
    assert found.body == "Thank you, that’s right now."  # noqa: RUF001 - as typed by the phone


def test_references_are_tried_newest_first() -> None:
    found = message(mail(In_Reply_To="<c@x>", References="<a@x> <b@x>\r\n <c@x>"))
    assert [each.value for each in found.references] == ["c@x", "b@x", "a@x"]


def test_an_html_mail_becomes_text_without_what_it_answers() -> None:
    found = message(sample("outlook_html"))
    assert found.subject == "AW: Rückfrage zur Rechnung"
    assert found.sender_name == "Jürgen Müller"
    assert found.body == (
        "Guten Tag,\n\nsiehe die Rechnung (https://firma.example/r/1):\n\n- Posten eins\n- Posten zwei\n\n"
        "Summe | 20 €\n\nGrüße"
    )


def test_an_inline_image_keeps_name_and_content_id() -> None:
    (image,) = message(sample("outlook_html")).attachments
    assert (image.name, image.content_id, image.content_type) == ("Lögo.png", "logo@firma", "image/png")
    assert image.content() == b"\x89PNG\r\n\x1a\n"


def test_files_have_names_and_never_paths() -> None:
    found = message(sample("attachments"))
    assert found.body == "See both files."
    names = [each.name for each in found.attachments]
    assert names == ["Rechnung Nº 7.pdf", "....etcpasswd", "The older mail.eml", "application-4.zip"]
    assert found.attachments[0].content() == b"%PDF-1.4\n"
    assert found.attachments[2].content().startswith(b"From: other@client.example")


def test_flowed_paragraphs_are_joined() -> None:
    found = message(sample("flowed"))
    assert found.body == "This paragraph was broken by the program, not by the writer.\n\nSecond one."


def test_inline_answers_and_forwarded_mails_stay_whole() -> None:
    assert "> Which browser?\n\nFirefox." in message(sample("inline_answers")).body
    assert message(sample("forwarded")).body.endswith("Your parcel is lost.")


def test_reply_to_is_nobody() -> None:
    assert message(mail(Reply_To="agent@desk.example")).sender.value == "jane@client.example"


def test_two_from_headers_are_nobody() -> None:
    with pytest.raises(Malformed):
        message(b"From: a@x\r\nFrom: b@x\r\n\r\nHello")


@pytest.mark.parametrize("sender", ["", "a@x, b@x", "team: a@x;", "nobody"])
def test_a_from_without_exactly_one_mailbox_is_set_aside(sender: str) -> None:
    with pytest.raises(Malformed):
        message(mail(From=sender))


def test_an_empty_plain_part_gives_way_to_html() -> None:
    body = "--b\r\nContent-Type: text/plain\r\n\r\n \r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>\r\n--b--"
    assert message(mail(body, Content_Type="multipart/alternative; boundary=b")).body == "Hi"


def test_text_around_an_image_is_joined() -> None:
    text = "--b\r\nContent-Type: text/plain\r\n\r\n{}\r\n"
    body = text.format("Before") + "--b\r\nContent-Type: image/png\r\n\r\nx\r\n" + text.format("After") + "--b--"
    found = message(mail(body, Content_Type='multipart/mixed; boundary="b"'))
    assert (found.body, [each.name for each in found.attachments]) == ("Before\n\nAfter", ["image-1.png"])


def test_a_multipart_without_its_boundary_is_shown_as_text() -> None:
    assert message(mail("Plain after all", Content_Type="multipart/mixed; boundary=b")).body == "Plain after all"


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Mon, 99 Foo 2026 99:99:99", "1 Jan 300000 00:00:00 +0000", "1 Jan 2026 00:00 -9999999"]
)
def test_a_date_that_is_none_is_left_out(date: str) -> None:
    assert message(mail(Date=date)).sent_at is None


@pytest.mark.parametrize(
    ("subject", "read"),
    [
        ("=?utf-8?Q?=E2=82?= =?utf-8?Q?=AC?=", "€"),
        ("=?utf-8?B?SGVsbG8?=", "Hello"),
        ("=?nonsense?Q?caf=E9?=", "café"),
        ("=?utf-8?Q?a=0ABcc:_b@x?=", "a Bcc: b@x"),
        ("=?utf-8?Q?a=00=1Bb?=", "a b"),
        ("=?utf-7?Q?+ADw-script+AD4-?=", "<script>"),
        ("=?idna?Q?abc?= =?punycode?Q?abc?=", "abcabc"),
        ("a =?utf-8?Q?b?= c =?utf-8?Q?d?=", "a b c d"),
        ("=?utf-8?Q?unfinished", "=?utf-8?Q?unfinished"),
        ("x" * 300, "x" * 254 + "…"),
        ("safe\u202etxt.exe", "safetxt.exe"),
    ],
)
def test_a_subject_is_one_clean_line(subject: str, read: str) -> None:
    assert message(mail(Subject=subject)).subject == read


def test_eight_bit_headers_are_read_in_utf8_or_windows_1252() -> None:
    assert message(mail(Subject="Grüße")).subject == "Grüße"
    assert message(mail(Subject="@@").replace(b"@@", b"Gr\xfc\xdfe")).subject == "Grüße"


def test_the_same_mail_over_another_way_is_the_same_event() -> None:
    first, again = sample("plain"), b"Received: from elsewhere\r\n" + sample("plain")
    assert arrived(first).external_id == arrived(again).external_id
    assert arrived(first).conversation == "jane@client.example"


def test_another_body_or_mailbox_under_one_message_id_is_another_event() -> None:
    keys = {
        arrived(mail("a")).external_id,
        arrived(mail("b")).external_id,
        arrived(mail("a"), "sales@desk.example").external_id,
    }
    assert len(keys) == 3


def test_without_a_message_id_the_whole_mail_is_the_key() -> None:
    first, other = mail(Message_ID="", Subject="a"), mail(Message_ID="", Subject="b")
    assert arrived(first).external_id != arrived(other).external_id


def test_an_unreadable_sender_still_has_a_conversation() -> None:
    assert arrived(mail(From="?")).conversation == "jane@client.example"
    nobody = arrived(mail(From="?"), mail_from="")
    assert nobody.conversation == nobody.external_id


def test_an_answer_with_our_message_id_is_found_by_its_token() -> None:
    found = message(mail(References=f"<{OUR_ID}>"))
    assert [each.value for each in found.references] == [TOKEN, OUR_ID]
    assert KEY in OUR_ID


def test_a_message_id_folded_into_encoded_words_is_still_a_reference() -> None:
    words = ("=3Ct1=2Ec54lro4kbhkalbx5sp3bdvrhxt=2E42e4c59f-684e-4933-a043-", "56457b991a98=40desk=2Eexample=3E")
    folded = "\r\n ".join(f"=?utf-8?q?{word}?=" for word in words)
    assert references.message_ids(folded) == (
        "t1.c54lro4kbhkalbx5sp3bdvrhxt.42e4c59f-684e-4933-a043-56457b991a98@desk.example",
    )
