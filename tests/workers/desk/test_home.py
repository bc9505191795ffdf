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
    assert "Cleo · email · waits for us: new" in free
    mailed.press_home("take", ticket)
    own, free = mailed.home().split("Nobody's tickets")
    assert f"#{ticket} Printer on fire" in own
    assert "Nothing waits" in free
    assert "*Assigned to*\\nAda Agent" in mailed.card()
    mailed.press_home("close", ticket)
    assert "You have no tickets." in mailed.home()
    assert mailed.ticket().status == "closed"
