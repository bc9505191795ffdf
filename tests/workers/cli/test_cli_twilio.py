"""`frontdesk twilio` against the sandbox's account: numbers, a Messaging Service and a WhatsApp sender."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from channels.base import ExternalId, OutboundMessage
from models.departments import add_address
from tests.conftest import CREDENTIALS
from tests.desk import Desk
from tests.workers.cli.conftest import Frontdesk
from tests.workers.own_process import own_process
from workers.cli import cli
from workers.settings import SettingsError

HERE = "https://desk.example.com/webhooks/twilio"
MESSAGES, STATUS = f"{HERE}/messages#rc=3&rp=all", f"{HERE}/status#rc=3&rp=all"


@pytest.fixture
def numbers(desk: Desk) -> dict[str, str]:
    """Give the desk a number, a service and a WhatsApp sender that nobody has set up, in place of the example's."""
    end = desk.phone[5:]
    number, whatsapp = f"+1777{end}", f"+1778{end}"
    desk.sandbox.sender(whatsapp)
    service = desk.sandbox.service([f"+1779{end}"])
    desk.scalars("DELETE FROM department_external_ids WHERE type IN ('phone', 'whatsapp') RETURNING id")
    own(desk, "phone", number)
    own(desk, "phone", service)
    own(desk, "whatsapp", whatsapp)
    return {"number": number, "service": service, "whatsapp": f"whatsapp:{whatsapp}"}


def own(desk: Desk, kind: str, value: str) -> None:
    with desk.session() as session:
        add_address(session, 1, ExternalId(type=kind, value=value))


def rows(result: Result) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return {str(row["address"]): row for row in found}


def test_twilio_is_set_up_once_and_shown_as_it_is(frontdesk: Frontdesk, desk: Desk, numbers: dict[str, str]) -> None:
    before = frontdesk("twilio", "status", "--json")
    assert before.exit_code == 1
    assert {each["state"] for each in rows(before).values()} == {"differs"}
    planned = frontdesk("twilio", "configure", "--dry-run")
    assert "12 would be changed" in planned.stdout
    assert rows(frontdesk("twilio", "status", "--json")) == rows(before)
    done = frontdesk("twilio", "configure")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert f"{numbers['number']}: sms_url https://demo.twilio.com/welcome/sms/reply → {MESSAGES}" in lines
    assert f"{numbers['service']}: inbound_request_url nothing → {MESSAGES}" in lines
    assert f"{numbers['service']}: status_callback nothing → {STATUS}" in lines
    assert f"{numbers['whatsapp']}: callback_url nothing → {MESSAGES}" in lines
    assert lines[-1] == "12 changed"
    assert frontdesk("twilio", "configure").stdout == "nothing to change\n"
    desk.sandbox.text(desk.phone, numbers["number"], "Hello")
    to, ours = (ExternalId(type="phone", value=each) for each in (desk.phone, numbers["number"]))
    desk.tools.channel("sms").send(OutboundMessage(idempotency_key="1", to=to, sender=ours, body="Hello"))
    after = frontdesk("twilio", "status", "--json")
    assert after.exit_code == 0
    assert {(each["state"], each["calls"]) for each in rows(after).values()} == {("right", MESSAGES)}
    assert [bool(rows(after)[numbers["number"]][way]) for way in ("last_in", "last_out")] == [True, True]
    said = "".join(each.output for each in (before, planned, done, after))
    assert CREDENTIALS["TWILIO_AUTH_TOKEN"] not in said


def test_what_only_a_person_can_do_is_said_and_the_rest_is_done(
    frontdesk: Frontdesk, desk: Desk, numbers: dict[str, str]
) -> None:
    in_service, trial = f"+1776{desk.phone[5:]}", f"+1775{desk.phone[5:]}"
    service = desk.sandbox.service([in_service])
    own(desk, "phone", in_service)
    own(desk, "whatsapp", trial)
    done = frontdesk("twilio", "configure")
    assert done.exit_code == 1
    assert f"{in_service} is in the Messaging Service {service}" in done.stderr
    assert f"whatsapp:{trial} is no WhatsApp sender" in done.stderr
    assert f"set incoming messages to {MESSAGES}" in done.stderr
    shown = frontdesk("twilio", "status")
    assert shown.exit_code == 1
    assert f"{in_service} is in the Messaging Service {service}" in shown.stdout
    assert [line.split()[0] for line in shown.stdout.splitlines() if "  right  " in line] == list(numbers.values())


def test_without_a_number_there_is_nothing_to_set_up(frontdesk: Frontdesk, environment: dict[str, str]) -> None:  # noqa: ARG001 (an empty database)
    assert frontdesk("twilio", "configure").stdout == "nothing to change\n"
    assert frontdesk("twilio", "status").stdout.startswith("no department has a number")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"PUBLIC_URL": ""}, "set PUBLIC_URL"),
        ({"PUBLIC_URL": "desk.example.com"}, "set PUBLIC_URL"),
        ({"PUBLIC_URL": "http://["}, "set PUBLIC_URL"),
        ({"PUBLIC_URL": "http://127.0.0.1:8080", "TWILIO_API_URL": ""}, "Twilio cannot call http://127.0.0.1:8080"),
        ({"TWILIO_AUTH_TOKEN": ""}, "TWILIO_AUTH_TOKEN is not"),
    ],
)
def test_a_setting_that_is_missing_is_named(environment: dict[str, str], changes: dict[str, str], said: str) -> None:
    with own_process({**environment, **changes}):
        result = CliRunner().invoke(cli, ["twilio", "status"])
    assert isinstance(result.exception, SettingsError)
    assert said in str(result.exception)


def test_refused_credentials_are_a_sentence_without_them(environment: dict[str, str], desk: Desk) -> None:
    wrong = "00112233445566778899aabbccddeeff"
    assert desk.tools.channels.channels
    with own_process({**environment, "TWILIO_AUTH_TOKEN": wrong}):
        result = CliRunner().invoke(cli, ["twilio", "status"])
    assert result.exit_code == 1
    assert "refused our credentials" in result.output
    assert wrong not in result.output
