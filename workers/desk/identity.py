"""Who is speaking: clients by their outside names, agents only as Slack vouches for them."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from channels.base import Automatic, Consent, ExternalId, InboundMessage, Profile, ProfileKind, Verdict
from channels.phone import variants
from models.clients import KnownAs, create_client, fill_blank_name, known_client
from models.suppressions import SuppressionReason, trust_again
from models.users import User, link_account, user_by_account, user_by_email, works_in

# Names that one number may go by: its owner is one client.
_NUMBER_TYPES = ("phone", "whatsapp")


class Refusal(StrEnum):
    """Why somebody may not act as an agent; the text is what they are shown."""

    UNKNOWN = "is not linked to an agent: an administrator adds the Slack id to desk.toml"
    NOT_A_MEMBER = "is a guest, a bot, deactivated or of another workspace: only members of this workspace may answer"
    OTHER_DEPARTMENT = "is not an agent of this department: an administrator adds it to your departments in desk.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A user who may act on the ticket at hand, now."""

    user_id: int
    name: str


def spellings(address: str) -> tuple[str, ...]:
    """Return every way to write an address, the given one first: some countries' mobiles have two."""
    return tuple(dict.fromkeys((address, *variants(address)))) if address.startswith("+") else (address,)


def known_as(said: InboundMessage) -> KnownAs:
    """Return every name under which the sender of a message may be known, the one in use first."""
    return every_name(said.sender, *said.also_known_as)


def every_name(person: ExternalId, *others: ExternalId) -> KnownAs:
    """Return every name under which a person may be known.

    A number is one person's by SMS and by WhatsApp, and in both ways in which some countries' mobiles are written.
    """
    stated = (person, *others)
    if person.type not in _NUMBER_TYPES or not person.value.startswith("+"):
        return KnownAs(stated=stated)
    numbers = dict.fromkeys((person.value, *variants(person.value)))
    alike = (ExternalId(type=kind, value=number) for number in numbers for kind in _NUMBER_TYPES)
    return KnownAs(stated=stated, alike=tuple(each for each in alike if each not in stated))


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """The client who wrote a message, and what stood against writing to them until they wrote it."""

    client_id: int
    lifted: frozenset[SuppressionReason] = frozenset()


def client_for(session: Session, message: InboundMessage) -> Speaker:
    """Return the client who wrote a message, made if they are new."""
    sender = known_as(message)
    client_id = known_client(session, sender)
    if client_id is None:
        name = message.sender_name or message.sender.value
        return Speaker(client_id=create_client(session, sender, name=name))
    if message.sender_name:
        fill_blank_name(session, client_id, message.sender_name, {each.value for each in sender.names})
    return Speaker(client_id=client_id, lifted=_lifted(session, message, client_id))


def _lifted(session: Session, message: InboundMessage, client_id: int) -> frozenset[SuppressionReason]:
    if not _is_the_sender(message):
        return frozenset()
    given = message.consent is Consent.GIVEN and bool(message.recipients)
    opted_in_to = spellings(message.recipients[0].value) if given else ()
    names = [each for each in known_as(message).names if each.type == message.sender.type]
    lifted = trust_again(session, names, opted_in_to=opted_in_to, said_at=message.sent_at, client_id=client_id)
    return frozenset(lifted)


def _is_the_sender(said: InboundMessage) -> bool:
    """Say whether a person wrote, and nobody who is known to use another's name."""
    return said.automatic is Automatic.NO and said.authenticated is not Verdict.FAIL


def agent_for(
    session: Session, person: ExternalId, profile: Profile | None, department_id: int | None
) -> Agent | Refusal:
    """Return the agent a Slack user is, or why they are none for this department; asked at the moment of the action."""
    user = user_for(session, person, profile)
    if isinstance(user, Refusal):
        return user
    if not works_in(session, user, department_id):
        return Refusal.OTHER_DEPARTMENT
    return Agent(user_id=user.id, name=user.name)


def user_for(session: Session, person: ExternalId, profile: Profile | None) -> User | Refusal:
    """Return the user a Slack user is, or why they are none."""
    if profile is None or profile.kind is not ProfileKind.MEMBER:
        return Refusal.NOT_A_MEMBER
    return user_by_account(session, person) or Refusal.UNKNOWN


def newly_linked(session: Session, person: ExternalId, profile: Profile | None) -> User | None:
    """Link a member whom nobody knows to the user whose mail address the workspace vouches for.

    Returns that user if this made the link: of any number who do so at once, one gets it.
    """
    if profile is None or profile.kind is not ProfileKind.MEMBER or not profile.email:
        return None
    if user_by_account(session, person) is not None:
        return None
    user = user_by_email(session, profile.email)
    return user if user is not None and link_account(session, user, person) else None
