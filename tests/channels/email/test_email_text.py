import time

import pytest

from channels.email.body import unflow
from channels.email.html import to_text


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
        (
            "<table><tr><td><p>a</p></td><td><div>b</div></td></tr><tr><td><p>c</p><p>d</p></td></tr></table>",
            "a | b\nc\n\nd",
        ),
        ("<ul><li><p>a</p></li><li><div>b</div>c</li></ul>d", "- a\n- b\nc\n\nd"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>\n>> b\n>\n\nc"),
        ("<pre>a  b\n  c</pre>", "a  b\n  c"),
        ("a &lt;b&gt; &amp; &nbsp;c &#8364;", "a <b> & c €"),
        ("<style>x</style><script>if (a<b) {}</script>a<!-- b -->c<![if x]>d<![endif]>", "acd"),
        ("<img alt='Logo' src=x> a", "Logo a"),
        ("a <title='x", "a title='x"),
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
    began = time.process_time()
    to_text(html)
    assert time.process_time() - began < 1


def test_flowed_text_keeps_quotes_and_signature_marks_apart() -> None:
    assert unflow("a \nb\n> c \n> d\n-- \ne", delete_space=False) == "a b\n> c d\n-- \ne"
    assert unflow("漢 \n字", delete_space=True) == "漢字"
