import json

import pytest

from channels.base import Attachment, ExternalId, Mark, Profile, ProfileKind
from channels.errors import TryLater, Undeliverable
from tests.channels.slack.answering import Answer, Reset, answering
from tests.channels.slack.wire import CARD, ME, THREAD, Json, calls, method, no, ok, sent, slack


def test_a_card_is_brought_up_to_date() -> None:
    with answering(calls({"chat.update": ok()})) as server:
        slack(server.url).update(THREAD, CARD)
    body = sent(server.received[0])
    assert (body["channel"], body["ts"], body["text"]) == ("C1", "1690000000.000100", "#12 Late")


def marked(mark: Mark, add: Answer, remove: Answer) -> list[tuple[str, object]]:
    with answering(calls({"reactions.add": add, "reactions.remove": remove})) as server:
        slack(server.url).mark(THREAD, mark)
    return [(method(request), sent(request)["name"]) for request in server.received]


def test_a_mark_is_set_before_the_others_are_taken_away() -> None:
    steps = marked(Mark.DELIVERED, ok(), ok())
    assert steps[0] == ("reactions.add", "white_check_mark")
    assert set(steps[1:]) == {("reactions.remove", "hourglass_flowing_sand"), ("reactions.remove", "x")}


def test_what_was_read_is_marked_as_delivered_too() -> None:
    steps = marked(Mark.READ, ok(), ok())
    assert steps[:2] == [("reactions.add", "white_check_mark"), ("reactions.add", "eye")]
    assert {name for _, name in steps[2:]} == {"hourglass_flowing_sand", "x"}


def test_a_mark_may_be_set_again() -> None:
    assert len(marked(Mark.FAILED, no("already_reacted"), no("no_reaction"))) == 3


def test_no_mark_takes_all_away() -> None:
    assert [step for step, _ in marked(Mark.NONE, ok(), ok())] == ["reactions.remove"] * 3


def test_a_mark_on_a_message_that_is_gone_fails() -> None:
    with pytest.raises(Undeliverable):
        marked(Mark.WAITING, no("message_not_found"), ok())


def test_a_mark_without_an_answer_may_be_set_again() -> None:
    with answering(calls({"reactions.add": Reset()})) as server, pytest.raises(TryLater):
        slack(server.url).mark(THREAD, Mark.WAITING)


def test_an_answer_goes_where_slack_said_and_carries_no_token() -> None:
    with answering(lambda _: Answer(b"ok")) as server:
        slack(server.url).answer(server.url + "/actions/1", "<done>")
    (request,) = server.received
    assert json.loads(request.body)["text"] == "&lt;done&gt;"
    assert "authorization" not in request.headers


@pytest.mark.parametrize("url", ["https://evil.example/", "http://hooks.slack.com/", "", "http://127.0.0.1:1/"])
def test_an_answer_goes_nowhere_else(url: str) -> None:
    with pytest.raises(Undeliverable):
        slack("http://127.0.0.1:9").answer(url, "done")


def test_a_file_is_fetched_with_the_bots_token() -> None:
    with answering(lambda _: Answer(b"bytes")) as server:
        assert slack(server.url).fetch(Attachment(name="a", url=server.url + "/files/a"), 100) == b"bytes"
    assert server.received[0].headers["authorization"] == "Bearer xoxb-canary"


def test_a_sign_in_page_is_not_taken_for_the_file() -> None:
    with answering(lambda _: Answer(b"<!DOCTYPE html><html>")) as server, pytest.raises(Undeliverable):
        slack(server.url).fetch(Attachment(name="a", content_type="image/png", url=server.url + "/files/a"), 100)


USER: Json = {
    "id": "U1",
    "team_id": "T1",
    "name": "bo",
    "profile": {"display_name": "Bo", "email": "Bo@Example.com"},
    "is_email_confirmed": True,
}


def profile(answer: Answer | Reset, person: str = "T1/U1") -> Profile | None:
    with answering(calls({"auth.test": ME, "users.info": answer})) as server:
        return slack(server.url).profile(ExternalId(type="slack", value=person))


def test_a_member_is_known_with_name_and_address() -> None:
    known = profile(ok(user=USER))
    assert known is not None
    assert (known.name, known.kind, known.email) == ("Bo", ProfileKind.MEMBER, "bo@example.com")


def test_an_unconfirmed_address_is_none() -> None:
    known = profile(ok(user={**USER, "is_email_confirmed": False}))
    assert known is not None
    assert known.email == ""


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"deleted": True, "is_bot": True}, ProfileKind.DEACTIVATED),
        ({"is_bot": True}, ProfileKind.BOT),
        ({"id": "USLACKBOT"}, ProfileKind.BOT),
        ({"is_restricted": True}, ProfileKind.GUEST),
        ({"is_ultra_restricted": True}, ProfileKind.GUEST),
        ({"team_id": "T9"}, ProfileKind.FOREIGN),
        ({"is_stranger": True}, ProfileKind.FOREIGN),
        ({"team_id": None}, ProfileKind.FOREIGN),
    ],
)
def test_only_a_plain_member_is_a_member(changes: Json, kind: ProfileKind) -> None:
    known = profile(ok(user={**USER, **changes}))
    assert known is not None
    assert known.kind is kind


def test_a_person_named_with_another_workspace_is_foreign_whatever_slack_says() -> None:
    known = profile(ok(user=USER), "T9/U1")
    assert known is not None
    assert known.kind is ProfileKind.FOREIGN


def test_a_person_nobody_knows_is_none() -> None:
    assert profile(no("user_not_found")) is None


@pytest.mark.parametrize("answer", [Reset(), no("invalid_auth"), Answer(status=500), Answer(status=429)])
def test_a_question_about_a_person_that_fails_is_asked_later(answer: Answer | Reset) -> None:
    with pytest.raises(TryLater):
        profile(answer)


def test_a_person_is_asked_about_once_in_five_minutes() -> None:
    with answering(calls({"auth.test": ME, "users.info": ok(user=USER)})) as server:
        channel = slack(server.url)
        person = ExternalId(type="slack", value="T1/U1")
        assert channel.profile(person) == channel.profile(person)
    assert [method(request) for request in server.received] == ["auth.test", "users.info"]
