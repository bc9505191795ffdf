from tests.desk import Desk
from tests.workers.cli.conftest import Frontdesk


def test_operators_read_what_is_stopped_and_what_to_do(frontdesk: Frontdesk, desk: Desk) -> None:
    desk.sandbox.leave("C0BILLING", "billing")
    try:
        desk.mail(to="billing@desk.example")
        desk.work()
    finally:
        desk.sandbox.add_channel("C0BILLING", "billing", ["U0ADA", "U0BEN"])
    listed = frontdesk("deliveries", "list")
    (line,) = listed.stderr.splitlines()
    assert line.startswith("stopped for ")
    assert "slack T0DESK/C0BILLING: Slack: the bot is not in the channel; an admin must invite it there." in line
    assert "invite it there" in listed.stdout
    desk.let_pass(301)
    assert frontdesk("deliveries", "list").stderr == ""
