"""The app's home tab: what the app put up for each person, and the opening and pressing of it."""

from sandbox.slack.blocks import elements
from sandbox.slack.errors import SlackError
from sandbox.wire import BadRequest, Json

# docs.slack.dev/reference/views/home-tab-views
HOME_BLOCKS = 100


class Homes:
    """The newest home tab of everybody who has one."""

    def __init__(self) -> None:
        self._views: dict[str, Json] = {}

    def put_up(self, user: str, view: Json) -> None:
        """Show somebody this from now on."""
        self._views[user] = view

    def view(self, user: str) -> Json:
        """Return what somebody sees, empty before the app has shown anything."""
        return self._views.get(user, {})

    def pressed(self, user: str, action_id: str, value: str | None) -> tuple[Json, Json]:
        """Return the block and the button in it that somebody presses. Raises `BadRequest`."""
        for block, element in elements(self.view(user).get("blocks", [])):
            if element["action_id"] == action_id and value in {None, element.get("value")}:
                return block, element
        raise BadRequest(f"the home tab of {user} has no button {action_id} with value {value}")


def opened(user: str, channel: str, view: Json, event_ts: str) -> Json:
    """Return the event that tells of an opened home tab."""
    event: Json = {"type": "app_home_opened", "user": user, "channel": channel, "tab": "home", "event_ts": event_ts}
    return event | ({"view": view} if view else {})


def check_home(view: Json) -> None:
    """Refuse what is no home tab. Raises `SlackError`."""
    if view.get("type") != "home":
        raise SlackError("invalid_arguments", ("[ERROR] the type must be home [json-pointer:/view/type]",))
    if not 0 < len(view.get("blocks", [])) <= HOME_BLOCKS:
        raise SlackError(
            "invalid_arguments", (f"[ERROR] 1 to {HOME_BLOCKS} blocks allowed [json-pointer:/view/blocks]",)
        )
