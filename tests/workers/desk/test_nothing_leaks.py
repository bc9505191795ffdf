"""Notes, edits, deletions, mentions and chatter in tickets' threads, generated: none of it reaches a client.

Replies stand among them, so that it is seen that something does.
"""

import base64
import random
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count

import pytest

from tests.at_length import times
from tests.desk import Desk

HOLD = 5.0
SEED = 20261122
AMOUNT = times(1000, usually=60)
A_REPLY_EVERY = 8


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "REPLY_HOLD_SECONDS": str(HOLD)}


class Thread:
    """A ticket's thread, and everything that people do in it; what must stay inside says `inside`."""

    def __init__(self, desk: Desk, chance: random.Random, ticket: int, *, user: str, mark: str) -> None:
        self.desk, self.chance, self.user, self.mark = desk, chance, user, mark
        self.ts, self.channel = desk.thread(ticket), {"U0ADA": "C0SUPPORT", "U0BEN": "C0BILLING"}[user]
        self._marks = (f"{1_795_000_000 + number}.{chance.randrange(10**6):06}" for number in count())
        self.replies: list[str] = []
        self._later: list[Callable[[], None]] = []

    # What leaves

    def reply(self, words: str) -> str:
        said = f"outside {len(self.replies):04} {self.channel} {words}"
        self.replies.append(said)
        return self._say(f"{self.mark}{said}")

    # What stays

    def note(self, words: str) -> None:
        lead = self.chance.choice(
            ["note: ", "NOTE:", "🔒 ", ":lock:", "*note:* ", "_Note_: ", "> note: ", "\u200bnote: "]
        )
        self._say(lead + words)

    def note_in_a_reply(self, words: str) -> None:
        self._say(f"reply: {self.chance.choice(['note: ', '🔒'])}{words}")

    def mention(self, words: str) -> None:
        who = self.chance.choice(
            ["<@U0BEN>", "<@U0ADA|ada>", "<!here>", "<!channel>", "<!subteam^S0TEAM|@team>", "<@W1>"]
        )
        self._say(self.chance.choice([f"{who} {words}", f"{words} {who}", f"reply: {words} {who}"]))

    def chatter_of_others(self, words: str) -> None:
        more = self.chance.choice(
            [
                *({"user": each} for each in ("U0EVE", "U0FAR", "U0GONE", "U0CLEO")),
                {"user": "U0ROBOT", "bot_id": "B0OTHER"},
                {"subtype": "bot_message", "bot_id": "B0OTHER"},
                {"subtype": "channel_join"},
                {"user": "U0FRONTDESK", "app_id": "A0FRONTDESK"},
            ]
        )
        self._say(words, **more)

    def chatter_beside(self, words: str) -> None:
        self._say(words, thread_ts=self.chance.choice(["", "1.000001", "1795000000.000001"]))

    def note_edited(self, words: str) -> None:
        ts = self._say(f"note: {words}")
        self._then(lambda: self.desk.edit(ts, words, thread=self.ts, user=self.user, channel=self.channel))

    def taken_back(self, words: str) -> None:
        ts = self._say(f"{self.mark}{words}")
        self.desk.delete(ts, thread=self.ts, user=self.user, channel=self.channel)

    def turned_into_a_note(self, words: str) -> None:
        ts = self._say(f"{self.mark}{words}")
        after = self.chance.choice([f"note: {words}", f"<@U0BEN> {words}"])
        self.desk.edit(ts, after, thread=self.ts, user=self.user, channel=self.channel)

    def edited_too_late(self, words: str) -> None:
        ts = self.reply("first text")
        after = f"{self.mark}{words}"
        self._then(lambda: self.desk.edit(ts, after, thread=self.ts, user=self.user, channel=self.channel))

    def deleted_too_late(self, words: str) -> None:
        ts = self.reply("first text")
        self._then(lambda: self.desk.delete(ts, thread=self.ts, user=self.user, channel=self.channel))
        self.note(words)

    def without_the_mark(self, words: str) -> None:
        """Chat where only marked messages leave; where all do, write a note."""
        self._say(words if self.mark else f"note: {words}")

    def inside(self) -> list[Callable[[str], None]]:
        return [
            *(self.note, self.note_in_a_reply, self.mention, self.chatter_of_others, self.chatter_beside),
            *(self.note_edited, self.taken_back, self.turned_into_a_note, self.edited_too_late),
            *(self.deleted_too_late, self.without_the_mark),
        ]

    def catch_up(self) -> None:
        """Do what comes once everything before was sent."""
        later, self._later = self._later, []
        for each in later:
            each()

    def _then(self, act: Callable[[], None]) -> None:
        self._later.append(act)

    def _say(self, text: str, **more: object) -> str:
        ts = next(self._marks)
        event: dict[str, object] = {
            "type": "message",
            "user": self.user,
            "channel": self.channel,
            "text": text,
            "ts": ts,
        }
        event |= {"channel_type": "channel", "thread_ts": self.ts} | more
        self.desk.slack({name: value for name, value in event.items() if value})
        return ts


@pytest.mark.timeout(180 + 3 * AMOUNT)
def test_nothing_but_replies_reaches_a_client(desk: Desk) -> None:
    desk.text("My order has not come")
    desk.mail(to="billing@desk.example")
    desk.work()
    chance = random.Random(SEED)
    threads = [
        Thread(desk, chance, 1, user="U0ADA", mark=""),
        Thread(desk, chance, 2, user="U0BEN", mark="reply: "),
    ]
    for number in range(AMOUNT):
        thread = chance.choice(threads)
        if number % A_REPLY_EVERY == 0:
            thread.reply("answer")
        chance.choice(thread.inside())(f"inside {number:04}")
        if number % 100 == 99 or number == AMOUNT - 1:
            desk.work()
            desk.let_pass(HOLD + 1)
            for each in threads:
                each.catch_up()
            desk.work()
            desk.let_pass(HOLD + 1)
    left = list(reached(desk))
    assert [each for each in left if "inside" in each] == []
    for thread in threads:
        assert [each for each in left if thread.channel in each] == thread.replies
    assert len(left) == sum(len(thread.replies) for thread in threads) > AMOUNT / A_REPLY_EVERY


def reached(desk: Desk) -> Iterator[str]:
    """Return what clients were sent, each as one text, first by phone and then by mail."""
    yield from (str(each["body"]) for each in desk.effects("twilio", "message"))
    for each in desk.effects("mailbox"):
        mail = message_from_bytes(base64.b64decode(str(each["raw_base64"])), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain",))
        assert body is not None
        yield str(body.get_content()).strip()
