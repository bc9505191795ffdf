"""Twenty clicks at once on one button are one effect, whatever the button."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from models.corrections import add_correction
from models.tickets import lock_ticket
from tests.at_length import times
from tests.desk import Desk
from tests.workers.desk.merging_steps import merge_tickets
from workers.db import Database
from workers.desk.replies import Replies
from workers.runtime import Runtime
from workers.tasks.inbound import ingest_conversation

ROUNDS = times(50, usually=1)
CLICKS = 20
BEN, BILLING = 2, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button that stands ready; one effect is so many messages in tickets and so many sends to the client."""

    action: str
    value: object
    choice: object = ""
    messages: int = 1
    sends: int = 0


def ticket(desk: Desk, client: str = "") -> int:
    number = desk.count("inbound_events")
    desk.mail(sender=f"{client or f'client{number}'}@client.example", subject=f"Matter {number}")
    desk.ingest()
    return newest(desk)


def newest(desk: Desk) -> int:
    return int(str(desk.scalars("SELECT max(id) FROM tickets")[0]))


def client_of(desk: Desk, ticket_id: int) -> object:
    return desk.scalars("SELECT client_id FROM tickets WHERE id = :id", id=ticket_id)[0]


def on_card(action: str, choice: object = "") -> Callable[[Desk], Button]:
    return lambda desk: Button(action=action, value=ticket(desk), choice=choice)


def closed(desk: Desk) -> Button:
    ended = ticket(desk)
    desk.press("close", ended)
    desk.ingest()
    return Button(action="reopen", value=ended)


def merge(desk: Desk) -> Button:
    number = desk.count("inbound_events")
    return Button(action="merge", value=ticket(desk, f"m{number}"), choice=ticket(desk, f"m{number}"), messages=2)


def undo_merge(desk: Desk) -> Button:
    ready = merge(desk)
    merged = merge_tickets(desk, int(str(ready.choice)), int(str(ready.value)))
    return Button(action="undo_merge", value=merged.id, messages=2)


def two_who_may_be_one(desk: Desk) -> object:
    known, newer = ticket(desk), ticket(desk)
    asked = "INSERT INTO resemblances (client_id, other_id, ticket_id) VALUES (:one, :other, :ticket) RETURNING id"
    return desk.scalars(asked, one=client_of(desk, known), other=client_of(desk, newer), ticket=newer)[0]


def answered(desk: Desk, status: str) -> tuple[int, int]:
    """Answer a text of a client who also writes mail, and let the answer have come to this; return it and its send."""
    number = f"+1555{desk.count('messages'):07}"
    client = client_of(desk, ticket(desk))
    known = "INSERT INTO client_external_ids (client_id, type, value) VALUES (:client, 'phone', :number) RETURNING id"
    desk.scalars(known, client=client, number=number)
    desk.text("Hello?", sender=number)
    desk.ingest()
    with desk.session() as session:
        asked = lock_ticket(session, newest(desk))
        assert asked is not None
        write = Replies(outbox=desk.tools.outbox).write
        message = write(session, asked, user_id=1, name="Ada", text="Hello.")
    states = "UPDATE deliveries SET status = :status WHERE message_id = :id AND to_client RETURNING id"
    (send,) = desk.scalars(states, status=status, id=message)
    return message, int(str(send))


def retry(desk: Desk) -> Button:
    return Button(action="retry", value=answered(desk, "failed")[1], messages=0, sends=1)


def email_instead(desk: Desk) -> Button:
    return Button(action="email_instead", value=answered(desk, "unconfirmed")[1], sends=1)


def correct(desk: Desk) -> Button:
    message, _ = answered(desk, "sent")
    with desk.session() as session:
        edited = add_correction(session, message, "Good morning.")
    return Button(action="correct", value=edited, sends=1)


KINDS: dict[str, Callable[[Desk], Button]] = {
    "take": on_card("take"),
    "close": on_card("close"),
    "reopen": closed,
    "status": on_card("status", "unresolved"),
    "priority": on_card("priority", "high"),
    "assign": on_card("assign", BEN),
    "department": on_card("department", BILLING),
    "tags": on_card("tags", 1),
    "block": on_card("block"),
    "merge": merge,
    "undo_merge": undo_merge,
    "same_client": lambda desk: Button(action="same_client", value=two_who_may_be_one(desk)),
    "not_same": lambda desk: Button(action="not_same", value=two_who_may_be_one(desk)),
    "retry": retry,
    "email_instead": email_instead,
    "correct": correct,
}


@pytest.fixture
def workers(desk: Desk) -> Iterator[Runtime]:
    """Give every click a connection: waiting for one is not what is tested."""
    database = Database(desk.tools.settings.database_url, lambda _: None, pool_size=CLICKS)
    yield replace(desk.tools, database=database)
    database.engine.dispose()


def click(desk: Desk, workers: Runtime, button: Button) -> None:
    for _ in range(CLICKS):
        desk.press(button.action, button.value, choice=str(button.choice))
    # Slack's calls about one thread are worked through in order: here nothing keeps them apart.
    desk.scalars("UPDATE inbound_events SET conversation = 'lane ' || id WHERE status = 'pending' RETURNING id")
    ids = [int(str(each)) for each in desk.scalars("SELECT id FROM inbound_events WHERE status = 'pending'")]
    assert len(ids) == CLICKS
    with ThreadPoolExecutor(CLICKS) as threads:
        list(threads.map(lambda each: ingest_conversation(workers, each), ids))


def effects(desk: Desk) -> tuple[int, int]:
    sends = desk.scalars("SELECT count(*) FROM deliveries WHERE to_client AND status = 'pending'")[0]
    return desk.count("messages"), int(str(sends))


@pytest.mark.timeout(180 * ROUNDS)
def test_20_clicks_at_once_are_one_effect_of_any_button(desk: Desk, workers: Runtime) -> None:
    wrong = []
    for name, ready in [*KINDS.items()] * ROUNDS:
        button = ready(desk)
        before = effects(desk)
        click(desk, workers, button)
        made = tuple(after - then for after, then in zip(effects(desk), before, strict=True))
        if made != (button.messages, button.sends):
            wrong.append(f"{name}: {made[0]} messages, {made[1]} sends")
    assert wrong == []
    assert desk.scalars("SELECT DISTINCT status FROM inbound_events") == ["processed"]
    print(f"{ROUNDS} rounds of {CLICKS} clicks on {len(KINDS)} buttons")  # noqa: T201 (the count itself is of interest)
