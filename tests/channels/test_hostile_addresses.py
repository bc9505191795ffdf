"""Media addresses made to lead a worker astray: whatever a payload or a redirect names, nobody else is reached.

Every attempt to connect is seen at the interpreter itself, and a canary listens on this machine.
"""

import socket
import sys
from collections.abc import Iterator

import pytest

from channels.base import Attachment
from channels.download import download, is_public
from channels.errors import TryLater, Undeliverable
from channels.twilio.account import Account
from channels.twilio.channel import TwilioChannel
from tests.channels.slack.answering import Answer, Server, answering

HOSTS = (".twiliocdn.com",)
MEDIA = "https://mms.twiliocdn.com/a.jpg"


class Watch:
    """Notes where this process connects to while it is on, and lets it reach this machine only."""

    def __init__(self) -> None:
        self.on = False
        self.connected: list[tuple[str, int]] = []
        sys.addaudithook(self._notice)

    def _notice(self, event: str, details: tuple[object, ...]) -> None:
        if event != "socket.connect" or not self.on or not isinstance(details[1], tuple):
            return
        self.connected.append((details[1][0], details[1][1]))
        if details[1][0] != "127.0.0.1":
            raise ConnectionRefusedError


WATCH = Watch()


@pytest.fixture
def connected() -> Iterator[list[tuple[str, int]]]:
    WATCH.connected.clear()
    WATCH.on = True
    yield WATCH.connected
    WATCH.on = False


@pytest.fixture(scope="module")
def canary() -> Iterator[Server]:
    with answering(lambda _: Answer(b"secret")) as server:
        yield server


HOSTILE = [
    "http://{host}/",
    "https://{host}/",
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://2130706433:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://127.0.0.1.nip.io:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "https://api.twilio.com:{port}/",
    "http://api.twilio.com/",
    "http://api.twilio.com:443/",
    "https://api.twilio.com:22/",
    "https://api.twilio.com@{host}/",
    "https://user:pass@api.twilio.com/",
    "https://api.twilio.com%40{host}/",
    "https://{host}#@api.twilio.com/",
    "https://{host}/?api.twilio.com",
    "https://{host}\\@api.twilio.com/",
    "https://api.twilio.com\\@{host}/",
    "https://api.twilio.com\t@{host}/",
    "https://api.twilio.com\n/",
    " https://api.twilio.com/",
    "https://api.twilio.com /",
    "https://api.twilio.com.evil.example/",
    "https://evilapi.twilio.com/",
    "https://twiliocdn.com.evil.example/",
    "https://eviltwiliocdn.com/",
    "https://.twiliocdn.com/",
    "https://a..twiliocdn.com/",
    "https://{long}.twiliocdn.com/",
    "https://api.twilio.com./",
    "https://api。twilio。com/",
    "https://\uff41pi.twilio.com/",
    "https://api.twilio.com:443:80/",
    "https://api.twilio.com:99999/",
    "https://api.twilio.com:-1/",
    "https://api.twilio.com:\uff14\uff14\uff13/",
    "https:///api.twilio.com/",
    "https:api.twilio.com/",
    "//api.twilio.com/",
    "api.twilio.com/",
    "/etc/passwd",
    "",
    "https://",
    "https://[",
    "https://]/",
    "file:///etc/passwd",
    "file://api.twilio.com/etc/passwd",
    "gopher://{host}/_GET",
    "gopher://api.twilio.com/",
    "ftp://api.twilio.com/",
    "dict://{host}/info",
    "ldap://{host}/",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "jar:https://api.twilio.com/!/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://metadata.google.internal/",
    "http://100.100.100.200/",
    "http://192.0.0.192/opc/v2/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "https://api.twilio.com" + "/a" * 3000,
]


def channel(api_url: str = "https://api.twilio.com") -> TwilioChannel:
    return TwilioChannel("sms", Account(sid="AC1", token="canary-token", api_url=api_url))


def aimed(url: str, canary: Server) -> str:
    port = canary.host.partition(":")[2]
    return url.replace("{host}", canary.host).replace("{port}", port).replace("{long}", "a" * 70)


def test_there_are_eighty_of_them() -> None:
    assert len(set(HOSTILE)) >= 80


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_reaches_nobody(canary: Server, connected: list[tuple[str, int]], url: str) -> None:
    with pytest.raises(Undeliverable):
        channel().fetch(Attachment(name="a", url=aimed(url, canary)), 1000)
    assert (connected, canary.received) == ([], [])


def test_a_redirect_to_a_hostile_address_reaches_nobody_and_tells_nobody_the_credentials(
    canary: Server, connected: list[tuple[str, int]]
) -> None:
    # What a header can hold, and what is still as hostile without blanks around it.
    targets = [aimed(url, canary) for url in HOSTILE if url.isascii() and "\n" not in url and url == url.strip()]
    places = {f"/{number}": Answer(status=307, headers={"Location": target}) for number, target in enumerate(targets)}
    with answering(lambda asked: places.get(asked.path, Answer(status=404))) as api:
        for number in range(len(targets)):
            with pytest.raises(Undeliverable):
                channel(api.url).fetch(Attachment(name="a", url=f"{api.url}/{number}"), 1000)
        assert {f"{host}:{port}" for host, port in connected} == {api.host}
        assert len(api.received) >= len(targets)
        assert {"authorization" in each.headers for each in api.received} == {True}
    assert canary.received == []


def test_a_chain_that_ends_at_a_hostile_address_reaches_nobody_there(canary: Server) -> None:
    places = {"/0": "/1", "/1": "./2", "/2": f"{canary.url}/"}
    with answering(lambda asked: Answer(status=302, headers={"Location": places[asked.path]})) as api:
        with pytest.raises(Undeliverable):
            channel(api.url).fetch(Attachment(name="a", url=f"{api.url}/0"), 1000)
        assert [each.path for each in api.received] == ["/0", "/1", "/2"]
    assert canary.received == []


PRIVATE = [
    *("127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104 (refused here)
    *("192.0.0.192", "224.0.0.1", "255.255.255.255", "198.18.0.1", "240.0.0.1", "192.0.2.1"),
    *("::1", "::", "fe80::1", "fe80::1%lo", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8"),
    *("64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:4136::1", "2001:db8::1"),
]
PUBLIC = ["3.120.0.1", "104.16.1.1", "2606:4700::1111"]


class Names:
    """A name server that changes its mind: each look-up of a name gives the next addresses, the last ones for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in self._found(host)]

    def _found(self, host: str) -> list[str]:
        if not host.endswith(HOSTS):
            return [host]  # an address is its own
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def fetched(monkeypatch: pytest.MonkeyPatch, names: Names) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", names)
        download(MEDIA, headers={"Authorization": "canary"}, hosts=HOSTS, limit=10, timeout=2)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_listed_name_that_leads_into_a_private_network_is_refused(
    monkeypatch: pytest.MonkeyPatch, connected: list[tuple[str, int]], address: str
) -> None:
    for found in ([address], [PUBLIC[0], address], [address, PUBLIC[0]]):
        with pytest.raises(Undeliverable, match="private network"):
            fetched(monkeypatch, Names(found))
    assert connected == []
    assert not is_public(address)


def test_a_name_is_looked_up_once_so_that_it_cannot_lead_elsewhere_the_second_time(
    monkeypatch: pytest.MonkeyPatch, connected: list[tuple[str, int]]
) -> None:
    names = Names([PUBLIC[0]], ["127.0.0.1"])
    with pytest.raises(TryLater):
        fetched(monkeypatch, names)
    assert (connected, names.asked) == ([(PUBLIC[0], 443)], 1)
    with pytest.raises(Undeliverable, match="private network"):
        fetched(monkeypatch, names)
    assert len(connected) == 1


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_public_internet_are_let_through(address: str) -> None:
    assert is_public(address)
