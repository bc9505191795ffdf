"""What Slack does without saying so is done once; SLACK_LOSSES says how many such posts, and a quarter of them more."""

import os
from collections import Counter

import pytest

from sandbox.faults import Fault
from tests.desk import Desk

LOSSES = int(os.environ.get("SLACK_LOSSES", "8"))


def shown(desk: Desk, kind: str) -> int:
    return int(desk.sandbox.calls()["faults"].get("slack", {}).get("chat.postMessage", {}).get(kind, 0))


@pytest.mark.timeout(60 + LOSSES * 3)
@pytest.mark.parametrize(("kind", "times"), [("reset_after", LOSSES), ("fatal_error_after", LOSSES // 4)])
def test_a_post_that_slack_made_without_saying_so_is_found_and_not_made_again(
    desk: Desk, kind: str, times: int
) -> None:
    for number in range(times // 2):
        desk.mail(f"Fire {number}.", sender=f"Cleo <cleo{number}@client.example>", subject=f"Printer {number}")
    desk.ingest()
    before = shown(desk, kind)
    desk.sandbox.fault(Fault(service="slack", method="chat.postMessage", kind=kind, times=times))
    desk.work()
    for _ in range(3):
        desk.let_pass(10)
    assert shown(desk, kind) - before == times
    posts = Counter(str(each["text"]) for each in desk.effects("slack", "post"))
    assert len(posts) == times
    assert set(posts.values()) == {1}
    assert desk.scalars("SELECT count(*) FROM deliveries WHERE status <> 'sent'") == [0]
    print(f"{kind} {times} times: {sum(posts.values())} posts, {len(posts)} of them different")  # noqa: T201 (the counts are the result)
