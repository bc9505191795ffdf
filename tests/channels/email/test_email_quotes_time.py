"""What a stranger may send to keep the search for quotes busy: none of it takes a second."""

import time

import pytest

from channels.email.html import read
from channels.email.readable import plain
from channels.email.reply_text import MAX_LINES, of
from tests.channels.email.mail_samples import mail, message

MEBIBYTE = 1024 * 1024
INTRODUCTION = "On Mon, 2 Nov 2026 at 17:20, A <a@x.example> wrote:"
# As many lines as are looked at, so that each costs what it can.
LINES = {
    "quoted": ">",
    "introduction": INTRODUCTION,
    "introduction_without_end": INTRODUCTION[:-1] + "x",
    "verb": "wrote:",
    "verbs": "on " + "wrote " * 7 + ":",
    "label": "From:",
    "label_and_address": "From: a@b.example 10:10",
    "mark": "----- x -----",
    "original": "-----Original Message-----",
    "forwarded": "> ---------- x ---------",
    "delimiter": "-- ",
    "bare_delimiter": "--",
    "drawn": "_" * 40,
    "device": "Sent from my iPhone",
    "link": "Sent from https://https://https://",
    "day": "On 1/1/2026 10:10",
    "colon": "1:",
    "empty": "",
}
# A mebibyte in lines as long as they are looked at.
LONG = {
    "brackets": "1<" * 495 + ":",
    "addresses": "1<a@" * 240 + ":",
    "dated_addresses": "2013/7/20 " + "x@" * 490,
    "labels": "From: " + "Date: " * 160,
    "verbs": "on " + "wrote " * 150 + ":",
    "verbs_unspaced": "작성" * 300 + ":",
    "starts_within": "a On Mon, " * 90 + "wrote:\n> x",
    "dashes": "-" * 990,
    "frame": "--" + "wrote " * 100 + "--",
    "spaces": " " * 990 + "x",
    "tabs": "\t" * 990,
    "times": "10:10 " * 160 + ":",
    "days": "1/1/2026 " * 110 + ":",
    "quote_marks": "> " * 490,
}
BLOCKS = {
    "answers": f"{INTRODUCTION}\n> q\nanswer\n",
    "quotes": "> a\n\n",
    "wrapped": "> " + "a" * 75 + "\nb\n",
    "introduction_in_five": "On 1/1/2026 10:10 a\nb <a@b.example> c\nd 1/1/2026 10:10\ne\nwrote:\n",
    "labels_apart": "From:\nx\n",
    "signatures": "> a\n\n--\nx\n",
    "footers": "_" * 40 + "\nx\n",
    "gaps": "x\n" + "\n" * 50,
}
HTML = {
    "quotes": '<div class="gmail_quote">x<blockquote>y',
    "cites": "<blockquote type=cite>x",
    "closed_cites": "<blockquote type=cite>x</blockquote>a",
    "signatures": "<div class=gmail_signature>x</div>",
    "borders": '<div style="border-top:solid 1pt">x:<br>y:<br>z:</div>',
    "classes": "<div " + "class=a " * 100 + ">",
    "styles": '<div style="' + "border-top:" * 90 + '">',
    "closing": "</div>",
    "signatures_between": "<div class=gmail_signature>x</div>--<br><blockquote>a</blockquote>",
    "lists": "<ul><li>x",
}


def seconds(text: str) -> float:
    began = time.process_time()
    of(plain(text))
    return time.process_time() - began


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_as_many_lines_as_are_looked_at(line: str) -> None:
    assert seconds(f"{line}\n" * (MAX_LINES - 10)) < 1


@pytest.mark.parametrize("block", LONG.values(), ids=LONG)
def test_a_mebibyte_of_long_lines(block: str) -> None:
    assert seconds(f"{block}\n" * (MEBIBYTE // (len(block.encode()) + 1))) < 1


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_blocks_of_lines_one_after_the_other(block: str) -> None:
    assert seconds(block * (MAX_LINES // (block.count("\n") + 1))) < 1


@pytest.mark.parametrize("text", ["> a\n" * 100_000, "a" * MEBIBYTE, ">" * MEBIBYTE], ids=["lines", "line", "marks"])
def test_more_lines_and_longer_ones_than_are_looked_at(text: str) -> None:
    assert seconds(text) < 1


@pytest.mark.parametrize("tags", HTML.values(), ids=HTML)
def test_a_mebibyte_of_marked_elements(tags: str) -> None:
    began = time.process_time()
    of(read(tags * (MEBIBYTE // len(tags))))
    assert time.process_time() - began < 1


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_a_mail_of_25_mebibytes(kind: str) -> None:
    payload = mail("<br>&gt; a\n> b\n" * (25 * MEBIBYTE // 14), Content_Type=f"text/{kind}; charset=utf-8")
    began = time.process_time()
    assert message(payload).body
    assert time.process_time() - began < 1
