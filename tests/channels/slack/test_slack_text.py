import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.base import Button, ExternalId, OutboundMessage, TicketCard
from channels.slack.blocks import age, card_blocks, card_text, post_blocks, post_text
from channels.slack.manifest import manifest
from channels.slack.mrkdwn import escape, label, mentioned, pieces, plain, weight
from sandbox.slack.blocks import check_blocks

CARD = TicketCard(
    ticket_id=12,
    title="Order is late",
    client="Ana Lima",
    channel="sms",
    department="Sales",
    status="waiting_for_agent",
    priority="high",
    opened_at=datetime(2026, 11, 22, 15, 0, tzinfo=UTC),
)
RETRY = Button(label="Retry", action="retry", value="1")
POST = OutboundMessage(idempotency_key="k", to=ExternalId(type="slack", value="T1/C1"), body="hello")

TARGETS = [
    "!channel",
    "!here",
    "!everyone",
    "@U1",
    "@W1",
    "#C1",
    "!subteam^S1",
    "!date^1^{date}",
    "https://evil.example",
]
FORMS = [
    *("<{}>", "<{}|x>", "a <{}> b", "<<{}>>", "&lt;{}&gt;<{}>", "\n<{}\n>", "<{}|<{}>>", "```<{}>```", "*<{}>*"),
    *("<{}", "{}>"),
]
TRICKS = [
    *("<", ">", "<>", "&", "&&lt;", "&amp;lt;!channel&amp;gt;", "&#60;!channel&#62;", "< !channel>", "<!channel|&lt;>"),
    *("<mailto:a@b.example|c@d.example>", "<tel:1|2>", "<javascript:alert(1)|x>", "<slack://open|x>", "]]>", "<!--"),
    *("\N{FULLWIDTH LESS-THAN SIGN}!channel>", "<!chan\u200bnel>", "<\u202e!channel>", "</a><a href='x'>"),
    *("<script>alert(1)</script>", "<!channel" + "a" * 3000 + ">", "<" * 3000),
]
INJECTIONS = [form.replace("{}", target) for target in TARGETS for form in FORMS] + TRICKS


def test_there_are_enough_injections() -> None:
    assert len(set(INJECTIONS)) >= 120


def card_of(text: str) -> TicketCard:
    return TicketCard(
        ticket_id=12,
        title=text,
        client=text,
        channel=text,
        department=text,
        status=text,
        priority=text,
        opened_at=CARD.opened_at,
        address=text,
        assignees=(text, text),
        tags=(text,),
        warnings=(text,),
    )


def fields(text: str) -> list[object]:
    buttons = (Button(label=text, action="a", value="1"),)
    post = replace(POST, body=text, buttons=buttons, card=card_of(text))
    return [post_blocks(post), post_text(post), card_blocks(card_of(text)), card_text(card_of(text)), label(text)]


def without_our_moments(sent: str) -> str:
    """Take out the moments that Slack shows by the reader's clock, the only brackets of ours."""
    return re.sub(r"<!date\^[0-9]+\^[a-z_{} ]+\|[0-9A-Za-z ,:]+ UTC>", "", sent)


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_field_lets_a_live_bracket_through(text: str) -> None:
    sent = without_our_moments(json.dumps(fields(text), ensure_ascii=False))
    assert "<" not in sent
    assert ">" not in sent


@pytest.mark.parametrize("text", INJECTIONS)
def test_escaped_text_reads_as_it_was_written(text: str) -> None:
    assert plain(escape(text)) == text


@pytest.mark.parametrize("text", INJECTIONS[:20])
def test_no_block_lets_slack_make_links_of_its_own(text: str) -> None:
    sent = json.dumps(fields(text))
    assert sent.count('"mrkdwn"') == sent.count('"verbatim": true')


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("a &amp; b &lt;c&gt;", "a & b <c>"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("<https://a.example/?x=1&amp;y=2>", "https://a.example/?x=1&y=2"),
        ("<https://a.example|here>", "here (https://a.example)"),
        ("<http://a.example|a.example>", "http://a.example"),
        ("<mailto:ana@a.example|ana@a.example>", "ana@a.example"),
        ("<mailto:ana@a.example|Ana>", "Ana (ana@a.example)"),
        ("<tel:+15550100000|+15550100000>", "+15550100000"),
        ("<#C1|sales> <#C2> <#C3|>", "#sales #channel #channel"),
        ("<@U1> <@U2|bo> <@U3|@cy>", "@U1 @bo @cy"),
        ("<!here> <!channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^S1|@team> <!subteam^S2>", "@team @subteam"),
        ("<!date^1700000000^{date}|14 Nov 2023>", "14 Nov 2023"),
        (":+1: :tada: :party_parrot: :wave::skin-tone-3:", "👍 🎉 :party_parrot: 👋"),
        ("at 10:30:45 <https://a.example/:fire:>", "at 10:30:45 https://a.example/:fire:"),
        ("*bold* _it_ ~no~ `code`", "*bold* _it_ ~no~ `code`"),
        ("<>", ""),
        ("a < b", "a < b"),
        ("line\r\nline", "line\nline"),
    ],
)
def test_marked_up_text_becomes_words(written: str, words: str) -> None:
    assert plain(written) == words


def test_only_live_mentions_count() -> None:
    assert mentioned("<@U1> &lt;@U2&gt; @U3 <@U4|x> <@U1>") == ("U1", "U4")
    assert mentioned("@here &lt;!channel&gt; <!date^1^{date}|here> <!hereabouts> <#C1> <U1>") == ()


@pytest.mark.parametrize(
    "text",
    ["x" * 13_300, "<" * 100_000, "<&>\n" * 25_000, "🎉" * 5000, "word & " * 4000, "", "a", "x" * 2900, "x" * 2901],
)
def test_pieces_fit_and_lose_nothing(text: str) -> None:
    cut = list(pieces(text, 2900))
    assert all(weight(piece) <= 2900 for piece in cut)
    assert "".join("".join(cut).split()) == "".join(text.split())


def test_a_mebibyte_is_cut_in_time_that_grows_with_its_length_only() -> None:
    began = time.process_time()
    assert len(list(pieces(("<&>" * 25 + "\n") * 13_600, 11_000))) > 400
    assert time.process_time() - began < 5


@pytest.mark.parametrize("text", ["x" * 11_000, "<" * 2700, "🎉" * 5500])
def test_the_longest_post_stays_within_slacks_limits(text: str) -> None:
    blocks = post_blocks(replace(POST, body=text, buttons=(Button(label="Retry", action="retry", value="1"),)))
    assert len(blocks) <= 45
    assert all(len(str(block["text"]["text"])) <= 3000 for block in blocks if isinstance(block.get("text"), dict))  # type: ignore[index]


LINES = ["&" * 200 + "\n", "<\n", "a\n\n", "&" * 181 + "\n\n", "x\n" * 300 + "&" * 300 + "\n"]


@pytest.mark.parametrize("line", LINES)
def test_many_short_lines_under_a_card_stay_within_slacks_limits(line: str) -> None:
    body = (line * 11_000)[:11_000]
    blocks = check_blocks(post_blocks(replace(POST, body=body, card=card_of("&" * 500), buttons=(RETRY,))))
    words = "".join(str(block["text"]["text"]) for block in blocks[4:] if "text" in block)
    assert "".join(words.split()) == "".join(escape(body).split())


@pytest.mark.parametrize("text", ["x" * 11_000, "&" * 11_000, "🎉" * 5000, "word & " * 1500])
def test_what_notifications_show_of_a_long_text_is_its_beginning(text: str) -> None:
    short = post_text(replace(POST, body=text))
    assert len(short) <= 3000
    assert text.startswith(plain(short))


def shown(card: TicketCard) -> str:
    return json.dumps(card_blocks(card), ensure_ascii=False)


def test_a_card_shows_the_ticket_at_a_glance() -> None:
    text = shown(replace(CARD, address="+1 555", assignees=("Bo",), tags=("vip",), warnings=("Reply-To differs",)))
    for words in (
        "#12",
        "Order is late",
        "Ana Lima (+1 555)",
        "waiting for agent",
        "high",
        "Bo",
        "vip",
        "Reply-To differs",
    ):
        assert words in text


def test_an_open_ticket_can_be_taken_and_closed_a_closed_one_reopened() -> None:
    def actions(status: str) -> list[str]:
        (block,) = [block for block in card_blocks(replace(CARD, status=status)) if block["type"] == "actions"]
        elements = block["elements"]
        assert isinstance(elements, list)
        assert all(element["value"] == "12" for element in elements)
        return [element["action_id"] for element in elements]

    assert actions("open") == ["take", "close"]
    assert actions("closed") == actions("unresolved") == ["reopen"]


@pytest.mark.parametrize(
    ("passed", "words"),
    [(-5, "new"), (59, "new"), (60, "1 minute"), (3599, "59 minutes"), (7200, "2 hours"), (200_000, "2 days")],
)
def test_age_in_words(passed: int, words: str) -> None:
    assert age(timedelta(seconds=passed)) == words


def test_a_post_is_never_without_words() -> None:
    assert post_text(replace(POST, body=" "))
    assert post_text(replace(POST, body="", card=CARD)) == "#12 Order is late"


def test_the_manifest_points_everything_at_the_public_address() -> None:
    text = json.dumps(manifest("https://desk.example.com/"))
    for name in ("events", "interactivity", "commands"):
        assert f'"https://desk.example.com/webhooks/slack/{name}"' in text
    assert '"socket_mode_enabled": false' in text


def test_without_an_address_the_manifest_asks_for_socket_mode() -> None:
    text = json.dumps(manifest(None))
    assert '"socket_mode_enabled": true' in text
    assert "http" not in text


EMOJI = [
    (":tada: :thumbsup::skin-tone-3:", "\N{PARTY POPPER} \N{THUMBS UP SIGN}"),
    (":sweat_smile::octopus:", "\N{SMILING FACE WITH OPEN MOUTH AND COLD SWEAT}\N{OCTOPUS}"),
    (":flag-de:", "\N{REGIONAL INDICATOR SYMBOL LETTER D}\N{REGIONAL INDICATOR SYMBOL LETTER E}"),
    (":our_own_party: at 10:30:45", ":our_own_party: at 10:30:45"),
    ("`a:id:b` ```x\n:id:``` :id:", "`a:id:b` ```x\n:id:``` \N{SQUARED ID}"),
]


@pytest.mark.parametrize(("typed", "shown"), EMOJI)
def test_shortcodes_become_the_characters_they_stand_for(typed: str, shown: str) -> None:
    assert plain(typed) == shown
