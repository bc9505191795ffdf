from channels.base import ExternalId, Profile, ProfileKind
from tests.desk import Desk
from tests.workers.desk.merging_steps import ingest
from workers.desk.duplicates import Proposal, Reason, possible_duplicates

PHONE = "+15550177777"


def client_of(desk: Desk, text: str) -> int:
    (client_id,) = desk.scalars("SELECT client_id FROM messages WHERE body LIKE :text || '%'", text=text)
    return int(str(client_id))


def proposed(desk: Desk, client_id: int, *profiles: Profile) -> list[tuple[int, Reason]]:
    with desk.session() as session:
        found: list[Proposal] = possible_duplicates(session, client_id, profiles)
    return [(each.client_id, each.reason) for each in found]


def test_a_number_in_a_mails_signature_proposes_the_client_who_texts_from_it(desk: Desk) -> None:
    desk.text("a text", sender=PHONE)
    for written in ("+1 (555) 017-7777", "001 555 017 7777", "+1 (0) 555.017.7777"):
        desk.mail(f"Call {written}\nthanks", sender=f"<{len(written)}@client.example>", subject=written)
    ingest(desk)
    for written in ("+1 (555) 017-7777", "001 555 017 7777", "+1 (0) 555.017.7777"):
        assert proposed(desk, client_of(desk, f"Call {written}")) == [(client_of(desk, "a text"), Reason.TYPED)]


def test_two_clients_from_before_both_ways_to_write_a_number_were_one_are_proposed(desk: Desk) -> None:
    desk.text("one way", sender="+551187654321")
    desk.text("the other way", sender=PHONE)
    ingest(desk)
    desk.scalars(
        "UPDATE client_external_ids SET value = '+5511987654321' WHERE value = :phone RETURNING id", phone=PHONE
    )
    other = client_of(desk, "the other way")
    assert proposed(desk, client_of(desk, "one way")) == [(other, Reason.SAME_NUMBER)]


def test_an_address_in_a_text_proposes_the_client_who_mails_from_it(desk: Desk) -> None:
    desk.mail("a mail")
    desk.text("a text. Answer to Cleo@Client.example.", sender=PHONE)
    ingest(desk)
    assert proposed(desk, client_of(desk, "a text")) == [(client_of(desk, "a mail"), Reason.TYPED)]


def test_the_address_of_a_slack_profile_proposes_the_client_who_mails_from_it(desk: Desk) -> None:
    desk.mail("a mail")
    desk.say("in Slack", user="U0CLEO", channel="C0CLIENTS")
    ingest(desk)
    person = ExternalId(type="slack", value="T0DESK/U0CLEO")
    profile = Profile(id=person, name="Cleo", kind=ProfileKind.GUEST, email="cleo@client.example")
    slack, mail = client_of(desk, "in Slack"), client_of(desk, "a mail")
    assert proposed(desk, slack, profile) == [(mail, Reason.PROFILE)]
    assert proposed(desk, slack) == []


def test_one_name_and_one_mailbox_at_two_domains_propose_each_other(desk: Desk) -> None:
    desk.mail("from home", sender="Cleo <cleo+shop@client.example>")
    desk.mail("from work", sender="CLEO <cleo@work.example>")
    desk.mail("a namesake", sender="Cleo <other@work.example>")
    desk.mail("a stranger", sender="Cleopatra <cleo@nile.example>")
    ingest(desk)
    assert proposed(desk, client_of(desk, "from home")) == [(client_of(desk, "from work"), Reason.ALIKE)]


def test_two_clients_of_one_number_propose_each_other(desk: Desk) -> None:
    desk.text("a text", sender=PHONE)
    ingest(desk)
    (other,) = desk.scalars("INSERT INTO clients (name) VALUES ('Zoe') RETURNING id")
    desk.scalars(
        "INSERT INTO client_external_ids (client_id, type, value) VALUES (:id, 'whatsapp', :value) RETURNING id",
        id=other,
        value=PHONE,
    )
    assert proposed(desk, client_of(desk, "a text")) == [(other, Reason.SAME_NUMBER)]


def test_who_resembles_nobody_is_proposed_nobody(desk: Desk) -> None:
    desk.mail("a mail to support@desk.example, +1 is no number and neither is +15550100")
    desk.text("a text", sender=PHONE)
    ingest(desk)
    assert proposed(desk, client_of(desk, "a mail")) == []
    assert proposed(desk, 99) == []


def test_proposing_changes_nothing(desk: Desk) -> None:
    desk.mail("a mail")
    desk.text("Answer to cleo@client.example", sender=PHONE)
    ingest(desk)
    for client in (client_of(desk, "a mail"), client_of(desk, "Answer")):
        proposed(desk, client)
    assert (desk.count("clients"), desk.count("merges")) == (2, 0)
