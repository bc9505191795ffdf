import pytest

from channels.marks import unmarked
from channels.slack.mrkdwn import plain
from channels.twilio.media import plan


@pytest.mark.parametrize(
    ("marked", "bare"),
    [
        ("*bold*, _it_ and ~no~.", "bold, it and no."),
        ("*_~all~_* of it", "all of it"),
        ("call `x = 1` or\n```\n*not* bold\n```\nthen go", "call x = 1 or\n*not* bold\nthen go"),
        ("\u2022 one\n  \u25e6 *two*\n1. three", "- one\n- two\n1. three"),
        ("> you said\nyes", "> you said\nyes"),
        ("2*3*4 and some_file_name, * alone", "2*3*4 and some_file_name, * alone"),
        ("see https://a.example/_x_?q=*y* now", "see https://a.example/_x_?q=*y* now"),
        ("here (https://a.example)", "here (https://a.example)"),
        ("", ""),
    ],
)
def test_a_text_without_marks_reads_as_it_was_meant(marked: str, bare: str) -> None:
    assert unmarked(marked) == bare


def test_an_sms_goes_without_marks_and_whatsapp_with_them() -> None:
    written = "*Open* <https://a.example|the page>, &lt;then&gt; ask <#C1|support> :tada:\n\u2022 `it`"
    said = plain(written)
    (sms,), (whatsapp,) = (plan(channel, said, ()).pieces for channel in ("sms", "whatsapp"))
    assert sms.body == "Open the page (https://a.example), <then> ask #support \N{PARTY POPPER}\n- it"
    assert whatsapp.body == said


def test_marks_that_no_pair_closes_take_no_time() -> None:
    for text in ("*a " * 20_000, "`" * 20_001, "_" * 20_000, "*" + "~" * 20_000, "> " * 20_000):
        unmarked(text)
