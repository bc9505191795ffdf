import time

import pytest

from channels.email.body import unflow
from channels.email.html import to_text
from channels.email.readable import plain
from channels.email.reply_text import of


def cut(text: str, subject: str = "") -> str:
    return of(plain(text), subject).text


INTRODUCTIONS = [
    "On Mon, 2 Nov 2026 at 17:20, Desk <support@desk.example> wrote:",
    "On Mon, 2 Nov 2026 at 17:20, A Desk With A Long Name\n<support@desk.example>\nwrote:",
    "Am 02.11.26 um 17:20 schrieb Desk Support:",
    "Am Mo., 2. Nov. 2026 um 17:20 Uhr schrieb Desk <support@desk.example>:",
    "Le lun. 2 nov. 2026 à 17:20, Desk <support@desk.example> a écrit :",
    "El lun, 2 nov 2026 a las 17:20, Desk (<support@desk.example>) escribió:",
    "Em seg., 2 de nov. de 2026 às 17:20, Desk <support@desk.example> escreveu:",
    "Il giorno lun 2 nov 2026 alle ore 17:20 Desk <support@desk.example> ha scritto:",
    "Op ma 2 nov 2026 om 17:20 schreef Desk <support@desk.example>:",
    "pon., 2 lis 2026 o 17:20 Desk <support@desk.example> napisał(a):",
    "Den mån 2 nov. 2026 kl 17:20 skrev Desk <support@desk.example>:",
    "пн, 2 нояб. 2026 \N{CYRILLIC SMALL LETTER GHE}. в 17:20, Desk <support@desk.example>:",
    "2026年11月2日(月) 17:20 Desk <support@desk.example>:",
    "在 2026年11月2日,17:20,Desk <support@desk.example> 写道:",
    "-----Original Message-----",
    "-----Ursprüngliche Nachricht-----",
    "________________________________\nFrom: Desk\nSent: Monday, 2 November 2026 17:20\nTo: Jane\nSubject: Re: x",
    "Von: Desk\nGesendet: Montag, 2. November 2026 17:20\nAn: Jane\nBetreff: AW: x",
    "*De :* Desk\n*Envoyé :* lundi 2 novembre 2026 17:20\n*À :* Jane\n*Objet :* RE: x",
    "##- Please type your reply above this line -##",
]


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
@pytest.mark.parametrize("quote", ["> old\n> text", "old\n\ntext"])
def test_what_is_answered_is_cut(introduction: str, quote: str) -> None:
    assert cut(f"New text.\n\n{introduction}\n\n{quote}\n") == "New text."


@pytest.mark.parametrize(
    "text",
    [
        "In 2020 he wrote:\nnothing of use.",
        "My boss wrote:\n\nplease help",
        "From: Monday on\nwe are closed.",
        "> quoted\n\nbut answered below",
        "Compare a > b\n\nand c",
        "On Mon, 2 Nov 2026 at 17:20, Desk <support@desk.example> wrote:\n> only a quote",
        "----- Forwarded Message -----\nFrom: a\nSent: b\nTo: c\nSubject: d\n\ntext",
    ],
)
def test_what_a_person_wrote_stays(text: str) -> None:
    assert cut(text) == text


def test_a_forward_stays_whole_by_its_subject() -> None:
    text = "See below\n\nFrom: a\nSent: b\nTo: c\nSubject: d\n\ntext"
    assert cut(text, "FW: d") == text
    assert cut(text, "RE: FW: d") == "See below"


def test_a_quote_at_the_end_is_cut_without_an_introduction() -> None:
    assert cut("New.\n\n> a\n>> b\n\n> c\n") == "New."


def test_cutting_20000_hostile_lines_takes_no_second() -> None:
    text = "On Mon, 2 Nov 2026 at 17:20, a@x wrote:\n> q\nanswer\n" * 6_000 + "From:\n" * 2_000
    began = time.perf_counter()
    cut(text)
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<ol><li>a</li><li>b<ul><li>c</li></ul></li></ol>", "1. a\n2. b\n  - c"),
        ("<a href='https://x.example/1'>here</a>", "here (https://x.example/1)"),
        ("<a href='https://x.example/'>x.example</a>", "x.example"),
        ("<a href='javascript:alert(1)'>here</a>", "here"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a | b\nc"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>\n>> b\n>\n\nc"),
        ("<pre>a  b\n  c</pre>", "a  b\n  c"),
        ("a &lt;b&gt; &amp; &nbsp;c &#8364;", "a <b> & c €"),
        ("<style>x</style><script>if (a<b) {}</script>a<!-- b -->c<![if x]>d<![endif]>", "acd"),
        ("<img alt='Logo' src=x> a", "Logo a"),
        ("a <title='x", "a <title='x"),
        ('<p title="a > b">c</p>', "c"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<SCRIPT>x</SCRIPT>a", "a"),
        ("a<script>never closed", "anever closed"),
    ],
)
def test_html_reads_as_seen(html: str, text: str) -> None:
    assert to_text(html) == text


@pytest.mark.parametrize(
    "bomb", ["<", "<a ", "<!--", "<a href='", '<a "', "<td>x", "<blockquote><br>", "<script>", "&#", "<a b='\""]
)
def test_a_mebibyte_of_broken_html_takes_linear_time(bomb: str) -> None:
    html = bomb * (1024 * 1024 // len(bomb))
    began = time.perf_counter()
    to_text(html)
    assert time.perf_counter() - began < 3


def test_flowed_text_keeps_quotes_and_signature_marks_apart() -> None:
    assert unflow("a \nb\n> c \n> d\n-- \ne", delete_space=False) == "a b\n> c d\n-- \ne"
    assert unflow("漢 \n字", delete_space=True) == "漢字"
