import pytest

from channels.base import ExternalId, OutboundMessage
from channels.errors import TryLater
from tests.channels.slack.answering import Answer, Received, Reset, Server, answering
from tests.channels.slack.wire import FILES, ME, POST, SINCE, Calls, Json, calls, method, no, ok, sent, slack


def carrying(key: str, mark: str) -> Json:
    return {"ts": mark, "metadata": {"event_type": "frontdesk_delivery", "event_payload": {"delivery": key}}}


def found(server: Server, outbound: OutboundMessage = POST) -> list[str]:
    return [one.value for one in slack(server.url).find_sent(outbound, SINCE)]


def test_a_lost_post_is_found_in_its_thread_by_its_key() -> None:
    messages = [{"ts": "1690000000.000100"}, carrying("another", "1700000001.000100")]
    own = carrying(POST.idempotency_key, "1700000002.000100")
    with answering(calls({"auth.test": ME, "conversations.replies": ok(messages=[*messages, own])})) as server:
        assert found(server) == ["T1/C1/1700000002.000100"]
    asked = sent(server.received[-1])
    assert (asked["ts"], asked["oldest"], asked["include_all_metadata"]) == (POST.thread, "1699999995.000000", "1")


def test_a_lost_root_post_is_looked_for_through_every_page_of_the_channel() -> None:
    root = OutboundMessage(idempotency_key="k", to=POST.to, body="card")
    own = [carrying("k", "1700000002.000100"), carrying("k", "1700000001.000100")]

    def script(request: Received) -> Answer:
        if method(request) == "auth.test":
            return ME
        if "cursor" in sent(request):
            return ok(messages=own)
        return ok(messages=[{"ts": "1700000009.000100"}], response_metadata={"next_cursor": "next"})

    with answering(script) as server:
        assert found(server, root) == ["T1/C1/1700000001.000100", "T1/C1/1700000002.000100"]


def test_a_channel_too_busy_to_read_proves_nothing() -> None:
    endless = ok(messages=[], response_metadata={"next_cursor": "next"})
    with answering(calls({"auth.test": ME, "conversations.replies": endless})) as server, pytest.raises(TryLater):
        found(server)


def test_nothing_found_is_an_answer_and_so_is_a_thread_that_is_gone() -> None:
    for answer in (ok(messages=[]), no("thread_not_found")):
        with answering(calls({"auth.test": ME, "conversations.replies": answer})) as server:
            assert found(server) == []


@pytest.mark.parametrize(
    "answer", [Reset(), no("internal_error"), no("not_in_channel"), Answer(b"{"), Answer(status=429)]
)
def test_a_look_that_fails_is_made_again_later(answer: Answer | Reset) -> None:
    with answering(calls({"auth.test": ME, "conversations.replies": answer})) as server, pytest.raises(TryLater):
        found(server)


def test_lost_files_are_found_by_author_and_names() -> None:
    files = [{"id": "FA", "name": "a.txt"}, {"id": "FB", "name": "b\u2039.pdf"}]
    messages = [
        {"ts": "1700000001.000100", "user": "U1", "files": files},
        {"ts": "1700000002.000100", "user": "UBOT", "files": files[:1]},
        {"ts": "1700000003.000100", "user": "UBOT", "files": files[::-1]},
    ]
    with answering(calls({"auth.test": ME, "conversations.replies": ok(messages=messages)})) as server:
        assert slack(server.url).find_sent(FILES, SINCE) == (ExternalId(type="slack_file", value="T1/FB"),)


def test_a_lost_direct_post_is_looked_for_in_the_channel_with_that_person() -> None:
    direct = OutboundMessage(idempotency_key="k", to=ExternalId(type="slack", value="T1/U1"), body="hello")
    answers: Calls = {
        "auth.test": ME,
        "conversations.open": ok(channel={"id": "D7"}),
        "conversations.history": ok(messages=[carrying("k", "1700000001.000100")]),
    }
    with answering(calls(answers)) as server:
        assert found(server, direct) == ["T1/D7/1700000001.000100"]
