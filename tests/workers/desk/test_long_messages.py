"""A long message is a few posts in the agents' thread, and a file with all of it."""

import base64
import time

import pytest

from tests.desk import Desk

FILE = "message.txt"


def shown(desk: Desk) -> list[str]:
    """Return the words of each post of the thread, in order."""
    posts = [each for each in desk.effects("slack", "post") if each.get("thread_ts")]
    return ["\n".join(_words(block) for block in _blocks(each) if "text" in block) for each in posts]


def _blocks(post: dict[str, object]) -> list[dict[str, dict[str, str]]]:
    blocks = post["blocks"]
    assert isinstance(blocks, list)
    return blocks


def _words(block: dict[str, dict[str, str]]) -> str:
    words = block["text"]["text"]
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def files(desk: Desk) -> list[str]:
    found = desk.effects("slack", "file")
    assert {each["thread_ts"] for each in found} <= {desk.thread()}
    return [base64.b64decode(str(each["content_base64"])).decode() for each in found if each["name"] == FILE]


def packed(text: str) -> str:
    return "".join(text.split())


def test_a_mail_of_a_mebibyte_is_quickly_a_handful_of_posts_and_one_file_with_every_character(desk: Desk) -> None:
    desk.mail(("<&>" * 25 + "\n") * 13_600)
    began = time.process_time()
    desk.work()
    assert time.process_time() - began < 3
    assert len(shown(desk)) <= 6
    assert files(desk) == desk.bodies()
    assert len(desk.bodies()[0]) > 1_000_000
    assert desk.scalars("SELECT DISTINCT status FROM deliveries") == ["sent"]


@pytest.mark.parametrize("length", [12_001, 13_300, 100_000])
def test_the_posts_of_a_long_text_are_its_beginning_in_order_and_say_where_the_rest_is(desk: Desk, length: int) -> None:
    words = " ".join(f"word{number}" for number in range(20_000))[: length - 1] + "x"
    desk.mail(words)
    desk.work()
    assert files(desk) == [words]
    assert FILE in shown(desk)[-1]
    assert FILE not in "".join(shown(desk)[:-1])
    assert packed("".join(shown(desk))).startswith(packed(words[:12_000]))
    assert len("".join(shown(desk))) < 12_200


@pytest.mark.parametrize("words", ["x " * 5999 + "xx", "\N{FIRE}" * 5000], ids=["words", "emoji"])
def test_what_fits_is_shown_whole_and_without_a_file(desk: Desk, words: str) -> None:
    desk.text(words)
    desk.work()
    assert packed("".join(shown(desk))) == packed(words)
    assert files(desk) == []


def test_the_file_comes_with_the_clients_own_and_after_the_posts(desk: Desk) -> None:
    desk.mail("word " * 3000, files=[("report.pdf", b"%PDF")])
    desk.work()
    assert [each["name"] for each in desk.effects("slack", "file")] == [FILE, "report.pdf"]
    kinds = [each["kind"] for each in desk.effects("slack") if each["kind"] in {"post", "file"}]
    assert kinds == [*["post"] * (len(kinds) - 2), "file", "file"]


@pytest.mark.parametrize("channel", ["sms", "slack", "answer"])
def test_it_is_the_same_on_every_channel_and_for_an_answer_from_outside_of_slack(desk: Desk, channel: str) -> None:
    words = ("word " * 3000).strip()
    if channel == "slack":
        desk.say(words, user="U0CLEO", channel="C0CLIENTS")
    else:
        desk.text(words if channel == "sms" else "Hello")
    desk.work()
    if channel == "answer":
        with desk.session() as session:
            desk.tools.recorder.replies.write(session, desk.ticket(), user_id=1, name="Ada Agent", text=words)
        desk.work()
    assert files(desk) == [words]
    assert len(shown(desk)) <= 5  # an answer by SMS with what it costs
