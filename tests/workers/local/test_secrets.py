import re
from pathlib import Path

from workers.local.secrets import local_secrets


def test_second_call_gives_the_same_values(tmp_path: Path) -> None:
    assert local_secrets(tmp_path) == local_secrets(tmp_path)


def test_two_folders_share_no_value(tmp_path: Path) -> None:
    one, two = local_secrets(tmp_path / "one"), local_secrets(tmp_path / "two")
    assert one.keys() == two.keys()
    assert not set(one.values()) & set(two.values())


def test_file_is_ours_alone(tmp_path: Path) -> None:
    local_secrets(tmp_path)
    assert (tmp_path / "secrets.env").stat().st_mode & 0o777 == 0o600


def test_values_have_the_forms_the_providers_give_theirs(tmp_path: Path) -> None:
    settings = local_secrets(tmp_path)
    assert re.fullmatch(r"AC[0-9a-f]{32}", settings["TWILIO_ACCOUNT_SID"])
    assert re.fullmatch(r"[0-9a-f]{32}", settings["TWILIO_AUTH_TOKEN"])
    assert settings["SLACK_BOT_TOKEN"].startswith("xoxb-sandbox-")
    assert len(settings["SECRET_KEY"]) == 64


def test_value_that_somebody_changed_stays_and_a_missing_one_is_added(tmp_path: Path) -> None:
    (tmp_path / "secrets.env").write_text("SECRET_KEY=chosen\n")
    settings = local_secrets(tmp_path)
    assert settings["SECRET_KEY"] == "chosen"
    assert settings == local_secrets(tmp_path)
    assert "FLOWER_PASSWORD=" in (tmp_path / "secrets.env").read_text()
