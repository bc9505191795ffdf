import json
import logging
import threading
import traceback

import pytest

from channels.base import Channel, ExternalId, OutboundMessage
from channels.errors import SendError, Stopped, TooMany, TryLater, Unclear, Undeliverable
from channels.slack import connect
from channels.slack.channel import SlackChannel
from channels.slack.mrkdwn import escape
from channels.slack.settings import Settings
from tests.channels.slack.answering import Answer, Received, Reset, Script, answering, unused_port
from tests.channels.slack.wire import FILES, POST, POSTED, SINCE, calls, method, no, ok, sent, slack


def failure(answer: Answer | Reset) -> SendError:
    with answering(calls({"chat.postMessage": answer})) as server:
        with pytest.raises(SendError) as caught:
            slack(server.url).send(POST)
        assert len(server.received) == 1
    return caught.value


def test_a_post_goes_out_once_with_all_that_keeps_it_plain() -> None:
    with answering(calls({"chat.postMessage": POSTED})) as server:
        assert slack(server.url).send(POST) == ExternalId(type="slack", value="T1/C1/1700000000.000100")
    (request,) = server.received
    body = sent(request)
    assert request.headers["authorization"] == "Bearer xoxb-canary"
    assert (body["channel"], body["thread_ts"]) == ("C1", POST.thread)
    assert body["text"] == "canary &lt;!channel&gt; &amp; more"
    assert body["username"] == "Ana \u2039Lima\u203a"
    assert (body["unfurl_links"], body["unfurl_media"], body["parse"], body["link_names"]) == (
        False,
        False,
        "none",
        False,
    )
    payload = {"delivery": POST.idempotency_key}
    assert body["metadata"] == {"event_type": "frontdesk_delivery", "event_payload": payload}
    assert b"<" not in request.body


def test_a_post_to_a_person_is_known_by_the_channel_it_opened() -> None:
    with answering(calls({"chat.postMessage": ok(channel="D7", ts="1700000000.000100")})) as server:
        direct = OutboundMessage(idempotency_key="k", to=ExternalId(type="slack", value="T1/U1"), body="hello")
        assert slack(server.url).send(direct).value == "T1/D7/1700000000.000100"


@pytest.mark.parametrize(
    "answer",
    [
        Reset(),
        no("fatal_error"),
        no("internal_error"),
        no("request_timeout"),
        no("service_unavailable", 503),
        Answer(b"<html>", status=502),
        Answer(status=500),
        Answer(b'{"ok": tr'),
        Answer(b"[]"),
        Answer(b"null"),
        Answer(b'"text"'),
        Answer(b""),
        Answer(b"\xff\xfe"),
        Answer(b'{"ok": false}'),
        Answer(b'{"ok": false, "error": {"a": 1}}'),
        Answer(b'{"ok": true}'),
        Answer(b'{"ok": true, "ts": 1}'),
        Answer(b'{"ok":', headers={"Content-Length": "100", "Connection": "close"}),
        Answer(b"{}", headers={"Content-Type": "text/plain; charset=nonsense"}),
    ],
)
def test_what_may_have_been_posted_is_unclear_and_not_repeated(answer: Answer | Reset) -> None:
    assert type(failure(answer)) is Unclear


@pytest.mark.parametrize(
    "answer", [no("ratelimited", 429, **{"Retry-After": "9"}), Answer(status=429, headers={"retry-after": "9"})]
)
def test_too_many_posts_say_how_long_to_wait(answer: Answer) -> None:
    error = failure(answer)
    assert isinstance(error, TooMany)
    assert error.retry_after == 9


@pytest.mark.parametrize(
    "code",
    [
        *("user_not_found", "msg_too_long", "thread_not_found", "something_new"),
    ],
)
def test_a_refusal_is_final_and_says_what_to_do(code: str) -> None:
    error = failure(no(code))
    assert isinstance(error, Undeliverable)
    assert (error.code, error.bad_address) == (code, False)
    assert len(str(error)) > len(code) + 10


@pytest.mark.parametrize(
    "code",
    [
        *("not_in_channel", "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"),
        *("missing_scope", "channel_not_found", "is_archived", "restricted_action"),
    ],
)
def test_what_an_admin_can_mend_stops_a_channel_until_it_is_mended(code: str) -> None:
    error = failure(no(code))
    assert isinstance(error, Stopped)
    assert error.retry_after == 300
    assert "an admin must" in str(error)
    assert code in str(error)


def test_a_person_who_cannot_be_found_stops_nothing() -> None:
    with answering(calls({"chat.postMessage": no("channel_not_found")})) as server:
        to = ExternalId(type="slack", value="T1/U1")
        with pytest.raises(Undeliverable):
            slack(server.url).send(OutboundMessage(idempotency_key="k", to=to, body="hello"))


def test_a_refusal_without_slacks_words_is_final_too() -> None:
    error = failure(Answer(b"<html>", status=404))
    assert isinstance(error, Undeliverable)
    assert error.code == "http_404"


@pytest.mark.parametrize("host", ["127.0.0.1", "stand-in.invalid"])
def test_nobody_to_talk_to_was_certainly_not_posted(host: str) -> None:
    with pytest.raises(TryLater):
        slack(f"http://{host}:{unused_port()}").send(POST)


def test_without_a_token_nothing_is_sent_and_nothing_breaks() -> None:
    (channel,) = connect({}).channels
    assert not channel.connected
    with pytest.raises(Undeliverable):
        channel.send(POST)
    with pytest.raises(TryLater):
        channel.find_sent(POST, SINCE)
    with pytest.raises(TryLater):
        channel.profile(ExternalId(type="slack", value="T1/U1"))


@pytest.mark.parametrize(
    "answer", [POSTED, no("invalid_blocks"), Answer(b"canary {"), Answer(b"canary", status=500), Reset()]
)
def test_no_text_or_token_reaches_errors_and_logs(answer: Answer | Reset, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with answering(calls({"chat.postMessage": answer})) as server:
        told = outcome(slack(server.url))
    assert "canary" not in caplog.text
    assert "canary" not in told


def outcome(channel: Channel) -> str:
    try:
        return str(channel.send(POST))
    except SendError:
        return traceback.format_exc()


def uploads(server_url: list[str], share: Answer | Reset) -> Script:
    """Answer as Slack does for uploads; `server_url` gets its one entry once the server runs."""

    def script(request: Received) -> Answer | Reset:
        if method(request) == "files.getUploadURLExternal":
            name = str(sent(request)["filename"])
            return ok(upload_url=f"{server_url[0]}/upload/{name[0]}", file_id=f"F{name[0].upper()}")
        return share if method(request) == "files.completeUploadExternal" else Answer(b"OK - 2")

    return script


def shared(share: Answer | Reset) -> tuple[ExternalId | SendError, list[Received]]:
    url: list[str] = []
    with answering(uploads(url, share)) as server:
        url.append(server.url)
        try:
            return slack(server.url).send(FILES), server.received
        except SendError as error:
            return error, server.received


def test_files_are_uploaded_one_by_one_and_shared_at_once() -> None:
    result, received = shared(ok(files=[{"id": "FA"}, {"id": "FB"}]))
    assert result == ExternalId(type="slack_file", value="T1/FA")
    ask, put = "files.getUploadURLExternal", "/upload/"
    steps = [method(request) for request in received]
    assert steps == [ask, put + "a", ask, put + "b", "files.completeUploadExternal"]
    assert (received[1].body, received[3].body) == (b"a", b"bb")
    assert "authorization" not in received[1].headers
    share = sent(received[4])
    assert (share["channel_id"], share["thread_ts"]) == ("C1", POST.thread)
    titles = [file["title"] for file in json.loads(str(share["files"]))]
    assert titles == ["a.txt", "b\u2039.pdf"]


@pytest.mark.parametrize("answer", [Reset(), no("internal_error"), Answer(b"{")])
def test_a_share_without_an_answer_is_unclear_and_not_repeated(answer: Answer | Reset) -> None:
    result, received = shared(answer)
    assert type(result) is Unclear
    assert [method(request) for request in received].count("files.completeUploadExternal") == 1


@pytest.mark.parametrize("answer", [Reset(), no("internal_error"), Answer(status=500), ok(upload_url="x"), ok()])
def test_an_upload_that_breaks_may_be_done_again(answer: Answer | Reset) -> None:
    with answering(calls({"files.getUploadURLExternal": answer})) as server, pytest.raises(TryLater):
        slack(server.url).send(FILES)


def shared_within(seconds: float, slow: threading.Event | None = None) -> list[str]:
    """Share files in so many seconds with a Slack that takes the last one and answers only once time is up."""
    url: list[str] = []

    def script(request: Received) -> Answer | Reset:
        if slow is not None and method(request) == "/upload/b":
            slow.wait(seconds + 0.1)
        return uploads(url, ok(files=[{"id": "FA"}, {"id": "FB"}]))(request)

    with answering(script) as server:
        url.append(server.url)
        settings = Settings(
            token="xoxb-canary", signing_secret="", api_url=f"{server.url}/api/", upload_seconds=seconds
        )
        with pytest.raises(TryLater):
            SlackChannel(settings).send(FILES)
        return [method(request) for request in server.received]


def test_out_of_time_nothing_more_is_uploaded() -> None:
    assert shared_within(0) == []


def test_out_of_time_after_the_last_upload_nothing_is_shared() -> None:
    ask, put = "files.getUploadURLExternal", "/upload/"
    assert shared_within(0.6, threading.Event()) == [ask, put + "a", ask, put + "b"]


def test_files_go_to_slack_and_nowhere_else() -> None:
    with answering(lambda _: Answer()) as canary:
        elsewhere = ok(upload_url=f"{canary.url}/upload", file_id="F1")
        with answering(calls({"files.getUploadURLExternal": elsewhere})) as server, pytest.raises(Undeliverable):
            slack(server.url).send(FILES)
        assert canary.received == []


def test_addresses_as_an_admin_writes_them() -> None:
    channel = slack("http://127.0.0.1:9")
    assert channel.address(" T0123ABCD/C0123ABCD ") == ExternalId(type="slack", value="T0123ABCD/C0123ABCD")
    for text in ("", "C0123", "#sales", "T0123/sales", "T0123/C0123/1.1", "t0123/c0123"):
        with pytest.raises(ValueError, match="Slack address"):
            channel.address(text)


def test_an_answer_goes_to_the_channel_or_to_the_person_in_our_workspace() -> None:
    channel = slack("http://127.0.0.1:9")
    assert channel.answer_address("T9/U1", "T1/C1") == "T1/C1"
    assert channel.answer_address("T9/U1", "T1") == "T1/U1"


def test_a_text_is_cut_into_posts_slack_takes() -> None:
    channel = slack("http://127.0.0.1:9")
    assert channel.split("short") == ("short",)
    assert len(channel.split("x" * 30_000)) == 3
    assert len(channel.split("<" * 11_000)) == 4


def test_a_post_weighs_what_its_escaped_text_does() -> None:
    for part in slack("http://127.0.0.1:9").split("a & b <c>\n" * 4000):
        assert len(escape(part)) <= 11_000
