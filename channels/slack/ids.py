"""Slack's names of people, places and messages, always with the workspace: ids alone mean little across workspaces."""

from dataclasses import dataclass

from channels.base import ExternalId


@dataclass(frozen=True, slots=True)
class Place:
    """A value taken apart: workspace, then a channel or person, then a message in it."""

    team: str
    id: str
    ts: str

    @property
    def is_person(self) -> bool:
        """Say whether it is somebody to write to directly, rather than a channel."""
        return self.id.startswith(("U", "W"))


def slack_id(*parts: str) -> ExternalId:
    """Join workspace, channel or person, and message time to `T…/C…/ts`."""
    return ExternalId(type="slack", value="/".join(parts))


def file_id(team: str, file: str) -> ExternalId:
    """Return the outside name of a file that was shared."""
    return ExternalId(type="slack_file", value=f"{team}/{file}")


def place(outside: ExternalId) -> Place:
    """Take an id apart; parts that it has not got are empty."""
    team, _, rest = outside.value.partition("/")
    where, _, ts = rest.partition("/")
    return Place(team, where, ts)
