import pytest

from channels import registry
from channels.base import Channel
from channels.pace import Act, Pace

PLACE = "T0DESK/C0SUPPORT"


def channel(name: str, **environment: str) -> Channel:
    return registry.connect(environment).channels[name]


def test_posts_are_counted_by_channel_and_everything_else_in_it_apart() -> None:
    paces = {act: channel("slack").pace(act, PLACE, "") for act in Act}
    assert paces[Act.POST] == Pace(key=PLACE, per_second=1, burst=10)
    assert len({each.key for each in paces.values() if each}) == len(Act)
    assert [each.per_second for each in paces.values() if each].count(0) == len(Act) - 1
    other = channel("slack").pace(Act.MARK, "T0DESK/C0BILLING", "")
    assert other != paces[Act.MARK]


@pytest.mark.parametrize(
    ("name", "sender", "per_second"),
    [("sms", "+15550100001", 1), ("sms", "+491701234567", 1), ("sms", "12345", 0), ("whatsapp", "+15550100001", 0)],
)
def test_texts_are_counted_by_our_number_and_only_a_long_one_is_slow(name: str, sender: str, per_second: float) -> None:
    pace = channel(name).pace(Act.POST, "+15557654321", sender)
    assert pace is not None
    assert (pace.key, pace.per_second) == (sender, per_second)


def test_mails_are_not_counted() -> None:
    assert channel("email").pace(Act.POST, "cleo@client.example", "support@desk.example") is None


@pytest.mark.parametrize("name", ["SLACK_POSTS_PER_SECOND", "TWILIO_SMS_PER_SECOND"])
@pytest.mark.parametrize("text", ["-1", "nan", "inf", "1001", "fast", "1,5"])
def test_a_rate_that_is_none_is_refused_at_start(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=name):
        registry.connect({name: text})


def test_a_rate_can_be_set_or_lifted() -> None:
    pace = channel("slack", SLACK_POSTS_PER_SECOND="2.5").pace(Act.POST, PLACE, "")
    free = channel("sms", TWILIO_SMS_PER_SECOND="0").pace(Act.POST, "", "+15550100001")
    assert [each.per_second for each in (pace, free) if each] == [2.5, 0]
