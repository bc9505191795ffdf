"""Who is no agent of a ticket does nothing to it, by whatever way, and is told so."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode

from sandbox.slack.world import Person
from tests.desk import Desk
from workers.db import Database
from workers.desk.card_actions import ACTIONS
from workers.desk.originals import ACTION as ORIGINAL
from workers.tasks.inbound import ingest_conversation

PLACE, INTERACTIVITY = "C0SUPPORT", "/webhooks/slack/interactivity"
ADA = Person(id="U0ADA", name="Ada Agent")
# Everybody here but the first two and the machines is Ada, for all that the desk's own tables say.
STRANGERS = {
    "unmapped member": Person(id="U0M01", name="Una", email="una@desk.example"),
    "address not confirmed": Person(id="U0M02", name="Ada Agent", email="ada@desk.example", unconfirmed=True),
    "guest": Person(id="U0M03", name="Guest", email="ada@desk.example", guest=True),
    "guest of one channel": Person(id="U0M04", name="Single", single_channel=True),
    "robot": Person(id="U0M05", name="Robot", robot=True),
    "deactivated": Person(id="U0M06", name="Gone", email="ada@desk.example", deleted=True),
    "of another workspace": Person(id="U0M07", name="Twin", email="ada@desk.example", team="T0TWIN"),
    "of a shared channel": Person(id="U0FAR", name="Fay Foreign", team="T0OTHER"),
    "out of the department": Person(id="U0M08", name="Rem"),
    "of another department": Person(id="U0M09", name="Bea"),
    "our own bot": Person(id="U0FRONTDESK", name="Frontdesk", robot=True),
    "another app": Person(id="U0M10", name="App", robot=True),
}
MACHINES = ("robot", "our own bot", "another app")
WAYS = ("reply", "edit", "button", "modal", "command", "shortcut", "delete")


@dataclass
class Stranger:
    """Somebody who tries everything, by what Slack calls when they do."""

    desk: Desk
    person: Person
    app: bool

    def heard(self, before: int) -> None:
        """Hand in the event that Slack calls about since then."""
        event = json.loads(self.desk.sandbox.webhooks("slack/events", before)[-1]["body"])["event"]
        for message in (event, event.get("message", {}), event.get("previous_message", {})):
            message.update({"bot_id": "B0OTHER"} if self.app else {})
        self.desk.slack(event)

    def try_everything(self, ticket: int, thread: str) -> None:
        sandbox, user = self.desk.sandbox, self.person.id
        last = sandbox.shortcut(user, PLACE, thread, "open_ticket")
        self.desk.hand_in(last)
        said = sandbox.say(user, PLACE, "Refund them.", thread_ts=thread)
        self.heard(last)
        sandbox.edit(user, PLACE, said, "reply: Refund them all.")
        self.heard(last)
        sandbox.delete(user, PLACE, said)
        self.heard(last)
        self.desk.hand_in(sandbox.press(user, PLACE, thread, "take"))
        command = sandbox.command(user, PLACE, "/desk", "open")
        self.desk.hand_in(command)
        about = filled_in("tags", ticket, answers_to(self.desk, command))
        self.desk.webhook("slack", INTERACTIVITY, called("view_submission", about, self.person))


def strangers(desk: Desk) -> Iterator[tuple[str, Stranger]]:
    """Bring everybody in; those who can be are linked to Ada, two to agents without this department."""
    for number in (3, 4):
        desk.scalars(f"INSERT INTO users (name, email, type) VALUES ('A', '{number}@x.example', 'agent') RETURNING id")  # noqa: S608 (numbers of ours)
    desk.scalars("INSERT INTO user_departments VALUES (4, 2) RETURNING user_id")
    others = {"out of the department": 3, "of another department": 4}
    for who, person in STRANGERS.items():
        desk.sandbox.add_user(person)
        if who not in {"unmapped member", "address not confirmed"}:
            desk.scalars(
                "INSERT INTO user_oauth_accounts (user_id, provider, provider_user_id) VALUES (:id, 'slack', :name) "
                "RETURNING id",
                id=others.get(who, 1),
                name=f"{person.team}/{person.id}",
            )
        yield who, Stranger(desk, person, app=who == "another app")


def state(desk: Desk) -> list[object]:
    tables = ("tickets", "messages", "notes", "ticket_assignments", "ticket_tags", "blocks", "user_oauth_accounts")
    rows = [f"(SELECT string_agg({each}::text, ';' ORDER BY {each}::text) FROM {each})" for each in tables]  # noqa: S608 (names of ours)
    sends = "(SELECT count(*)::text FROM deliveries WHERE to_client OR purpose = 'message')"
    return desk.scalars(f"SELECT ARRAY[{', '.join([*rows, sends])}]")


def test_of_84_tries_none_does_anything_and_each_is_refused_to_who_tried(desk: Desk) -> None:
    desk.mail()
    desk.work()
    ticket, thread, everybody = desk.ticket().id, desk.thread(), dict(strangers(desk))
    before = state(desk)
    for stranger in everybody.values():
        stranger.try_everything(ticket, thread)
    desk.work()
    assert state(desk) == before
    told = Counter(each["to"] for kind in ("response", "ephemeral") for each in desk.effects("slack", kind))
    # What a machine writes is not answered: it would answer, too.
    ways = {who: len(WAYS) - (3 if who in MACHINES else 0) for who in everybody}
    assert {who: told[stranger.person.id] for who, stranger in everybody.items()} == ways
    assert (len(everybody) * len(WAYS), [each for each in desk.words() if "Printer on fire" in each]) == (84, [])


def called(kind: str, about: dict[str, object], person: Person = ADA) -> bytes:
    """Return what Slack would call about something somebody did, were its values not checked before."""
    who = {"team": {"id": "T0DESK"}, "user": {"id": person.id, "team_id": person.team}}
    return urlencode({"payload": json.dumps({"type": kind, **who, **about})}).encode()


def filled_in(action: str, ticket: int, url: str) -> dict[str, object]:
    """Return a form that was sent off."""
    state = {"values": {"choice": {action: {"selected_option": {"value": f"{ticket}:1"}}}}}
    kept = json.dumps({"value": str(ticket), "answer_url": url})
    return {"view": {"callback_id": action, "private_metadata": kept, "state": state}}


def answers_to(desk: Desk, command: int) -> str:
    """Return where a command is answered; it takes five answers."""
    (url,) = parse_qs(str(desk.sandbox.webhooks("slack/commands", command - 1)[0]["body"]))["response_url"]
    return url


def forged(action: str, ticket: int, url: str) -> Iterator[bytes]:
    """Return calls that name a ticket in a button, a menu, an overflow menu and a form."""
    button = {"type": "button", "value": str(ticket)}
    menu = {"type": "static_select", "selected_option": {"value": f"{ticket}:1"}}
    overflow = {"type": "overflow", "selected_option": {"value": f"{action}:{ticket}"}}
    for element in (button, menu, overflow):
        place = {"channel": {"id": PLACE}, "container": {"message_ts": "1.2"}, "response_url": url}
        yield called("block_actions", {**place, "actions": [{"action_id": action, **element}]})
    yield called("view_submission", filled_in(action, ticket, url))


def test_another_departments_ticket_is_refused_whatever_call_names_it(desk: Desk) -> None:
    desk.mail(to="billing@desk.example")
    desk.work()
    ticket, message = desk.ticket().id, desk.messages()[0].id
    before, calls = state(desk), 0
    for action in (*sorted(ACTIONS), ORIGINAL):
        url = answers_to(desk, desk.sandbox.command("U0ADA", PLACE, "/desk"))
        for call in forged(action, message if action == ORIGINAL else ticket, url):
            desk.webhook("slack", INTERACTIVITY, call)
            calls += 1
    desk.work()
    assert state(desk) == before
    assert calls >= 50
    assert len([each for each in desk.words() if "not an agent of this department" in each]) == calls


def test_twenty_first_acts_at_once_of_a_member_known_by_mail_make_one_link_and_one_notice(desk: Desk) -> None:
    desk.scalars("DELETE FROM user_oauth_accounts WHERE user_id = 1 RETURNING id")
    desk.mail()
    desk.work()
    for _ in range(20):
        desk.pick("more", f"history:{desk.ticket().id}")
    desk.scalars("UPDATE inbound_events SET conversation = 'lane ' || id RETURNING id")
    ids = [int(str(each)) for each in desk.scalars("SELECT id FROM inbound_events WHERE status = 'pending'")]
    database = Database(desk.tools.settings.database_url, lambda _: None, pool_size=20)
    tools = replace(desk.tools, database=database)
    with ThreadPoolExecutor(20) as workers:
        list(workers.map(lambda each: ingest_conversation(tools, each), ids))
    database.engine.dispose()
    notice = "Your Slack account was linked to Ada Agent"
    assert desk.scalars("SELECT provider_user_id FROM user_oauth_accounts WHERE user_id = 1") == ["T0DESK/U0ADA"]
    assert len([each for each in desk.words() if each.startswith(notice)]) == 1
    assert len([each for each in desk.words() if each.startswith("Tickets of")]) == 20


def test_changes_of_20_answers_that_were_sent_send_nothing(desk: Desk) -> None:
    desk.text("My order has not come")
    desk.work()
    thread = desk.thread()
    said = [desk.say(f"Answer {number}", thread=thread) for number in range(20)]
    desk.work()
    for ts in said:
        desk.edit(ts, "Never.", thread=thread)
        desk.delete(ts, thread=thread)
    desk.work()
    assert len(desk.effects("twilio", "message")) == 20
    assert desk.told().count("the client keeps") == 40
