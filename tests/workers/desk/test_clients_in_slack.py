"""Clients who live in Slack: whose ticket a message is, and who is a client there."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sandbox.client import file
from sandbox.slack.world import Person
from tests.desk import Desk
from workers.db import Database
from workers.tasks.inbound import ingest_conversation

CLIENTS, CLEO, DAN, FAY = "C0CLIENTS", "U0CLEO", "U0DAN", "U0FAR"


def write(desk: Desk, body: str, *, user: str = CLEO, thread: str = "", channel: str = CLIENTS, **more: object) -> str:
    """Let somebody write where clients write, and the workers do what follows."""
    if user == DAN:
        desk.sandbox.add_user(Person(id=DAN, name="Dan Client", guest=True))
    ts = desk.say(body, user=user, channel=channel, thread=thread, **more)
    desk.work()
    return ts


def answer(desk: Desk, body: str, ticket_id: int) -> None:
    desk.say(body, thread=desk.thread(ticket_id))
    desk.work()


def earlier(desk: Desk, minutes: int) -> None:
    """Make everything that was said be said so long ago."""
    desk.scalars(
        "UPDATE message_sources SET sent_at = sent_at - make_interval(mins => :by) RETURNING message_id", by=minutes
    )


def posts(desk: Desk, channel: str = CLIENTS) -> list[tuple[object, object, object]]:
    """Return what we posted in a channel: text, thread and name."""
    found = [each for each in desk.effects("slack", "post") if each["channel"] == channel]
    return [(each["text"], each.get("thread_ts"), each.get("username")) for each in found]


def test_what_one_person_goes_on_saying_in_a_channel_is_one_ticket_and_anothers_is_another(desk: Desk) -> None:
    first = write(desk, "My order has not come")
    write(desk, "Number 4711")
    write(desk, "Mine has not come either", user=DAN)
    earlier(desk, 6)
    write(desk, "And the invoice is wrong")
    assert [desk.bodies(each.id) for each in desk.tickets()] == [
        ["My order has not come", "Number 4711"],
        ["Mine has not come either"],
        ["And the invoice is wrong"],
    ]
    assert desk.rules() == ["new_ticket", "follow_up", "new_ticket", "new_ticket"]
    answer(desk, "Tomorrow.", desk.tickets()[0].id)
    assert posts(desk) == [("Tomorrow.", first, "Ada Agent · Support")]


def test_a_thread_is_its_ticket_whoever_writes_in_it(desk: Desk) -> None:
    root = write(desk, "My order has not come")
    second = write(desk, "Number 4711")
    write(desk, "In the thread", thread=root)
    write(desk, "I wait too", user=DAN, thread=root)
    write(desk, "Really", user=DAN, thread=root)
    write(desk, "Under the second", thread=second)
    assert desk.rules()[2:] == ["reference", "thread", "thread", "reference"]
    assert desk.scalars("SELECT name FROM clients JOIN messages ON client_id = clients.id ORDER BY messages.id") == [
        *("Cleo Client", "Cleo Client", "Cleo Client"),
        *("Dan Client", "Dan Client", "Cleo Client"),
    ]
    assert desk.told().count("Dan Client writes in the thread of Cleo Client") == 1
    assert ("I wait too", desk.thread(), "Dan Client") in posts(desk, "C0SUPPORT")
    answer(desk, "Tomorrow.", desk.ticket().id)
    assert posts(desk) == [("Tomorrow.", second, "Ada Agent · Support")]
    write(desk, "Another matter of mine", user=DAN)
    assert len(desk.tickets()) == 2


def test_in_a_thread_that_nobody_knew_a_client_opens_a_ticket_that_is_answered_there(desk: Desk) -> None:
    root = write(desk, "We deploy tonight", user="U0ADA")
    assert desk.tickets() == []
    write(desk, "It broke our shop", thread=root)
    write(desk, "Ours too", user=DAN, thread=root)
    assert desk.rules() == ["new_ticket", "thread"]
    answer(desk, "We roll back.", desk.ticket().id)
    assert posts(desk) == [("We roll back.", root, "Ada Agent · Support")]


def test_long_after_its_end_a_thread_goes_on_in_a_new_ticket(desk: Desk) -> None:
    root = write(desk, "My order has not come")
    desk.scalars(
        "UPDATE tickets SET status = 'closed', closed_at = timezone('utc', now()) - interval '15 days' RETURNING id"
    )
    write(desk, "Nor the next one", thread=root)
    write(desk, "Hello?", thread=root)
    old, new = desk.tickets()
    assert (desk.bodies(old.id), desk.bodies(new.id)) == (["My order has not come"], ["Nor the next one", "Hello?"])
    assert desk.scalars("SELECT linked_ticket_id FROM ticket_links") == [old.id]
    answer(desk, "Tomorrow.", new.id)
    assert posts(desk) == [("Tomorrow.", root, "Ada Agent · Support")]


def test_what_an_agent_answers_in_the_clients_thread_is_an_answer_and_not_sent_again(desk: Desk) -> None:
    root = write(desk, "My order has not come")
    ts = write(desk, "Tomorrow.", user="U0ADA", thread=root)
    desk.edit(ts, "Today.", thread=root, channel=CLIENTS)
    desk.work()
    ticket = desk.ticket()
    assert ticket.status == "waiting_for_user"
    assert desk.scalars("SELECT body FROM messages WHERE user_id = 1") == ["Tomorrow."]
    assert (desk.deliveries(), posts(desk)) == ([], [])
    assert ("Tomorrow.", desk.thread(), "Ada Agent") in posts(desk, "C0SUPPORT")
    assert "Ada Agent answered first" in desk.told()
    assert "An agent edited a message. It now reads:\nToday." in desk.told()
    assert desk.count("clients") == 1


def test_an_agent_of_the_channel_is_no_client_and_one_of_elsewhere_is(desk: Desk) -> None:
    desk.scalars("INSERT INTO users (name, email, type) VALUES ('Bea', 'bea@desk.example', 'agent') RETURNING id")
    desk.scalars("INSERT INTO user_departments VALUES (3, 2) RETURNING user_id")
    desk.sandbox.add_user(Person(id="U0BEA", name="Bea Billing", email="bea@desk.example"))
    for user in ("U0ADA", "U0BEN"):
        write(desk, "Good morning", user=user)
    assert desk.tickets() == []
    write(desk, "My screen is black", user="U0BEA")
    assert desk.bodies() == ["My screen is black"]
    desk.sandbox.say("U0ADA", "U0ADA", "Is this on?")
    write(desk, "hello", user="U0ADA", channel="D0ADA", channel_type="im")
    assert len(desk.tickets()) == 1
    assert "your account is an agent's" in desk.words()[-1]


def test_a_person_of_another_company_is_a_client_without_an_address(desk: Desk) -> None:
    write(desk, "From next door", user=FAY, user_team="T0OTHER")
    assert desk.scalars("SELECT value FROM client_external_ids") == ["T0OTHER/U0FAR"]
    assert desk.scalars("SELECT name FROM clients") == ["Fay Foreign"]
    answer(desk, "Welcome.", desk.ticket().id)
    assert [text for text, _, _ in posts(desk)] == ["Welcome."]


def test_files_go_both_ways_and_the_answers_text_under_the_agents_name(desk: Desk) -> None:
    def say(user: str, channel: str, text: str, name: str, thread: str = "") -> str:
        ts = desk.sandbox.say(user, channel, text, thread_ts=thread, files=[file(name, name.encode())])
        said = desk.sandbox.thread(channel, thread or ts)[-1]
        desk.slack({**said, "type": "message", "channel": channel, "channel_type": "channel"})
        desk.work()
        return ts

    root = say(CLEO, CLIENTS, "Look", "photo.png")
    (shown,) = desk.effects("slack", "file")
    assert (shown["name"], shown["channel"], shown["thread_ts"]) == ("photo.png", "C0SUPPORT", desk.thread())
    say("U0ADA", "C0SUPPORT", "Sign this", "form.pdf", desk.thread())
    say("U0ADA", "C0SUPPORT", "", "again.pdf", desk.thread())
    files = [each for each in desk.effects("slack", "file") if each["channel"] == CLIENTS]
    assert [(each["name"], each["thread_ts"]) for each in files] == [("form.pdf", root), ("again.pdf", root)]
    assert posts(desk) == [("Sign this", root, "Ada Agent · Support")]


def test_twenty_messages_of_one_person_at_once_are_one_ticket(desk: Desk) -> None:
    write(desk, "An old matter")
    earlier(desk, 60)
    for number in range(20):
        desk.say(f"line {number}", user=CLEO, channel=CLIENTS)
    ids = [int(str(each)) for each in desk.scalars("SELECT id FROM inbound_events WHERE status = 'pending'")]
    # A connection for each: waiting for one is not what is tested.
    database = Database(desk.tools.settings.database_url, lambda _: None, pool_size=20)
    tools = replace(desk.tools, database=database)
    with ThreadPoolExecutor(20) as workers:
        list(workers.map(lambda each: ingest_conversation(tools, each), ids))
    database.engine.dispose()
    assert [len(desk.bodies(each.id)) for each in desk.tickets()] == [1, 20]


def test_thanks_beside_the_thread_open_nothing_and_more_than_thanks_does(desk: Desk) -> None:
    write(desk, "My order has not come")
    desk.press("close", desk.ticket().id)
    desk.work()
    earlier(desk, 60)
    write(desk, "great, thank you!")
    assert (desk.ticket().status, desk.rules()[-1]) == ("closed", "thanks")
    assert "great, thank you!" in desk.in_thread()
    write(desk, "Thanks, but it is the wrong size")
    assert (desk.ticket().status, desk.rules()[-1]) == ("waiting_for_agent", "follow_up")
