"""People by their names, where a text names them by Slack's ids."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from channels.base import AgentAction, ExternalId, InboundMessage, Parsed, Profile

# More people than that are named by nobody who means each of them; every name costs a question to Slack.
_MOST = 10
_PERSON = re.compile(r"[UW][A-Z0-9]+")


def people_named(said: Parsed) -> tuple[ExternalId, ...]:
    """Return who is named in a text, as far as people can be asked about."""
    mentions = said.mentions if isinstance(said, InboundMessage | AgentAction) else ()
    return tuple(each for each in mentions if _PERSON.fullmatch(_id(each)))[:_MOST]


def with_names(said: Parsed, profiles: Mapping[ExternalId, Profile | None]) -> Parsed:
    """Return what was said with people's names in place of their ids, where these are known."""
    known = [(each, profile.name) for each in people_named(said) if (profile := profiles.get(each)) and profile.name]
    if isinstance(said, InboundMessage):
        return replace(said, body=_named(said.body, known))
    return replace(said, value=_named(said.value, known)) if isinstance(said, AgentAction) else said


def _named(text: str, known: Sequence[tuple[ExternalId, str]]) -> str:
    for person, name in known:
        shown = name.replace("\\", r"\\")  # which a replacement would read as a reference
        text = re.sub(rf"@{_id(person)}(?![A-Z0-9])", f"@{shown}", text)
    return text


def _id(person: ExternalId) -> str:
    return person.value.rpartition("/")[2]
