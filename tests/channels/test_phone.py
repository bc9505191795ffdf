import phonenumbers
import pytest

from channels.phone import e164, variants

TWO_WAYS = [
    ("+5511987654321", "+551187654321"),  # Brazil, São Paulo
    ("+5531961234567", "+553161234567"),
    ("+5491123456789", "+541123456789"),  # Argentina, Buenos Aires
    ("+5493814123456", "+543814123456"),
    ("+525512345678", "+5215512345678"),  # Mexico City
    ("+528181234567", "+5218181234567"),
]
ONE_WAY = [
    "+551123456789",  # a landline of São Paulo
    "+5511912345678",  # a mobile whose other way would be a landline's
    "+5501987654321",
    "+55119876543210",
    "+549112345678",
    "+54911234567890",
    "+5211512345678",
    "+52155123456789",
    "+15215512345",
    "+15550100000",
    "+491711234567",
    "+5511",
    "12345",
    "US.13491208655302741918",
]


@pytest.mark.parametrize("ways", TWO_WAYS)
def test_both_ways_to_write_a_mobile_lead_to_the_same_two(ways: tuple[str, str]) -> None:
    assert {variants(each) for each in ways} == {ways}
    of_today = phonenumbers.parse(ways[0])
    assert phonenumbers.is_valid_number(of_today)
    assert "MOBILE" in phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(of_today))


@pytest.mark.parametrize("number", ONE_WAY)
def test_other_numbers_are_written_in_one_way(number: str) -> None:
    assert variants(number) == (number,)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+49 (0) 171 1234567", "+491711234567"),
        ("+39 06 698 12345", "+390669812345"),
        ("+52 1 55 1234 5678", "+5215512345678"),
        ("+55 11 8765-4321", "+551187654321"),
    ],
)
def test_a_number_is_read_as_its_country_writes_it(text: str, number: str) -> None:
    assert e164(text) == number


@pytest.mark.parametrize("text", ["+44 20 7946 09", "+44 20 7946 0958 1234", "+800", "0044 20 7946 0958", "020 7946"])
def test_a_number_too_short_too_long_or_of_no_country_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        e164(text)
