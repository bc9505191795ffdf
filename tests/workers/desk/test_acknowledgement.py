from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from channels.base import ExternalId, InboundMessage, Verdict
from sandbox.client import Sandbox
from sandbox.faults import Fault
from tests.at_length import times
from tests.desk import Desk
from workers.cli.apply import Applier, read_desk
from workers.runtime import build
from workers.settings import from_environment
from workers.tasks.inbound import ingest_conversation

FORGED = times(5000, 100)
CAP = 20

ACKNOWLEDGING = """
[[departments]]
name = "Support"
email = "support@desk.example"
acknowledge = true
from_name = "Desk"
signature = "Desk Ltd"
{more}

[[departments]]
name = "Billing"
email = "billing@desk.example"
"""


def apply(desk: Desk, folder: Path, more: str = "") -> Desk:
    file = folder / "desk.toml"
    file.write_text(ACKNOWLEDGING.replace("{more}", more))
    with desk.session() as session:
        list(Applier(session=session, channels=desk.tools.channels).apply(read_desk(file)))
    return desk


@pytest.fixture
def acknowledging(desk: Desk, tmp_path: Path) -> Desk:
    return apply(desk, tmp_path)


@pytest.fixture
def capped(environment: dict[str, str], sandbox: Sandbox, tmp_path: Path) -> Iterator[Desk]:
    """Give a desk without Slack channels, which acknowledges 20 mails an hour."""
    settings = from_environment({**environment, "ACKNOWLEDGEMENTS_PER_HOUR": str(CAP)})
    made = Desk(build(settings, lambda _: None), sandbox)
    yield apply(made, tmp_path)
    made.tools.database.engine.dispose()


def mailed(desk: Desk) -> list[dict[str, object]]:
    return desk.effects("mailbox")


def test_nothing_is_acknowledged_unless_the_department_asks_for_it(desk: Desk) -> None:
    desk.mail()
    desk.work()
    assert mailed(desk) == []


def test_a_new_ticket_is_acknowledged_once_as_automatic_mail_in_its_thread(acknowledging: Desk) -> None:
    asked = acknowledging.mail()
    acknowledging.work()
    (sent,) = mailed(acknowledging)
    mail = acknowledging.mailbox()[-1]
    marks = ("Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "In-Reply-To", "From")
    assert [mail["headers"][each] for each in marks] == [
        *("auto-replied", "All", "auto_reply", asked, "Desk <support@desk.example>")
    ]
    assert (sent["to"], mail["text"].startswith("Thank you")) == (["cleo@client.example"], True)
    assert mail["text"].endswith("-- \nDesk Ltd\n".replace("\n", "\r\n"))
    (told,) = [each for each in acknowledging.messages() if each.is_system_message]
    assert told.body.startswith("Thank you")


def test_a_department_has_words_of_its_own(desk: Desk, tmp_path: Path) -> None:
    apply(desk, tmp_path, 'acknowledgement = "We *have* it."')
    desk.mail()
    desk.work()
    assert desk.mailbox()[-1]["text"].startswith("We *have* it.")
    assert desk.ticket().status == "open"


def test_the_clients_answer_to_an_acknowledgement_joins_the_ticket_and_causes_no_mail(acknowledging: Desk) -> None:
    acknowledging.mail()
    acknowledging.work()
    sent = acknowledging.mailbox()[-1]["headers"]
    for number in range(12):
        acknowledging.mail(f"More {number}", to=sent["Reply-To"], headers={"In-Reply-To": sent["Message-ID"]})
    acknowledging.work()
    assert len(acknowledging.bodies()) == 13
    assert len(mailed(acknowledging)) == 1


MACHINES = [
    {"Auto-Submitted": "auto-generated"},
    {"Precedence": "bulk"},
    {"List-Id": "<news.client.example>"},
    {"X-Auto-Response-Suppress": "All"},
]


@pytest.mark.parametrize("headers", MACHINES, ids=lambda headers: next(iter(headers)))
def test_automatic_mail_is_never_acknowledged(acknowledging: Desk, headers: dict[str, str]) -> None:
    acknowledging.mail(headers=headers)
    acknowledging.work()
    assert len(acknowledging.tickets()) == 1
    assert mailed(acknowledging) == []


def test_an_address_of_ours_and_a_suppressed_one_are_never_acknowledged(acknowledging: Desk) -> None:
    acknowledging.scalars(
        "INSERT INTO suppressions (type, value, reason) VALUES ('email', 'gone@client.example', 'bounced') RETURNING id"
    )
    acknowledging.mail(sender="gone@client.example")
    acknowledging.mail(sender="billing@desk.example")
    acknowledging.mail(sender="billing+t1.x@desk.example")
    acknowledging.work()
    assert len(acknowledging.tickets()) == 3
    assert mailed(acknowledging) == []


@pytest.mark.parametrize(("verdict", "sent"), [(Verdict.FAIL, 0), (Verdict.PASS, 1), (Verdict.UNKNOWN, 1)])
def test_a_mail_whose_sender_is_forged_is_not_acknowledged(capped: Desk, verdict: Verdict, sent: int) -> None:
    capped.mail(headers={"Precedence": "bulk"})
    capped.work()
    said = InboundMessage(
        external_id=None, sender=ExternalId(type="email", value="cleo@client.example"), authenticated=verdict
    )
    with capped.session() as session:
        capped.tools.recorder.acknowledgements.acknowledge(session, capped.ticket(), said)
    assert len(capped.deliveries()) == sent


def test_other_channels_are_not_acknowledged(acknowledging: Desk) -> None:
    acknowledging.text("It burns.")
    acknowledging.work()
    assert acknowledging.deliveries() == []


def test_one_address_is_acknowledged_once_a_day_and_the_agents_read_why_not_again(acknowledging: Desk) -> None:
    for number in range(3):
        acknowledging.mail(subject=f"Matter {number}")
    acknowledging.work()
    assert len(acknowledging.tickets()) == 3
    assert len(mailed(acknowledging)) == 1
    told = [str(each["text"]) for each in acknowledging.effects("slack", "post")]
    assert len([each for each in told if "No acknowledgement was sent" in each]) == 2
    acknowledging.scalars("UPDATE deliveries SET created_at = created_at - interval '25 hours' RETURNING id")
    acknowledging.mail(subject="The next day")
    acknowledging.work()
    assert len(mailed(acknowledging)) == 2


def test_the_tags_and_the_case_of_one_mailbox_are_one_address(acknowledging: Desk) -> None:
    spellings = [f"cleo+{number}@client.example" for number in range(12)]
    spellings += ["cleo@client.example", "Cleo+A@Client.Example", "CLEO@client.example", '"cleo"@client.example']
    for number, sender in enumerate(spellings):
        acknowledging.mail(sender=sender, subject=f"Matter {number}")
    acknowledging.work()
    assert len(acknowledging.tickets()) == len(spellings)
    assert [each["to"] for each in mailed(acknowledging)] == [["cleo+0@client.example"]]


NEIGHBOURS = ["a_b+1@client.example", "axb+1@client.example", "a_b+1@other.example", "a_b+1@the.client.example"]


@pytest.mark.parametrize("neighbours", [NEIGHBOURS, ["cle@client.example", "cleo@client.example", "%@client.example"]])
def test_other_mailboxes_have_caps_of_their_own(acknowledging: Desk, neighbours: list[str]) -> None:
    for sender in neighbours:
        acknowledging.mail(sender=sender)
    acknowledging.work()
    assert [each["to"] for each in mailed(acknowledging)] == [[each] for each in neighbours]


def test_a_flood_of_forged_senders_gets_no_more_than_the_hour_allows_and_is_reported(capped: Desk) -> None:
    for number in range(FORGED):
        capped.mail(sender=f"forged-{number}@victim-{number % 50}.example")
    with capture_logs() as logged:
        capped.work()
    assert capped.count("tickets") == FORGED
    assert len(mailed(capped)) == CAP
    told = "SELECT count(DISTINCT ticket_id) FROM messages WHERE body LIKE 'No acknowledgement was sent: the desk%'"
    assert capped.scalars(told) == [FORGED - CAP]
    warned = [each for each in logged if each["event"] == "acknowledgement_capped"]
    assert len(warned) == FORGED - CAP
    assert {(each["log_level"], each["cap"]) for each in warned} == {("warning", "overall")}
    assert "victim" not in str(warned)


@pytest.fixture
def slow(capped: Desk) -> Desk:
    """Let time pass between an acknowledgement and its commit, in which others might count."""
    with capped.session() as session:
        session.connection().exec_driver_sql(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END';"
            "CREATE TRIGGER wait AFTER INSERT ON deliveries FOR EACH ROW WHEN (NEW.purpose = 'acknowledgement')"
            "EXECUTE FUNCTION wait()"
        )
    return capped


def test_of_forty_clients_at_once_no_more_are_acknowledged_than_the_hour_allows(slow: Desk) -> None:
    for number in range(2 * CAP):
        slow.mail(sender=f"client-{number}@client.example")
    with ThreadPoolExecutor(20) as workers:
        list(workers.map(lambda each: ingest_conversation(slow.tools, each), waiting(slow)))
    assert slow.count("tickets") == 2 * CAP
    assert len(slow.deliveries()) == CAP


def test_twenty_mails_of_one_address_at_once_are_acknowledged_once(slow: Desk) -> None:
    """The client is known, so nobody waits for that; and no conversation holds the mails apart."""
    slow.mail(headers={"Precedence": "bulk"})
    slow.work()
    for number in range(20):
        slow.mail(subject=f"Matter {number}")
    slow.scalars("UPDATE inbound_events SET conversation = id::text WHERE status = 'pending' RETURNING id")
    with ThreadPoolExecutor(20) as workers:
        list(workers.map(lambda each: ingest_conversation(slow.tools, each), waiting(slow)))
    assert slow.count("tickets") == 21
    assert len(slow.deliveries()) == 1


def waiting(desk: Desk) -> list[int]:
    return [int(str(each)) for each in desk.scalars("SELECT id FROM inbound_events WHERE status = 'pending'")]


def test_an_acknowledgement_that_may_have_gone_out_is_not_sent_again_and_asks_nobody(acknowledging: Desk) -> None:
    acknowledging.sandbox.fault(Fault(service="mailbox", method="DATA", kind="reset_after_data"))
    acknowledging.mail()
    acknowledging.work()
    acknowledging.let_pass(24 * 3600)
    assert [each.status for each in acknowledging.deliveries()] == ["unconfirmed"]
    assert len(mailed(acknowledging)) == 1
    assert "not known" not in str([each["text"] for each in acknowledging.effects("slack", "post")])
