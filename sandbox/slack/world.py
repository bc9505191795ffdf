"""The workspace before anybody says a word: people, channels, and who is where."""

from dataclasses import dataclass, field

from sandbox.slack.errors import SlackError
from sandbox.wire import Json

TEAM = "T0DESK"
OTHER_TEAM = "T0OTHER"
DOMAIN = "desk"
BOT_USER = "U0FRONTDESK"
BOT = "B0FRONTDESK"
APP = "A0FRONTDESK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a Slack user id; a guest may be one of a single channel, an address not yet confirmed."""

    id: str
    name: str
    email: str = ""
    team: str = TEAM
    guest: bool = False
    single_channel: bool = False
    unconfirmed: bool = False
    robot: bool = False
    deleted: bool = False

    @property
    def handle(self) -> str:
        """Return the short name Slack shows in payloads."""
        return self.name.lower().replace(" ", ".")

    def as_user(self) -> Json:
        """Return the user object of `users.info`; Slack keeps the address of a stranger to itself."""
        foreign = self.team != TEAM
        profile = {"real_name": self.name, "display_name": self.name, "team": self.team}
        if self.email and not foreign:
            profile["email"] = self.email
        user: Json = {"id": self.id, "team_id": self.team, "name": self.handle, "real_name": self.name}
        user |= {
            "deleted": self.deleted,
            "is_bot": self.robot,
            "profile": profile,
            "tz": "Etc/UTC",
            "updated": 1700000000,
        }
        if foreign:
            return user | {"is_stranger": True}
        flags = ("is_admin", "is_owner", "is_primary_owner", "is_app_user")
        user |= {"is_restricted": self.guest or self.single_channel, "is_ultra_restricted": self.single_channel}
        return user | dict.fromkeys(flags, False) | {"is_email_confirmed": bool(self.email) and not self.unconfirmed}


@dataclass(slots=True, kw_only=True)
class Place:
    """A channel or a direct conversation."""

    id: str
    name: str = ""
    members: set[str] = field(default_factory=set)
    person: str = ""
    private: bool = False
    archived: bool = False

    @property
    def kind(self) -> str:
        """Return what events call `channel_type`."""
        return "im" if self.person else "group" if self.private else "channel"

    def as_channel(self) -> Json:
        """Return the object of `conversations.info`."""
        common: Json = {"id": self.id, "created": 1700000000, "is_archived": self.archived, "context_team_id": TEAM}
        if self.person:
            return common | {"is_im": True, "user": self.person, "is_org_shared": False, "priority": 0}
        flags: Json = {"is_channel": not self.private, "is_group": False, "is_im": False, "is_mpim": False}
        flags |= {"is_private": self.private, "is_general": False, "is_member": BOT_USER in self.members}
        topic = {"value": "", "creator": "", "last_set": 0}
        return common | flags | {"name": self.name, "name_normalized": self.name, "topic": topic, "purpose": topic}


class World:
    """Everybody and every place; people and channels can be added while it turns."""

    def __init__(self) -> None:
        self.people = {person.id: person for person in _people()}
        self.places = {place.id: place for place in _places()}

    def person(self, user: str) -> Person:
        """Find somebody. Raises `SlackError`."""
        if user not in self.people:
            raise SlackError("user_not_found")
        return self.people[user]

    def place(self, channel: str) -> Place:
        """Find a channel by its id. Raises `SlackError`."""
        if channel not in self.places:
            raise SlackError("channel_not_found")
        return self.places[channel]

    def readable(self, channel: str) -> Place:
        """Find a channel the bot is in; a private one it is not in does not exist for it. Raises `SlackError`."""
        place = self.place(channel)
        if BOT_USER not in place.members:
            raise SlackError("channel_not_found" if place.private else "not_in_channel")
        return place

    def writable(self, channel: str) -> Place:
        """Find where the bot may post; a user id stands for the direct conversation with them. Raises `SlackError`."""
        place = self.direct(channel) if channel in self.people else self.readable(channel)
        if place.archived:
            raise SlackError("is_archived")
        return place

    def direct(self, user: str) -> Place:
        """Find or open the bot's conversation with somebody. Raises `SlackError`."""
        person = self.person(user)
        channel = "D" + user.removeprefix("U")
        if channel not in self.places:
            self.places[channel] = Place(id=channel, members={BOT_USER, person.id}, person=person.id)
        return self.places[channel]

    def shared(self, place: Place) -> bool:
        """Say whether a channel reaches into another workspace."""
        return any(self.people[user].team != TEAM for user in place.members)


def _people() -> tuple[Person, ...]:
    return (
        Person(id=BOT_USER, name="Frontdesk", robot=True),
        Person(id="U0ADA", name="Ada Agent", email="ada@desk.example"),
        Person(id="U0BEN", name="Ben Agent", email="ben@desk.example"),
        Person(id="U0EVE", name="Eve", email="eve@desk.example"),
        Person(id="U0CLEO", name="Cleo Client", email="cleo@client.example", guest=True),
        Person(id="U0FAR", name="Fay Foreign", email="fay@other.example", team=OTHER_TEAM),
        Person(id="U0GONE", name="Gus Gone", email="gone@desk.example", deleted=True),
        Person(id="U0ROBOT", name="Robot", robot=True),
    )


def _places() -> tuple[Place, ...]:
    agents = {BOT_USER, "U0ADA", "U0BEN"}
    return (
        Place(id="C0SUPPORT", name="support", members=set(agents)),
        Place(id="C0BILLING", name="billing", members=set(agents)),
        Place(id="C0CLIENTS", name="clients", members={BOT_USER, "U0CLEO"}),
        Place(id="C0LOBBY", name="lobby", members={*agents, "U0CLEO"}),
        Place(id="D0CLEO", members={BOT_USER, "U0CLEO"}, person="U0CLEO"),
    )
