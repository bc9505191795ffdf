"""What agents see when they open the app, and what they do there."""

import pytest

from tests.desk import Desk


@pytest.fixture
def mailed(desk: Desk) -> Desk:
    """Return a desk with one ticket by mail, its card posted."""
    desk.mail()
    desk.work()
    return desk


def test_home_lists_own_and_free_tickets_with_links_and_acts_on_them(mailed: Desk) -> None:
    ticket, ts = mailed.ticket().id, mailed.thread()
    home = mailed.open_home()
    own, free = home.split("Nobody's tickets")
    assert "You have no tickets." in own
    link = f"https://desk.slack.example/archives/C0SUPPORT/p{ts.replace('.', '')}"
    assert f"<{link}|#{ticket} Printer on fire>" in free
    assert "Cleo · Email · waits for us: new" in free
    mailed.press_home("take", ticket)
    own, free = mailed.home().split("Nobody's tickets")
    assert f"#{ticket} Printer on fire" in own
    assert "Nothing waits" in free
    assert "*Assigned to*\\nAda Agent" in mailed.card()
    mailed.press_home("close", ticket)
    assert "You have no tickets." in mailed.home()
    assert mailed.ticket().status == "closed"


def test_who_is_no_agent_is_told_what_to_do_and_who_lost_the_department_why_nothing_happened(mailed: Desk) -> None:
    for user, may_become_one in (("U0EVE", True), ("U0CLEO", False), ("U0GONE", False)):
        home = mailed.open_home(user=user)
        assert (f"give an administrator this id for desk.toml: T0DESK/{user}" in home) is may_become_one
        assert ("only members of this workspace may answer" in home) is not may_become_one
        assert "Printer" not in home
    mailed.open_home()
    mailed.scalars("DELETE FROM user_departments WHERE user_id = 1 RETURNING user_id")
    mailed.press_home("close", mailed.ticket().id)
    assert "Nothing was changed: your account is not an agent of this department" in mailed.home()
    assert "Printer" not in mailed.home()
    assert mailed.ticket().status == "open"


def test_who_waits_longest_comes_first_whatever_changed_since_and_the_rest_is_counted(mailed: Desk) -> None:
    for number in range(22):
        mailed.mail(subject=f"Matter {number}.", sender=f"c{number}@client.example")
    mailed.ingest()
    mailed.scalars("UPDATE tickets SET priority = 'urgent', updated_at = now() WHERE id = 1 RETURNING id")
    mailed.open_home()
    blocks = mailed.sandbox.home("U0ADA")["blocks"]
    titles = [each["text"]["text"] for each in blocks if each["type"] == "section"]
    assert len(titles) == 20
    assert "#1 Printer on fire" in titles[0]
    assert "· urgent" in titles[0]
    assert "#20 Matter 18." in titles[-1]
    assert "and 3 more: /desk waiting" in mailed.home()
