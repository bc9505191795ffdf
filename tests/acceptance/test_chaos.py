"""Messages and answers while processes, broker and database are killed under them.

The other side keeps the truth: what the door acknowledged, and what reached the clients. The test plays the agents too:
where the desk says that it does not know whether an answer went out, somebody asks the client, and presses the button.
"""

import smtplib
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import urlencode

import pytest
import redis
import urllib3
from twilio.request_validator import RequestValidator

from sandbox.client import wait_for
from tests.acceptance.conftest import Running
from tests.at_length import times

MESSAGES = times(500, 240)
CONVERSATIONS = 30
KILLS = times(20, 10)
REPLIES = 60
PATIENCE = 150.0
SMS_NUMBER, WHATSAPP_NUMBER = "+15550100001", "whatsapp:+15550100002"


@dataclass(slots=True)
class Ledger:
    """What the drivers saw acknowledged, in order, by conversation; only they write it."""

    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    refused_for_good: list[str] = field(default_factory=list)


class Driver:
    """Plays one side's senders by their real contract: what is not acknowledged is sent again, the same bytes."""

    def __init__(self, running: Running, ledger: Ledger) -> None:
        self._running = running
        self._ledger = ledger
        self._http = urllib3.PoolManager(retries=False, timeout=5, maxsize=CONVERSATIONS)
        self._signer = RequestValidator(running.secrets["TWILIO_AUTH_TOKEN"])

    def converse(self, number: int) -> None:
        """Send this conversation's messages, each only once the one before is acknowledged."""
        send = (self._mail, self._sms, self._whatsapp)[number % 3]
        name = f"{send.__name__.strip('_')} {number} {uuid.uuid4().hex[:8]}"
        said = self._ledger.acknowledged.setdefault(name, [])
        for count in range(number, MESSAGES, CONVERSATIONS):
            body = f"{name} message {count:04}"
            wait_for(lambda body=body: send(number, body), f"yes to {body}", 60)  # type: ignore[misc]
            said.append(body)

    def _mail(self, number: int, body: str) -> bool:
        mail = EmailMessage()
        mail["From"], mail["To"] = f"c{number}@chaos.example", "support@desk.example"
        mail["Subject"], mail["Message-ID"] = f"chaos {number}", f"<{body.replace(' ', '.')}@chaos.example>"
        if self._first(body) not in mail["Message-ID"]:
            mail["References"] = f"<{self._first(body)}@chaos.example>"
        mail.set_content(body)
        try:
            with smtplib.SMTP("127.0.0.1", self._running.ports.smtp, timeout=25) as door:
                door.send_message(mail)
        except smtplib.SMTPResponseException as error:
            return self._later(error.smtp_code, body)
        except smtplib.SMTPRecipientsRefused as error:
            return self._later(next(iter(error.recipients.values()))[0], body)
        except (OSError, smtplib.SMTPException):
            return False
        return True

    def _first(self, body: str) -> str:
        head, _, _ = body.rpartition(" ")
        count = int(body.rpartition(" ")[2]) % CONVERSATIONS
        return f"{head} {count:04}".replace(" ", ".")

    def _later(self, code: int, body: str) -> bool:
        if code >= 500:
            self._ledger.refused_for_good.append(body)
        return False

    def _sms(self, number: int, body: str) -> bool:
        return self._form(f"+1555000{number:04}", SMS_NUMBER, body)

    def _whatsapp(self, number: int, body: str) -> bool:
        return self._form(f"whatsapp:+1555100{number:04}", WHATSAPP_NUMBER, body)

    def _form(self, sender: str, to: str, body: str) -> bool:
        sid = f"SM{uuid.uuid5(uuid.NAMESPACE_URL, body).hex}"
        form = {"MessageSid": sid, "AccountSid": "AC0", "From": sender, "To": to, "Body": body, "NumMedia": "0"}
        path = "/webhooks/twilio/messages"
        signature = self._signer.compute_signature(self._running.env["PUBLIC_URL"] + path, form)
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        url = f"http://127.0.0.1:{self._running.ports.web}{path}"
        try:
            return self._http.request("POST", url, body=urlencode(form), headers=headers).status == 200
        except urllib3.exceptions.HTTPError:
            return False


def trouble(running: Running, done: threading.Event) -> Counter[str]:
    """Kill and restart what a desk stands on, one after another, until it has been done often enough."""
    counted: Counter[str] = Counter()
    plan: list[tuple[str, Callable[[], object]]] = []
    for number in range(KILLS):
        name = "inbound" if number % 2 else "outbound"
        plan.append((name, lambda name=name: _kill(running, name)))  # type: ignore[misc]
    plan.insert(KILLS // 3, ("flush", lambda: _flush(running)))
    plan.insert(2 * KILLS // 3, ("flush", lambda: _flush(running)))
    plan.insert(KILLS // 2, ("restart", lambda: running.postgres.restart("immediate")))
    for name, act in plan:
        act()
        counted[name] += 1
        done.wait(1.0)  # the pace of the trouble, not a wait for anything
    return counted


def _kill(running: Running, name: str) -> None:
    running.pid(name)
    running.kill(name)


def _flush(running: Running) -> None:
    with redis.Redis.from_url(running.redis.url) as client:
        client.flushall()


@pytest.mark.timeout(400)
def test_nothing_is_lost_doubled_or_disordered_while_everything_is_killed(running: Running) -> None:
    ledger = Ledger()
    driver = Driver(running, ledger)
    before = int(running.one("SELECT count(*) FROM messages WHERE client_id IS NOT NULL"))
    first_event = int(running.one("SELECT coalesce(max(id), 0) FROM inbound_events"))
    never = threading.Event()
    with ThreadPoolExecutor(CONVERSATIONS + 2) as threads:
        killer = threads.submit(trouble, running, never)
        talks = [threads.submit(driver.converse, number) for number in range(CONVERSATIONS)]
        replies = threads.submit(_answer_everybody, running, ledger)
        for talk in talks:
            talk.result()
        counted = killer.result()
        answers = replies.result()
    assert (counted["inbound"] + counted["outbound"], counted["flush"], counted["restart"]) == (KILLS, 2, 1)
    running.settle(PATIENCE)
    asked = _play_the_agents(running, answers)
    _check_intake(running, ledger, before)
    assert (
        running.one("SELECT count(*) FROM inbound_events WHERE id > %(it)s AND status = 'failed'", it=first_event) == 0
    )
    _check_answers(running, answers)
    assert asked <= KILLS, "at most one answer a kill is left to the agents"


def _answer_everybody(running: Running, ledger: Ledger) -> list[str]:
    """Let Ada answer in the threads as they come up, two answers each."""
    answers: list[str] = []
    for number in range(REPLIES):
        wait_for(lambda wanted=number % CONVERSATIONS: len(ledger.acknowledged) > wanted, "a conversation", 60)  # type: ignore[misc]
        name = sorted(ledger.acknowledged)[number % CONVERSATIONS]
        ticket = running.ticket_of(name, 120)
        channel, ts = running.thread_of(ticket, 120)
        answers.append(f"answer {uuid.uuid4().hex}")
        running.sandbox.say("U0ADA", channel, answers[-1], thread_ts=ts)
    return answers


def _play_the_agents(running: Running, answers: list[str]) -> int:
    """Send again what the desk asks about and the client has not got; say how many that were."""
    open_questions = (
        "SELECT d.id, m.body FROM deliveries d JOIN messages m ON m.id = d.message_id "
        "WHERE d.to_client AND d.status = 'unconfirmed'"
    )
    asked = [(row[0], row[1]) for row in running.rows(open_questions) if row[1] in answers]
    arrived = _arrived(running)
    for delivery, body in asked:
        if not arrived[body]:
            running.frontdesk("deliveries", "retry", str(delivery))
    running.settle(PATIENCE)
    return len(asked)


def _arrived(running: Running) -> Counter[str]:
    texts = [str(each["body"]) for each in running.sandbox.ledger("twilio", "message")]
    mails = [str(each["text"]).strip() for each in running.sandbox.mailbox()]
    return Counter([*texts, *mails])


def _check_intake(running: Running, ledger: Ledger, before: int) -> None:
    said = [body for bodies in ledger.acknowledged.values() for body in bodies]
    assert len(said) == MESSAGES
    assert ledger.refused_for_good == []
    rows = running.rows(
        "SELECT body FROM messages WHERE client_id IS NOT NULL AND body LIKE '%% message %%' ORDER BY id"
    )
    stored = [row[0] for row in rows]
    assert Counter(stored) == Counter(said)
    assert int(running.one("SELECT count(*) FROM messages WHERE client_id IS NOT NULL")) - before == MESSAGES
    for name, bodies in ledger.acknowledged.items():
        assert [body for body in stored if body.startswith(f"{name} ")] == bodies
        tickets = "SELECT count(DISTINCT ticket_id) FROM messages WHERE body LIKE %(name)s AND client_id IS NOT NULL"
        assert running.one(tickets, name=f"{name} %") == 1


def _check_answers(running: Running, answers: list[str]) -> None:
    arrived = _arrived(running)
    assert {body: arrived[body] for body in answers} == dict.fromkeys(answers, 1)
    posted = Counter(str(each["text"]) for each in running.sandbox.ledger("slack", "post"))
    shown = [text for text, times in posted.items() if " message " in text and times > 1]
    assert shown == [], "client messages are shown to the agents once"
    roots = [str(each["text"]) for each in running.sandbox.ledger("slack", "post") if not each.get("thread_ts")]
    cards = Counter(text.partition(" ")[0] for text in roots)
    assert len(cards) >= CONVERSATIONS
    assert [number for number, times in cards.items() if times > 1] == [], "a ticket has one card"
