"""What agents do in a ticket's thread: they press what stands below the posts there."""

from tests.desk import Desk
from workers.desk.newcomers import Newcomers

Buttons = dict[str, str]


def buttons_below(desk: Desk, said: str, ticket_id: int | None = None) -> Buttons:
    """Return the labels of the buttons below the newest post that says this, with their actions."""
    post = _post(desk, said, ticket_id)
    elements = [each for block in post["blocks"] for each in block.get("elements", [])]  # type: ignore[attr-defined]
    return {each["text"]["text"]: each["action_id"] for each in elements}


def press_below(desk: Desk, said: str, label: str, *, ticket_id: int | None = None, user: str = "U0ADA") -> None:
    """Press a button below the newest post in a ticket's thread that says this; the press is recorded at once."""
    action = buttons_below(desk, said, ticket_id)[label]
    desk.pick(action, user=user, ts=str(_post(desk, said, ticket_id)["ts"]))
    desk.work()


def _post(desk: Desk, said: str, ticket_id: int | None) -> dict[str, object]:
    posts = desk.sandbox.thread("C0SUPPORT", desk.thread(ticket_id))[1:]
    return [dict(each) for each in posts if said in str(each["text"])][-1]


def look_at_newcomers(desk: Desk) -> int:
    """Do what the sweep does about new clients, then post what they were told."""
    asked = Newcomers(tools=desk.tools).look()
    desk.work()
    return asked
