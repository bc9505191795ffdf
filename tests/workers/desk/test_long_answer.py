"""A long answer with pictures, as a phone gets it: the other side fetches them from our web door and checks them."""

import base64
import mimetypes
import threading
from collections.abc import Iterator

import pytest
import urllib3
import uvicorn

from sandbox.client import file, wait_for
from sandbox.faults import Fault
from tests.desk import Desk
from workers.doors.web import Web
from workers.local.processes import answers
from workers.local.supervisor import free_port

WORDS = " ".join(f"word{number}" for number in range(640))
PICTURES = [(f"{n}.png", b"\x89PNG picture " + bytes([n]) * 1000) for n in range(3)]
PLAN = ("plan.zip", b"PK\x03\x04")


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "PUBLIC_URL": f"http://127.0.0.1:{free_port()}"}


@pytest.fixture
def door(desk: Desk) -> Iterator[None]:
    """Open the web door of the desk."""
    url = desk.tools.settings.public_url
    server = uvicorn.Server(
        uvicorn.Config(Web(desk.tools).app, port=int(url.rpartition(":")[2]), log_config=None, access_log=False)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: answers(f"{url}/healthz"), "the web door to answer")
    yield
    server.should_exit = True
    thread.join(10)


def share(desk: Desk, body: str, files: list[tuple[str, bytes]]) -> None:
    """Let an agent answer with files."""
    given = [file(name, content, mimetypes.guess_type(name)[0] or "") for name, content in files]
    thread = desk.thread()
    ts = desk.sandbox.say("U0ADA", "C0SUPPORT", body, thread_ts=thread, files=given)
    event = next(each for each in desk.sandbox.thread("C0SUPPORT", thread) if each["ts"] == ts)
    desk.slack({**event, "type": "message", "channel": "C0SUPPORT", "channel_type": "channel"})
    desk.work()


def all_reported(desk: Desk, end: str) -> bool:
    desk.work()
    return {each.status for each in desk.deliveries()} == {end}


@pytest.mark.usefixtures("door")
@pytest.mark.parametrize(
    ("prefix", "ours", "messages", "end"),
    [("", "+15550100001", 4, "delivered"), ("whatsapp:", "whatsapp:+15550100002", 6, "read")],
)
def test_5000_characters_and_3_pictures_arrive_once_in_order_and_within_the_limits(
    desk: Desk, prefix: str, ours: str, messages: int, end: str
) -> None:
    desk.text("Tell me all", sender=f"{prefix}{desk.phone}", to=ours)
    desk.work()
    share(desk, WORDS, PICTURES)
    wait_for(lambda: all_reported(desk, end), "all of it to arrive")

    sent = desk.effects("twilio", "message")
    assert len(sent) == messages
    assert {each["to"] for each in sent} == {f"{prefix}{desk.phone}"}
    assert " ".join(str(each["body"]) for each in sent if each["body"]) == WORDS
    fetched = {each["url"]: each for each in desk.effects("twilio", "media")}
    in_order = [fetched[url] for each in sent for url in list(each["media"])]  # type: ignore[call-overload]
    assert [base64.b64decode(str(each["content_base64"])) for each in in_order] == [content for _, content in PICTURES]
    assert {(each["status"], each["content_type"]) for each in in_order} == {(200, "image/png")}
    costs = [each.body for each in desk.messages() if "costs" in each.body]
    assert len(costs) == (0 if prefix else 1)


@pytest.mark.usefixtures("door")
def test_a_file_that_cannot_go_is_a_link_that_opens_and_is_looked_up_as_it_was_sent(desk: Desk) -> None:
    desk.text("Send me the plan")
    desk.work()
    desk.sandbox.fault(Fault(service="twilio", method="POST Messages", kind="reset_after", skip=1))
    share(desk, "Here", [PLAN])
    desk.let_pass(100)
    first, second = desk.effects("twilio", "message")
    assert (first["body"], first["media"], second["media"]) == ("Here", [], [])
    name, _, url = str(second["body"]).partition(": ")
    got = urllib3.request("GET", url)
    assert (name, got.status, got.data) == ("plan.zip", 200, PLAN[1])
    assert any("gets a link to plan.zip" in each.body for each in desk.messages())
    assert {each.status for each in desk.deliveries()} <= {"sent", "delivered"}
