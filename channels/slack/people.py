"""What Slack knows of a person, kept for five minutes: agents write often, and their role changes seldom."""

import time

from slack_sdk.web import WebClient

from channels.base import ExternalId, Profile, ProfileKind, clean_line
from channels.errors import Undeliverable
from channels.slack.client import Me, answer, only_later, slack_errors
from channels.slack.ids import place
from channels.slack.payload import Json, child, text

KEPT_SECONDS = 300.0
KEPT_PEOPLE = 1000
_UNKNOWN = frozenset({"user_not_found", "user_not_visible"})


class People:
    """Profiles by person; a process keeps at most a thousand."""

    def __init__(self) -> None:
        self._kept: dict[ExternalId, tuple[float, Profile | None]] = {}

    def profile(self, client: WebClient, me: Me, person: ExternalId) -> Profile | None:
        """Return what Slack knows, `None` where it knows nobody. Raises `TryLater`."""
        since, known = self._kept.get(person, (-KEPT_SECONDS, None))
        if time.monotonic() - since < KEPT_SECONDS:
            return known
        known = _ask(client, me, person)
        if len(self._kept) >= KEPT_PEOPLE:
            self._kept.clear()
        self._kept[person] = (time.monotonic(), known)
        return known


def _ask(client: WebClient, me: Me, person: ExternalId) -> Profile | None:
    with only_later():
        try:
            with slack_errors():
                user = child(answer(client.users_info(user=place(person).id)), "user")
        except Undeliverable as error:
            if error.code in _UNKNOWN:
                return None
            raise
    return _profile(user, me, person)


def _profile(user: Json, me: Me, person: ExternalId) -> Profile:
    profile = child(user, "profile")
    names = (text(profile, "display_name"), text(profile, "real_name"), text(user, "real_name"), text(user, "name"))
    vouched = user.get("is_email_confirmed") is True
    return Profile(
        id=person,
        name=clean_line(next((name for name in names if name.strip()), "")),
        kind=_kind(user, me, person),
        email=text(profile, "email").strip().lower() if vouched else "",
    )


def _kind(user: Json, me: Me, person: ExternalId) -> ProfileKind:
    """Say what a person is, the doubtful never a member."""
    if user.get("deleted"):
        return ProfileKind.DEACTIVATED
    if user.get("is_bot") or user.get("is_workflow_bot") or text(user, "id") == "USLACKBOT":
        return ProfileKind.BOT
    if not me.team or {text(user, "team_id"), place(person).team} != {me.team} or user.get("is_stranger"):
        return ProfileKind.FOREIGN
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return ProfileKind.GUEST
    return ProfileKind.MEMBER
