"""The word of the morning to each department's agents."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from models.departments import Habits, save_settings
from sandbox.faults import Fault
from tests.desk import Desk
from workers.desk.digests import Digests, DigestTime

BERLIN = DigestTime(at=time(9), zone=ZoneInfo("Europe/Berlin"))
MONDAY = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        ("2026-11-23T07:59", None),
        ("2026-11-23T08:00", date(2026, 11, 23)),  # nine in Berlin, in winter
        ("2026-07-20T07:00", date(2026, 7, 20)),  # and in summer
        ("2026-11-23T10:59", date(2026, 11, 23)),
        ("2026-11-23T11:00", None),
        ("2026-11-22T08:30", None),  # a Sunday
        ("2026-11-27T08:30", date(2026, 11, 27)),
    ],
)
def test_a_digest_is_due_on_weekdays_from_its_time_on_and_not_at_night(moment: str, due: date | None) -> None:
    assert BERLIN.day(datetime.fromisoformat(moment).replace(tzinfo=UTC)) == due


def test_mondays_digest_looks_back_over_the_weekend() -> None:
    spans = [MONDAY.date() - BERLIN.before(day).date() for day in (MONDAY.date(), date(2026, 11, 24))]
    assert spans == [timedelta(days=3), timedelta(days=0)]


def digests(desk: Desk, **environment: str) -> Digests:
    tools = desk.tools
    return Digests(database=tools.database, desk=tools.agents_desk, time=BERLIN, environment=environment)


def posted(desk: Desk) -> list[str]:
    return [json.dumps(each, ensure_ascii=False) for each in desk.effects("slack", "post") if "agent*" in str(each)]


def test_a_digest_is_posted_once_a_day_and_department_whoever_asks(desk: Desk) -> None:
    desk.mail()
    desk.mail("Too high", to="billing@desk.example", subject="Invoice 7")
    desk.work()
    with desk.session() as session:
        save_settings(session, 2, Habits(digest=False))
    assert digests(desk).run(MONDAY - timedelta(days=1)) == 0
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: digests(desk).run(MONDAY), range(8)))
    assert sum(runs) == 1
    (told,) = posted(desk)
    assert '"channel": "C0SUPPORT"' in told
    assert "Support: 1 ticket waits for an agent" in told
    assert "|#1 Printer on fire>" in told
    assert "Nobody has 1 of them." in told
    assert digests(desk).run(MONDAY + timedelta(days=1)) == 1


def test_a_digest_whose_answer_was_lost_is_found_and_one_that_was_not_sent_is_sent(desk: Desk) -> None:
    desk.mail()
    desk.work()
    for kind in ("5xx_before", "5xx_after"):
        desk.sandbox.fault(Fault(service="slack", kind=kind, method="chat.postMessage"))
    runs = [digests(desk).run(MONDAY) for _ in range(4)]
    assert runs == [0, 0, 1, 0]
    assert len(posted(desk)) == 1


def test_nothing_is_posted_when_there_is_nothing_to_say_and_silent_mailboxes_are_something(desk: Desk) -> None:
    assert digests(desk).run(MONDAY) == 0
    assert desk.scalars("SELECT outcome FROM digests") == ["nothing to say"] * 2
    mailbox = {"IMAP_MAILBOXES": "support", "IMAP_SUPPORT_URL": "imaps://support%40desk.example@imap.example.com/INBOX"}
    assert digests(desk, **mailbox, IMAP_SUPPORT_PASSWORD="pw").run(MONDAY + timedelta(days=1)) == 2
    assert "The mailbox support has never been read" in posted(desk)[0]


def test_failed_answers_are_counted(desk: Desk) -> None:
    desk.mail()
    desk.work()
    desk.sandbox.refuse("cleo@client.example", 550)
    desk.say("Pull the plug.", thread=desk.thread())
    desk.work()
    desk.sandbox.refuse("cleo@client.example", 0)
    assert digests(desk).run(MONDAY) == 1
    assert "failed, or may have: 1" in posted(desk)[0]
