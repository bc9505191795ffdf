"""What people do in Slack, for control calls: they are the ones the app cannot tell from real ones."""

from collections.abc import Callable

from sandbox.slack import shapes
from sandbox.slack.interactivity import Interactivity
from sandbox.slack.workspace import File, Workspace
from sandbox.slack.world import BOT_USER, TEAM, Person, Place
from sandbox.wire import BadRequest, Json, decoded, need


class People:
    """Control calls under `/control/slack/`, each a dictionary in and out. They raise `BadRequest` and `SlackError`."""

    def __init__(self, slack: Workspace, interactivity: Interactivity) -> None:
        self._slack = slack
        self._interactivity = interactivity

    async def cut(self, *, politely: bool) -> int:
        """End the connections of an app in Socket Mode and return how many there were."""
        return await self._slack.sockets.cut(politely=politely)

    def calls(self) -> dict[str, Callable[[Json], Json]]:
        """Return the calls by name."""
        return {
            "say": self.say,
            "edit": self.edit,
            "delete": self.delete,
            "react": self.react,
            "unreact": self.unreact,
            "press": self.press,
            "shortcut": self.shortcut,
            "command": self.command,
            "submit": self.submit,
            "user": self.user,
            "channel": self.channel,
        }

    def say(self, given: Json) -> Json:
        """Let somebody write, in a thread if `thread_ts` is given, with files if there are any."""
        person, place = self._who_where(given)
        files = [self._file(one, person) for one in given.get("files") or []]
        message = shapes.persons_message(person, str(given.get("text") or ""), [file.about for file in files])
        if given.get("subtype"):
            message["subtype"] = given["subtype"]
        return {"ts": self._slack.show_files(place, message, files, given.get("thread_ts") or "")["ts"]}

    def edit(self, given: Json) -> Json:
        """Let somebody change what they wrote."""
        person, place = self._who_where(given)
        after = self._slack.edit(place, need(given, "ts"), {"text": need(given, "text")}, person.id)
        return {"ts": after["ts"]}

    def delete(self, given: Json) -> Json:
        """Let somebody delete a message."""
        _, place = self._who_where(given)
        return {"ts": self._slack.delete(place, need(given, "ts"))["ts"]}

    def react(self, given: Json) -> Json:
        """Let somebody put an emoji on a message."""
        person, place = self._who_where(given)
        return {"ts": self._slack.react(place, need(given, "ts"), need(given, "name"), person.id)["ts"]}

    def unreact(self, given: Json) -> Json:
        """Let somebody take their emoji back."""
        person, place = self._who_where(given)
        return {"ts": self._slack.unreact(place, need(given, "ts"), need(given, "name"), person.id)["ts"]}

    def press(self, given: Json) -> Json:
        """Let somebody press a button."""
        person, place = self._who_where(given)
        made = self._interactivity.press(person, place, need(given, "ts"), need(given, "action_id"), given.get("value"))
        return {"webhook": made}

    def shortcut(self, given: Json) -> Json:
        """Let somebody use a message shortcut."""
        person, place = self._who_where(given)
        return {"webhook": self._interactivity.shortcut(person, place, need(given, "ts"), need(given, "callback_id"))}

    def command(self, given: Json) -> Json:
        """Let somebody type a slash command."""
        person, place = self._who_where(given)
        made = self._interactivity.command(person, place, need(given, "command"), str(given.get("text") or ""))
        return {"webhook": made}

    def submit(self, given: Json) -> Json:
        """Let somebody send a modal off."""
        person = self._slack.world.person(need(given, "user"))
        return {"webhook": self._interactivity.submit(person, need(given, "view_id"), given.get("values") or {})}

    def user(self, given: Json) -> Json:
        """Add a person, or replace one: a guest, a robot or somebody gone by a flag, somebody foreign by their team."""
        person = Person(
            id=need(given, "id"),
            name=need(given, "name"),
            email=str(given.get("email") or ""),
            team=str(given.get("team") or TEAM),
            guest=bool(given.get("guest")),
            single_channel=bool(given.get("single_channel")),
            unconfirmed=bool(given.get("unconfirmed")),
            robot=bool(given.get("robot")),
            deleted=bool(given.get("deleted")),
        )
        self._slack.world.people[person.id] = person
        return {"id": person.id}

    def channel(self, given: Json) -> Json:
        """Add a channel, or replace one; the bot is a member unless `bot` is false."""
        members = {self._slack.world.person(user).id for user in given.get("members") or []}
        members |= {BOT_USER} if given.get("bot", True) else set()
        place = Place(id=need(given, "id"), name=need(given, "name"), members=members)
        place.private, place.archived = bool(given.get("private")), bool(given.get("archived"))
        self._slack.world.places[place.id] = place
        return {"id": place.id}

    def thread(self, channel: str, ts: str) -> list[Json]:
        """Return a thread as it stands, metadata and all."""
        return self._slack.talk.thread(self._slack.world.place(channel).id, ts)

    def history(self, channel: str) -> list[Json]:
        """Return what stands in a channel, newest first."""
        return self._slack.talk.history(self._slack.world.place(channel).id)

    def _who_where(self, given: Json) -> tuple[Person, Place]:
        person = self._slack.world.person(need(given, "user"))
        channel = need(given, "channel")
        place = (
            self._slack.world.direct(channel)
            if channel in self._slack.world.people
            else self._slack.world.place(channel)
        )
        if place.person and person.id not in place.members:
            raise BadRequest(f"{person.id} is not in {place.id}")
        place.members.add(person.id)
        return person, place

    def _file(self, given: Json, person: Person) -> File:
        mimetype = given.get("mimetype") or "application/octet-stream"
        return self._slack.add_file(
            need(given, "name"), mimetype, decoded(str(given.get("content_base64") or "")), person.id
        )
