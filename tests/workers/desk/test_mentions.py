from channels.base import AgentAction, ExternalId, InboundMessage, Profile, ProfileKind
from tests.desk import Desk
from workers.desk.mentions import people_named, with_names


def person(name: str) -> ExternalId:
    return ExternalId(type="slack", value=f"T0DESK/{name}")


def profile(name: str, shown: str) -> Profile:
    return Profile(id=person(name), name=shown, kind=ProfileKind.MEMBER)


MENTIONS = tuple(map(person, ("U1", "U12", "S0TEAM", "!here", "W3")))
PROFILES = {person("U1"): profile("U1", r"Bo \1"), person("U12"): profile("U12", "Cy"), person("W3"): None}


def test_people_are_named_by_their_names_as_far_as_these_are_known() -> None:
    text = "@U1, @U12 and @W3: see @U99, @S0TEAM @here"
    read = r"@Bo \1, @Cy and @W3: see @U99, @S0TEAM @here"
    said = InboundMessage(external_id=None, sender=person("U9"), body=text, mentions=MENTIONS)
    edited = AgentAction(actor=person("U9"), action="edit", value=text, mentions=MENTIONS)
    assert people_named(said) == (person("U1"), person("U12"), person("W3"))
    for each, field in ((said, "body"), (edited, "value")):
        assert getattr(with_names(each, PROFILES), field) == read


def test_a_note_and_a_clients_message_in_slack_name_people(desk: Desk) -> None:
    desk.say("Ask <@U0ADA>, she sits in <#C0SUPPORT|support>.", user="U0CLEO", channel="C0CLIENTS")
    desk.work()
    desk.say("<@U0BEN> look, please", thread=desk.thread())
    desk.work()
    assert desk.bodies() == ["Ask @Ada Agent, she sits in #support."]
    assert [note.body for note in desk.notes()] == ["@Ben Agent look, please"]
