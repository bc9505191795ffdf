"""What belongs to whom when names are written in two ways, move between clients, or a channel changes."""

from models.users import User
from tests.desk import Desk

BRAZIL, OLD_BRAZIL = "+5511987654321", "+551187654321"
MEXICO, OLD_MEXICO = "+525512345678", "+5215512345678"


def texts(desk: Desk) -> list[tuple[object, object]]:
    return [(each["to"], each["body"]) for each in desk.effects("twilio", "message")]


def test_after_a_merge_is_undone_answers_go_to_no_address_of_the_other_client(desk: Desk) -> None:
    desk.text("My salary?", sender="+15550001111")
    desk.text("Hello.", sender="+15550002222")
    desk.work()
    first = desk.tickets()[0]
    with desk.session() as session:
        kept, merged = (each.client_id for each in desk.tickets())
        ada = session.get_one(User, 1)
        merge = desk.tools.merging.merge_clients(session, kept, merged, ada).id
    desk.scalars(
        "UPDATE tickets SET status = 'closed', closed_at = now() - interval '90 days' WHERE id = 2 RETURNING id"
    )
    desk.text("And mine?", sender="+15550002222")
    desk.work()
    assert desk.bodies(first.id)[-1] == "And mine?"
    with desk.session() as session:
        desk.tools.merging.undo_merge(session, merge, session.get_one(User, 1))
    desk.work()
    desk.say("It is 4711.", thread=desk.thread(first.id))
    desk.work()
    assert texts(desk) == [("+15550001111", "It is 4711.")]


def test_stop_and_a_block_hold_for_both_ways_to_write_a_number(desk: Desk) -> None:
    desk.text("Hello.", sender=BRAZIL)
    desk.work()
    desk.text("STOP", sender=OLD_BRAZIL)
    desk.work()
    desk.scalars("UPDATE message_sources SET sender = :now WHERE sender = :old RETURNING 1", now=BRAZIL, old=OLD_BRAZIL)
    desk.say("Buy now.", thread=desk.thread(desk.tickets()[0].id))
    desk.work()
    assert texts(desk) == []
    assert "opted out" in desk.told(desk.tickets()[0].id)
    desk.pick("more", f"block:{desk.tickets()[0].id}", ts=desk.thread(desk.tickets()[0].id))
    desk.work()
    desk.text("Hello?", sender=OLD_BRAZIL)
    desk.work()
    assert all("Hello?" not in desk.bodies(each.id) for each in desk.tickets())


def test_both_ways_to_write_a_number_of_ours_are_that_number(desk: Desk) -> None:
    desk.scalars("UPDATE department_external_ids SET value = :now WHERE type = 'whatsapp' RETURNING id", now=MEXICO)
    client = {"sender": "whatsapp:+15557654321", "to": f"whatsapp:{OLD_MEXICO}"}
    desk.text("Hello.", **client)
    desk.work()
    desk.command("new whatsapp:+15557654321 Your order")
    opened = desk.tickets()[1].id

    def say(text: str) -> None:
        desk.say(text, thread=desk.thread(opened))
        desk.work()
        desk.let_pass(10)

    with desk.session() as session:
        desk.older(session, 25)
    say("It is here.")
    assert texts(desk) == []
    desk.text("Where is it?", **client)
    desk.work()
    assert desk.bodies(opened)[-1] == "Where is it?"
    assert [body for _, body in texts(desk)] == ["It is here."]
    desk.text("STOP", **client)
    say("Buy more.")
    desk.text("So?", **client)
    say("Here.")
    assert [body for _, body in texts(desk)] == ["It is here.", "Here."]


def test_a_ticket_goes_on_in_the_channel_its_agents_work_in_now(desk: Desk) -> None:
    desk.text("It burns.")
    desk.work()
    desk.sandbox.add_channel("C0SUPPORT", "support", ["U0ADA"], archived=True)
    desk.sandbox.add_channel("C0NEW", "new", ["U0ADA"])
    desk.scalars(
        "INSERT INTO department_external_ids (department_id, type, value) "
        "VALUES (1, 'slack_agents', 'T0DESK/C0NEW') RETURNING id"
    )
    try:
        desk.text("Still.")
        desk.work()
        assert "Still." in [each["text"] for each in desk.effects("slack", "post") if each["channel"] == "C0NEW"]
    finally:
        desk.sandbox.add_channel("C0SUPPORT", "support", ["U0ADA", "U0BEN"])
