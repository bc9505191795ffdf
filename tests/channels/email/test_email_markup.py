import time

import pytest

from channels.email.markup import page, plain


def html(text: str) -> str:
    """Return what stands in the body of the page."""
    return page(text).partition("<body>\n")[2].removesuffix("</body></html>").strip()


INLINE = [
    ("a *b c* d", "a <strong>b c</strong> d"),
    ("_a_ ~b~ `c`", "<em>a</em> <del>b</del> <code>c</code>"),
    ("*_~a~_*", "<strong><em><del>a</del></em></strong>"),
    ("`*a* <b>`", "<code>*a* &lt;b&gt;</code>"),
    ("2*3*4 some_file_name.py a~b~c", "2*3*4 some_file_name.py a~b~c"),
    ("* a * and _ b _", "* a * and _ b _"),
    ("*a", "*a"),
    ("**", "**"),
    ("(*a*), *b*.", "(<strong>a</strong>), <strong>b</strong>."),
    ("<b>*x*</b> & 'y'", "&lt;b&gt;<strong>x</strong>&lt;/b&gt; &amp; &#x27;y&#x27;"),
    (
        "https://x.example/a_b_c?d=1&e=*f*.",
        '<a href="https://x.example/a_b_c?d=1&amp;e=*f">https://x.example/a_b_c?d=1&amp;e=*f</a>*.',
    ),
    ("docs (https://x.example/a_(b))", 'docs (<a href="https://x.example/a_(b)">https://x.example/a_(b)</a>)'),
    ('https://x.example/"onclick="y', '<a href="https://x.example/">https://x.example/</a>&quot;onclick=&quot;y'),
    ("javascript:alert(1)", "javascript:alert(1)"),
]


@pytest.mark.parametrize(("text", "shown"), INLINE)
def test_marks_of_chats_become_simple_html_and_everything_else_is_text(text: str, shown: str) -> None:
    assert html(text) == f"<p>{shown}</p>"


def test_lists_quotes_and_blocks_of_code_stand_apart() -> None:
    text = "Do:\n• one\n• *two*\n    ◦ three\n\n> you said\n> this\n1. first\n```\nif a < b:\n    *c*\n```\nend"
    assert html(text) == (
        "<p>Do:</p>\n<ul>\n<li>one</li>\n<li><strong>two</strong></li>\n<li>three</li>\n</ul>\n"
        "<blockquote>you said<br>\nthis</blockquote>\n<p>1. first</p>\n"
        "<pre>if a &lt; b:\n    *c*</pre>\n<p>end</p>"
    )


def test_the_plain_text_is_what_was_typed_with_code_indented_and_the_signature_below() -> None:
    text = "*Hi*\n\n> you\n```\ncode\n  more\n```\nend"
    assert plain(text, "Desk Ltd") == "*Hi*\n\n> you\n\n    code\n      more\n\nend\n\n-- \nDesk Ltd".replace(
        "you\n\n", "you\n"
    ).replace("more\n\n", "more\n")


def test_the_signature_stands_below_the_page_too() -> None:
    assert page("Hi", "Desk *Ltd*\n<x>").endswith(
        "<p>Hi</p>\n<p>-- <br>\nDesk <strong>Ltd</strong><br>\n&lt;x&gt;</p>\n</body></html>"
    )


@pytest.mark.parametrize(
    "text",
    [
        "*a " * 20_000,
        "_" * 60_000,
        "`" * 60_001,
        "https://x/(" * 6_000,
        "(https://" * 7_000,
        "> " * 30_000,
        "*_~" * 20_000,
        "• " * 30_000,
    ],
)
def test_a_long_text_of_nothing_but_marks_takes_linear_time(text: str) -> None:
    began = time.perf_counter()
    page(text)
    plain(text)
    assert time.perf_counter() - began < 2
