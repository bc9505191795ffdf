"""What Slack does without saying so is done once."""

from collections import Counter

import pytest

from sandbox.faults import Fault
from tests.at_length import times
from tests.desk import Desk

LOSSES = times(200, 8)
ERRORS = times(50, 2)


def shown(desk: Desk, kind: str) -> int:
    return int(desk.sandbox.calls()["faults"].get("slack", {}).get("chat.postMessage", {}).get(kind, 0))


@pytest.mark.timeout(60 + LOSSES * 3)
@pytest.mark.parametrize(("kind", "count"), [("reset_after", LOSSES), ("fatal_error_after", ERRORS)])
def test_a_post_that_slack_made_without_saying_so_is_found_and_not_made_again(
    desk: Desk, kind: str, count: int
) -> None:
    for number in range(count // 2):
        desk.mail(f"Fire {number}.", sender=f"Cleo <cleo{number}@client.example>", subject=f"Printer {number}")
    desk.ingest()
    before = shown(desk, kind)
    desk.sandbox.fault(Fault(service="slack", method="chat.postMessage", kind=kind, times=count))
    desk.work()
    for _ in range(3):
        desk.let_pass(10)
    assert shown(desk, kind) - before == count
    posts = Counter(str(each["text"]) for each in desk.effects("slack", "post"))
    assert len(posts) == count
    assert set(posts.values()) == {1}
    assert desk.scalars("SELECT count(*) FROM deliveries WHERE status <> 'sent'") == [0]
    print(f"{kind} {count} times: {sum(posts.values())} posts, {len(posts)} of them different")  # noqa: T201 (the counts are the result)
