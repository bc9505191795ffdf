import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from channels.base import RawEvent
from tests.desk import Desk
from workers.tasks.inbound import ingest_conversation
from workers.tasks.outbound import deliver_lane

TABLES = (
    "clients",
    "client_external_ids",
    "tickets",
    "ticket_external_ids",
    "ticket_links",
    "messages",
    "message_external_ids",
    "message_sources",
    "attachments",
    "notes",
    "deliveries",
    "inbound_events",
    "suppressions",
)


@pytest.fixture
def day(desk: Desk) -> Desk:
    """Play something of every kind, until all of it is done."""
    first = desk.mail(files=[("report.pdf", b"%PDF")])
    desk.text("My order has not come")
    desk.text("by whatsapp", sender=f"whatsapp:{desk.phone}", to="whatsapp:+15550100002")
    desk.say("A client in Slack", user="U0CLEO", channel="C0CLIENTS")
    desk.work()
    mail, sms, *_ = desk.tickets()
    desk.say("Pull the plug.", thread=desk.thread(mail.id))
    desk.say("note: careful", thread=desk.thread(mail.id))
    reply = desk.say("Tomorrow.", thread=desk.thread(sms.id))
    desk.work()
    desk.edit(reply, "Never.", thread=desk.thread(sms.id))
    sent = desk.deliveries()[-1]
    desk.report(str(sent.idempotency_key), str(sent.external_id), "delivered")
    desk.mail("Done.", headers={"In-Reply-To": first})
    desk.mail("Let me in.", sender="Mallory <m@elsewhere.example>", headers={"In-Reply-To": first})
    desk.press("take", mail.id)
    desk.press("close", sms.id)
    desk.work()
    return desk


def everything(desk: Desk) -> dict[str, object]:
    return {
        table: desk.scalars(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")  # noqa: S608 (names above)
        for table in TABLES
    }


def recorded(desk: Desk) -> list[RawEvent]:
    with desk.session() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT channel, external_id, conversation, payload, facts FROM inbound_events"
        )
        return [
            RawEvent(channel=row[0], external_id=row[1], conversation=row[2], payload=bytes(row[3]), facts=row[4])
            for row in rows
        ]


def test_every_event_given_again_five_times_eight_at_once_changes_nothing(day: Desk) -> None:
    before, effects = everything(day), len(day.effects())
    again = recorded(day) * 5
    random.Random(5).shuffle(again)
    with ThreadPoolExecutor(8) as doors:
        assert sum(doors.map(day.accept, again)) == 0
    day.work()
    assert everything(day) == before
    assert len(day.effects()) == effects


def test_every_wake_up_given_again_five_times_eight_at_once_changes_nothing(day: Desk) -> None:
    before, effects = everything(day), len(day.effects())
    events = [(ingest_conversation, int(str(each))) for each in day.scalars("SELECT id FROM inbound_events")]
    sends = [(deliver_lane, int(str(each))) for each in day.scalars("SELECT id FROM deliveries")]
    again = [*events, *sends] * 5
    random.Random(5).shuffle(again)
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda task: task[0](day.tools, task[1]), again))
    assert everything(day) == before
    assert len(day.effects()) == effects


def test_a_second_event_about_one_slack_message_adds_nothing(desk: Desk) -> None:
    event: dict[str, object] = {
        "type": "message",
        "user": "U0CLEO",
        "channel": "C0CLIENTS",
        "text": "Hi",
        "ts": "1795000009.000100",
    }
    desk.slack(event)
    desk.slack(event)
    desk.work()
    assert desk.count("messages") == 1
    assert desk.scalars("SELECT status FROM inbound_events") == ["processed"]


def test_a_mail_with_twenty_files_of_a_megabyte_goes_through(desk: Desk) -> None:
    files = [(f"file-{number}.bin", bytes([number]) * (1 << 20)) for number in range(20)]
    desk.mail(files=files)
    desk.work()
    assert desk.scalars("SELECT DISTINCT size FROM attachments") == [1 << 20]
    assert len(desk.effects("slack", "file")) == 20
    assert desk.scalars("SELECT status FROM deliveries WHERE purpose = 'files'") == ["sent"]
