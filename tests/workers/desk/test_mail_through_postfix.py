import re
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import dkim
import pytest

from sandbox.client import Sandbox, wait_for
from tests import postfix
from tests.desk import Desk
from tests.desk_door import door_of
from tests.dkim_key import Key
from tests.postfix import Postfix
from workers.local.supervisor import free_port
from workers.runtime import build
from workers.settings import from_environment

pytestmark = pytest.mark.skipif(not postfix.can_run(), reason=postfix.WHY_NOT)


@pytest.fixture
def key(tmp_path: Path) -> Key:
    return Key.made_in(tmp_path)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def desk(environment: dict[str, str], sandbox: Sandbox, key: Key, port: int) -> Iterator[Desk]:
    """Give a desk whose relay is Postfix, and which signs."""
    relay = {"SMTP_RELAY_URL": f"smtp://127.0.0.1:{port}?starttls=off", **key.settings}
    made = Desk(build(from_environment({**environment, **relay}), lambda _: None), sandbox)
    yield made
    made.tools.database.engine.dispose()


@pytest.fixture
def server(desk: Desk, folder: Path, sandbox_process: dict[str, str], port: int) -> Iterator[Postfix]:
    """Run Postfix between the desk and the world, of which the sandbox's mailbox is the rest."""
    elsewhere = int(re.findall(r":(\d+)", sandbox_process["SMTP_RELAY_URL"])[0])
    with (
        door_of(desk) as ours,
        postfix.running(folder / f"postfix-{port}", port=port, desk=ours, elsewhere=elsewhere) as server,
    ):
        yield server


def answer(desk: Desk, client: str, body: str = "Pull the plug.") -> None:
    desk.mail(sender=f"Cleo <{client}>")
    desk.work()
    desk.say(body, thread=desk.thread())
    desk.work()


def told(desk: Desk) -> str:
    return str(desk.effects("slack", "post")[-1]["text"])


def has_become(desk: Desk, status: str) -> bool:
    desk.let_pass(60)
    return desk.deliveries()[0].status == status


def test_an_answer_arrives_whole_and_its_signature_verifies(desk: Desk, server: Postfix, key: Key) -> None:
    answer(desk, "cleo@client.example", "before\n.\n..after *bold*")
    (mail,) = wait_for(lambda: server.mails("cleo"), "mail")
    assert dkim.verify(mail, dnsfunc=key.dns)
    text = next(part for part in message_from_bytes(mail).walk() if part.get_content_type() == "text/plain")
    assert text.get_payload(decode=True) == b"before\n.\n..after *bold*\n"
    assert [each.status for each in desk.deliveries()] == ["sent"]


def test_a_recipient_put_off_is_tried_again_and_gets_the_mail_once(desk: Desk, server: Postfix) -> None:
    server.refuse("busy@client.example", "450 4.2.0 greylisted")
    answer(desk, "busy@client.example")
    assert [each.status for each in desk.deliveries()] == ["pending"]
    server.refuse()
    wait_for(lambda: has_become(desk, "sent"), "end of the greylisting")
    wait_for(lambda: server.mails("busy"), "mail")
    assert len(server.mails("busy")) == 1


@pytest.mark.usefixtures("server")
def test_an_unknown_recipient_fails_at_once_and_is_told_in_the_thread(desk: Desk) -> None:
    answer(desk, "nobody@client.example")
    assert [(each.status, each.error_code) for each in desk.deliveries()] == [("failed", "5.1.1")]
    assert "Not delivered to the client" in told(desk)
    assert desk.count("suppressions") == 1


@pytest.mark.usefixtures("server")
def test_a_later_bounce_turns_the_answer_failed_and_is_told_in_the_thread(desk: Desk) -> None:
    desk.sandbox.refuse("gone@elsewhere.example", 550, "5.1.1 no such user")
    answer(desk, "gone@elsewhere.example")
    wait_for(lambda: has_become(desk, "failed"), "Postfix's report at our door")
    (send,) = desk.deliveries()
    assert (send.sent_at is not None, send.error_code) == (True, "5.1.1")
    assert "Not delivered to the client" in told(desk)
    assert "no such user" in told(desk)
    assert desk.bodies() == ["It burns.", "Pull the plug."]
