import pytest

from channels.email import tokens

SECRET = b"s" * 32
KEY = "0f1e2d3c-4b5a-4678-9abc-def012345678"


def test_a_token_is_valid_for_its_ticket_and_client_only() -> None:
    token = tokens.mint(SECRET, 42, 7)
    assert tokens.valid(SECRET, token, 42, 7)
    assert not tokens.valid(SECRET, token, 42, 8)
    assert not tokens.valid(SECRET, token, 43, 7)
    assert not tokens.valid(b"other", token, 42, 7)


def test_no_token_with_one_character_changed_is_valid() -> None:
    token = tokens.mint(SECRET, 42, 7)
    changed = [
        token[:at] + other + token[at + 1 :] for at in range(len(token)) for other in "a2é1" if token[at] != other
    ]
    assert not any(tokens.valid(SECRET, each, 42, 7) for each in changed)


def test_ticket_and_client_cannot_run_into_each_other() -> None:
    assert tokens.mint(SECRET, 1, 12).partition(".")[2] != tokens.mint(SECRET, 11, 2).partition(".")[2]


def test_a_mac_has_130_bits_in_26_characters() -> None:
    ticket, _, mac = tokens.mint(SECRET, 42, 7).partition(".")
    assert (ticket, len(mac), mac.lower()) == ("42", 26, mac)


@pytest.mark.parametrize("written", ["t{}", "T{}", "reply-t{}", "t{}.tail"])
def test_a_token_is_found_in_a_plus_part(written: str) -> None:
    token = tokens.mint(SECRET, 42, 7)
    assert tokens.find(written.format(token)) == token
    assert tokens.find(written.format(token).upper()) == token


@pytest.mark.parametrize(
    "text", ["", "t42", "t42.short", "t0." + "a" * 26, "42." + "a" * 26, "t42." + "a" * 27, "xt1." + "a" * 26]
)
def test_what_has_not_the_form_is_no_token(text: str) -> None:
    assert tokens.find(text) is None


def test_our_message_id_gives_back_key_and_token() -> None:
    token = tokens.mint(SECRET, 42, 7)
    own = tokens.message_id(token, KEY, "desk.example")
    assert own == f"t{token}.{KEY}@desk.example"
    assert (tokens.idempotency_key(own), tokens.find(own)) == (KEY, token)


def test_a_message_id_of_others_has_no_key() -> None:
    assert tokens.idempotency_key(f"{KEY}@client.example") == ""
