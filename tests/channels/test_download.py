import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from channels.download import download, own_host, post, seconds
from channels.errors import TryLater, Unclear, Undeliverable
from tests.channels.slack.answering import Answer, Received, Reset, Script, Server, answering, unused_port

PUBLIC_HOSTS = ("api.twilio.com", ".twiliocdn.com", "files.slack.com")
SECRET = {"Authorization": "Bearer canary"}


def get(server: Server, path: str = "/file", limit: int = 1000) -> bytes:
    return download(server.url + path, headers=SECRET, hosts=(server.host,), limit=limit, timeout=5)


def always(answer: Answer | Reset) -> Script:
    return lambda _: answer


def test_a_file_arrives_whole_with_its_credentials() -> None:
    with answering(always(Answer(b"x" * 1000))) as server:
        assert get(server) == b"x" * 1000
        assert server.received[0].headers["authorization"] == "Bearer canary"


def test_a_file_announced_too_large_is_not_read() -> None:
    with answering(always(Answer(b"x" * 1001))) as server, pytest.raises(Undeliverable) as caught:
        get(server)
    assert caught.value.code == "too_large"


def test_a_file_that_hides_its_length_is_cut_off_at_the_limit() -> None:
    chunked = b"".join(b"400\r\n" + b"x" * 1024 + b"\r\n" for _ in range(50)) + b"0\r\n\r\n"
    raw = Answer(chunked, headers={"Transfer-Encoding": "chunked"})
    with answering(always(raw)) as server, pytest.raises(Undeliverable) as caught:
        get(server)
    assert caught.value.code == "too_large"


def test_a_file_that_ends_early_is_asked_for_again() -> None:
    short = Answer(b"half", headers={"Content-Length": "8", "Connection": "close"})
    with answering(always(short)) as server, pytest.raises(TryLater):
        get(server)


def test_compressed_bytes_are_counted_as_sent_and_never_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 1_000_000)
    with answering(always(Answer(bomb, headers={"Content-Encoding": "gzip"}))) as server:
        assert get(server, limit=5000) == bomb


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, Undeliverable),
        (401, Undeliverable),
        (410, Undeliverable),
        (429, TryLater),
        (500, TryLater),
        (503, TryLater),
    ],
)
def test_statuses_have_their_consequence(status: int, error: type[Exception]) -> None:
    with answering(always(Answer(status=status))) as server, pytest.raises(error):
        get(server)


def test_the_wish_to_wait_is_kept() -> None:
    with (
        answering(always(Answer(status=429, headers={"Retry-After": "7"}))) as server,
        pytest.raises(TryLater) as caught,
    ):
        get(server)
    assert caught.value.retry_after == 7


def test_nobody_listening_means_later() -> None:
    host = f"127.0.0.1:{unused_port()}"
    with pytest.raises(TryLater):
        download(f"http://{host}/", headers={}, hosts=(host,), limit=10, timeout=2)


def test_a_cut_connection_is_tried_later_and_not_at_once() -> None:
    with answering(always(Reset())) as server:
        with pytest.raises(TryLater):
            get(server)
        assert len(server.received) == 1


def test_credentials_stay_behind_when_a_redirect_leaves_the_host() -> None:
    with answering(always(Answer(b"bytes"))) as second:
        elsewhere = Answer(status=307, headers={"Location": f"{second.url}/real"})
        with answering(always(elsewhere)) as first:
            hosts = (first.host, second.host)
            assert download(f"{first.url}/a", headers=SECRET, hosts=hosts, limit=10, timeout=5) == b"bytes"
        assert "authorization" not in second.received[0].headers
        assert second.received[0].headers["host"] == second.host


def test_credentials_go_along_on_the_same_host() -> None:
    def script(request: Received) -> Answer:
        return Answer(status=302, headers={"Location": "/b"}) if request.path == "/a" else Answer(b"here")

    with answering(script) as server:
        assert get(server, "/a") == b"here"
        assert server.received[1].headers["authorization"] == "Bearer canary"


def test_the_fourth_redirect_is_not_followed() -> None:
    with answering(always(Answer(status=302, headers={"Location": "/again"}))) as server:
        with pytest.raises(Undeliverable):
            get(server)
        assert len(server.received) == 4


def test_errors_do_not_repeat_the_address() -> None:
    with pytest.raises(Undeliverable) as caught:
        download("https://evil.example/canary", headers=SECRET, hosts=PUBLIC_HOSTS, limit=10, timeout=2)
    assert "evil" not in str(caught.value)
    assert "canary" not in str(caught.value)


def test_own_host_names_the_port_unless_it_is_plain_https() -> None:
    assert own_host("https://slack.com/api/") == "slack.com"
    assert own_host("http://127.0.0.1:9000/api/") == "127.0.0.1:9000"
    assert own_host("http://stand-in/") == "stand-in:80"
    assert own_host("https://gateway.internal:8443") == "gateway.internal:8443"


@pytest.mark.parametrize("text", ["", "slack.com/api/", "ftp://slack.com", "https://"])
def test_a_base_url_that_is_none_is_refused_at_start(text: str) -> None:
    with pytest.raises(ValueError, match="https"):
        own_host(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("30", 30.0), (" 5 ", 5.0), ("", None), (None, None), ("soon", None), ("-1", None)]
)
def test_retry_after_is_seconds_or_nothing(text: str | None, expected: float | None) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=500), Unclear),
        (Answer(status=404), Undeliverable),
        (Answer(status=429), TryLater),
        (Answer(status=302, headers={"Location": "/b"}), Undeliverable),
        (Reset(), Unclear),
    ],
)
def test_a_post_is_made_once_whatever_comes_back(answer: Answer | Reset, error: type[Exception]) -> None:
    with answering(always(answer)) as server:
        with pytest.raises(error):
            post(server.url, b"{}", headers={}, hosts=(server.host,), timeout=5)
        assert len(server.received) == 1


def test_a_post_to_nobody_was_certainly_not_made() -> None:
    host = f"127.0.0.1:{unused_port()}"
    with pytest.raises(TryLater):
        post(f"http://{host}/", b"", headers={}, hosts=(host,), timeout=2)


@contextmanager
def trickling() -> Iterator[str]:
    """Answer with one byte of a head every twentieth of a second, for three seconds."""
    over = threading.Event()

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40 + b"\r\n\r\n":
                try:
                    peer.send(bytes([byte]))
                except OSError:
                    return
                over.wait(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


def test_a_post_whose_answer_trickles_in_meets_its_deadline() -> None:
    with trickling() as host:
        started = time.monotonic()
        with pytest.raises(Unclear):
            post(f"http://{host}/", b"{}", headers={}, hosts=(host,), timeout=0.5)
        assert time.monotonic() - started < 1.5
