"""A sentence about HTML, or nothing said at all, does not stand for what the HTML shows."""

import time

import pytest

from channels.email.parse import parse
from tests.channels.email.mail_samples import arrived, mail, message

ASKED = "Please give me my money back for order 4411."
STUBS = [
    "This message is in HTML format. Please use an HTML capable mail program.",
    "Sent from my iPhone",
    "[cid:image001.png@01]",
    "&nbsp;",
    "-- \nCleo",
    "See https://mail.example/view?order=4411&what=give-me-my-money-back",
]


def both(plain: str, html: str) -> bytes:
    head = mail("", Content_Type="multipart/alternative; boundary=b")
    parts = (("plain", plain), ("html", html))
    return head + "".join(f"--b\nContent-Type: text/{kind}; charset=utf-8\n\n{text}\n" for kind, text in parts).encode()


@pytest.mark.parametrize("stub", STUBS)
def test_a_stub_gives_way_to_what_the_html_says(stub: str) -> None:
    assert message(both(stub, f"<p>{ASKED}")).body == ASKED


def test_a_stub_gives_way_though_the_html_holds_it() -> None:
    html = f"<p>{ASKED}</p><p>It came broken, and nobody answers the phone.</p><p>Sent from my iPhone</p>"
    assert message(both("Sent from my iPhone", html)).body.startswith(ASKED)


def test_a_short_html_is_seen_beside_a_stub() -> None:
    assert message(both("Sent from my iPhone", "<p>OK")).body == "OK"


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        (f"*{ASKED}*", f"<b>{ASKED}</b>"),
        ("请退还我订单\n4411的款项。", "<p>请退还我订单4411的款项。"),
        (ASKED, ""),
        (ASKED, "<p>&nbsp;</p><img src=cid:1>"),
        (ASKED, f"<p>{ASKED}<p>" + "Printed on paper that was made of grass. " * 20),
        (f"{ASKED} " * 40, "<p>Your program shows no text."),
    ],
)
def test_a_plain_text_stands_for_its_html(plain: str, html: str) -> None:
    assert message(both(plain, html)).body == plain.strip()


def test_a_short_answer_whose_quote_stands_in_the_html_alone_stays_what_it_is() -> None:
    quote = (
        '<div class="gmail_quote"><div>On Mon, Desk wrote:</div><blockquote>Shall we send it again?</blockquote></div>'
    )
    assert message(both("Yes", f"<p>Yes</p>{quote}")).body == "Yes"


def test_many_alternatives_of_a_stub_are_read_within_a_second() -> None:
    payload = both("Sent from my iPhone. " * 20, "") + b"--b\nContent-Type: text/html\n\n<p>sent from".join(
        [b"", *[b" iphone" * 1_100 + b"\n"] * 150]
    )
    began = time.process_time()
    parse(arrived(payload))
    assert time.process_time() - began < 1
