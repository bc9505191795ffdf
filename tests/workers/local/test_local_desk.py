from pathlib import Path

import pytest

from workers.cli.up import up
from workers.local.desk import LocalDesk, RunningDesk
from workers.local.errors import LocalError


def running(folder: Path, **environment: str) -> RunningDesk:
    return RunningDesk(desk=LocalDesk(folder=folder, environment=environment), servers={})


@pytest.mark.parametrize("second", ["SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN"])
def test_slack_is_real_with_a_bot_token_and_either_way_of_hearing_it(tmp_path: Path, second: str) -> None:
    desk = running(tmp_path, SLACK_BOT_TOKEN="xoxb-1", **{second: "given"})
    assert "Slack" not in desk.sandboxed
    assert {name for name in desk.environment if name.startswith("SLACK_")} == {"SLACK_BOT_TOKEN", second}


@pytest.mark.parametrize("given", ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN"])
def test_one_credential_alone_leaves_slack_to_the_sandbox(tmp_path: Path, given: str) -> None:
    desk = running(tmp_path, **{given: "given"})
    assert "Slack" in desk.sandboxed
    assert "127.0.0.1" in desk.environment["SLACK_API_URL"]


def test_a_start_that_is_refused_says_so_in_the_commands_own_words_and_takes_away_what_killed_ones_left(
    tmp_path: Path,
) -> None:
    elsewhere = {"DATABASE_URL": "mysql://", "REDIS_URL": "redis://127.0.0.1"}
    left = Path(running(tmp_path).environment["TMPDIR"]) / "pymp-1"
    left.mkdir(parents=True)
    with (
        pytest.raises(LocalError, match=r"^DATABASE_URL is no PostgreSQL address"),
        LocalDesk(folder=tmp_path, environment=elsewhere).running(tmp_path / "desk.toml"),
    ):
        pass
    assert not left.exists()


def test_up_listens_and_keeps_its_data_where_the_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WEB_PORT": "8181", "SMTP_PORT": "2626", "FLOWER_PORT": "5656"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FRONTDESK_DIR", str(tmp_path))
    chosen = up.make_context("up", ["--smtp-port", "2727"]).params
    assert (chosen["web"], chosen["smtp"], chosen["flower"], chosen["folder"]) == (8181, 2727, 5656, tmp_path)


def test_the_login_of_flower_is_the_one_that_it_asks_for(tmp_path: Path) -> None:
    assert running(tmp_path).flower_login.endswith("secrets.env")
    given = running(tmp_path, FLOWER_USER="ada", FLOWER_PASSWORD="one-of-my-own").flower_login
    assert given == "user ada, password: FLOWER_PASSWORD of your settings"
