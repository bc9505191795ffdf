"""How an answer is told in messages: what goes together, in which order, and what goes as a link."""

import pytest

from channels.base import Enclosure
from channels.twilio.media import plan

WORDS = " ".join(f"word{number}" for number in range(640))  # 5,009 characters
PICTURE = Enclosure(name="a.jpg", content_type="image/jpeg", size=400_000)


def file(kind: str, size: int = 1000, name: str = "a") -> Enclosure:
    return Enclosure(name=name, content_type=kind, size=size)


def told(channel: str, body: str, *files: Enclosure) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Return the beginning, the files and the links of each message."""
    return [(piece.body[:3], piece.files, piece.links) for piece in plan(channel, body, files).pieces]


def test_a_long_text_with_pictures_by_mms_has_them_with_its_last_part() -> None:
    pieces = plan("sms", WORDS, [PICTURE] * 3).pieces
    assert [piece.files for piece in pieces] == [(), (), (), (0, 1, 2)]
    assert all(len(piece.body) <= 1600 for piece in pieces)
    assert " ".join(piece.body for piece in pieces).split() == WORDS.split()


def test_on_whatsapp_each_picture_is_a_message_and_the_first_may_have_a_caption() -> None:
    assert told("whatsapp", "See these", PICTURE, PICTURE, PICTURE) == [
        ("See", (0,), ()),
        ("", (1,), ()),
        ("", (2,), ()),
    ]
    assert told("whatsapp", "", PICTURE) == [("", (0,), ())]
    assert [files for _, files, _ in told("whatsapp", "x " * 600, PICTURE)] == [(), (0,)]


@pytest.mark.parametrize("kind", ["application/pdf", "audio/ogg", "text/vcard", "application/msword"])
def test_on_whatsapp_what_shows_no_caption_goes_after_the_text(kind: str) -> None:
    assert told("whatsapp", "See", file(kind)) == [("See", (), ()), ("", (0,), ())]


def test_an_mms_holds_ten_files_of_five_megabytes_together() -> None:
    assert [files for _, files, _ in told("sms", "See", *[file("image/png")] * 12)] == [tuple(range(10)), (10, 11)]
    big = file("image/png", 2_000_000)
    assert [files for _, files, _ in told("sms", "See", *[big] * 5)] == [(0, 1), (2, 3), (4,)]


@pytest.mark.parametrize(
    ("channel", "given", "carried"),
    [
        ("sms", file("image/jpeg", 5_000_000), True),
        ("sms", file("image/jpeg", 5_000_001), False),
        ("sms", file("image/jpg; charset=binary"), True),
        ("sms", file("application/pdf", 500_000), True),
        ("sms", file("application/pdf", 500_001), False),
        ("sms", file("application/zip"), False),
        ("sms", file("application/vnd.openxmlformats-officedocument.wordprocessingml.document"), False),
        ("sms", file("image/svg+xml"), False),
        ("sms", file("image/gif", 0), False),
        ("whatsapp", file("image/png", 5_000_001), False),
        ("whatsapp", file("application/pdf", 16_000_000), True),
        ("whatsapp", file("video/mp4", 16_000_001), False),
        ("whatsapp", file("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), True),
        ("whatsapp", file("image/gif"), False),
        ("whatsapp", file("image/webp"), False),
        ("whatsapp", file("text/html"), False),
        ("whatsapp", file(""), False),
    ],
)
def test_what_a_channel_does_not_carry_is_a_link_and_the_agent_knows(
    channel: str,
    given: Enclosure,
    carried: bool,  # noqa: FBT001 (a table's column)
) -> None:
    made = plan(channel, "See", [given])
    linked = [piece.links for piece in made.pieces if piece.links]
    assert linked == ([] if carried else [(0,)])
    assert any("gets a link to a" in remark for remark in made.remarks) is not carried


def test_links_come_last_four_in_a_message() -> None:
    files = [file("application/zip", name=f"{n}.zip") for n in range(5)]
    assert told("sms", "See", *files, PICTURE) == [("See", (5,), ()), ("", (), (0, 1, 2, 3)), ("", (), (4,))]


def test_a_text_of_more_than_three_sms_says_what_it_costs_and_why() -> None:
    assert plan("sms", "a" * 459, []).remarks == ()
    assert plan("sms", "a" * 460, []).remarks == ("This text costs 4 SMS (GSM-7).",)
    assert plan("sms", "a" * 300 + "ş", []).remarks == ("This text costs 5 SMS (UCS-2 because of “ş”).",)
    assert plan("whatsapp", WORDS, []).remarks == ()


def test_nothing_at_all_is_one_empty_message() -> None:
    assert told("sms", "  ") == [("", (), ())]
