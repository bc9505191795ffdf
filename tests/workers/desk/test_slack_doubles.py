from tests.desk import Desk

OURS = "U0FRONTDESK"


def said(number: int, **more: object) -> dict[str, object]:
    text, ts = f"<@{OURS}> It burns, {number}.", f"1795000000.{number:06}"
    return {"type": "message", "user": "U0CLEO", "channel": "C0CLIENTS", "text": text, "ts": ts, **more}


def test_a_post_that_slack_tells_of_twice_is_one_and_our_own_is_none(desk: Desk) -> None:
    for number in range(100):
        for told in ("app_mention", "message")[:: 1 if number % 2 else -1]:
            desk.slack(said(number, type=told))
        desk.slack(said(number, user=OURS, ts=f"1795000001.{number:06}"))
        desk.slack(said(number, bot_id="B0FRONTDESK", app_id="A0FRONTDESK", ts=f"1795000002.{number:06}"))
    assert desk.count("inbound_events") == 100
