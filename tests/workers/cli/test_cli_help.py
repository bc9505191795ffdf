import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.workers.cli.conftest import Frontdesk
from workers.cli import cli
from workers.settings import SettingsError

HERE = click.Context(cli)


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Return the words of every command and group there is."""
    yield path
    for name in group.list_commands(HERE):
        found = group.get_command(HERE, name)
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))
        else:
            yield (*path, name)


def command(words: tuple[str, ...]) -> click.Command:
    found: click.Command | None = cli
    for word in words:
        assert isinstance(found, click.Group)
        found = found.get_command(HERE, word)
    assert found is not None
    return found


every_command = pytest.mark.parametrize("words", list(commands()), ids=lambda words: " ".join(words) or "frontdesk")


@every_command
def test_help_is_there_and_is_a_sentence(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*words, "--help"])
    assert result.exit_code == 0
    sentence = (command(words).help or "").split("\n")[0]
    assert len(sentence.split()) >= 3
    assert sentence[0].isupper()
    assert (command(words).help or "").rstrip().endswith(".")


@every_command
def test_every_option_that_its_name_does_not_explain_says_what_it_is_for(words: tuple[str, ...]) -> None:
    plain = {
        "host",
        "port",
        "limit",
        "statuses",
        "version",
        "help",
        "web_port",
        "smtp_port",
        "flower_port",
        "sandbox_port",
    }
    options = [each for each in command(words).params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help and each.name not in plain] == []


def test_the_first_page_shows_every_command() -> None:
    page = CliRunner().invoke(cli, ["--help"]).stdout
    assert [name for name in cli.list_commands(HERE) if f"\n  {name} " not in page] == []
    assert "..." not in page.partition("Try it")[2]


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(cli, ["tickets", "lst"])
    assert result.exit_code == 2
    assert "lst" in result.stderr


# As a process


def run(*words: str, environment: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    bare = {"PATH": os.environ["PATH"], **environment}
    command = [sys.executable, "-m", "workers", *words]
    return subprocess.run(command, env=bare, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("words", "changes", "said"),
    [
        (("migrate",), {"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        (("tickets", "list"), {"SECRET_KEY": "changeme"}, "SECRET_KEY is too short or a placeholder"),
        (("worker",), {"REDIS_URL": "redis://10.0.0.5:6379/0"}, "has no password"),
        (("worker", "--queues", "inbound.fax"), {}, "there is no queue inbound.fax"),
        (("flower",), {}, "FLOWER_PASSWORD needs 12 characters or more"),
        (("flower",), {"FLOWER_PASSWORD": "short"}, "FLOWER_PASSWORD needs 12 characters or more"),
        (("flower",), {"FLOWER_PASSWORD": "long, but with a comma"}, "must not hold a comma"),
        (("web",), {"SMTP_TIMEOUT": "soon"}, "SMTP_TIMEOUT"),
        (("web",), {"SMTP_RELAY_URL": "relay.example.com"}, "SMTP_RELAY_URL"),
        (("web",), {"TWILIO_API_URL": "twilio"}, "https://"),
        (("web",), {"SLACK_API_URL": "x"}, "SLACK_API_URL x is no address"),
        (("tickets", "list", "--limit", "9" * 30), {}, "out of range"),
    ],
)
def test_a_setting_that_is_wrong_is_one_sentence_and_exit_code_2(
    environment: dict[str, str], tmp_path: Path, words: tuple[str, ...], changes: dict[str, str], said: str
) -> None:
    done = run(*words, environment={**environment, **changes}, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (sentence,) = done.stderr.strip().splitlines()
    assert sentence.startswith("frontdesk: ")
    assert said in sentence


@pytest.mark.parametrize("process", ["web", "smtp", "flower"])
def test_a_port_that_is_taken_is_one_sentence(environment: dict[str, str], tmp_path: Path, process: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        changed = {**environment, "FLOWER_PASSWORD": "one-of-my-own"}
        done = run(process, "--port", port, environment=changed, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"frontdesk: cannot listen on port {port} of 127.0.0.1: Address already in use; choose with --port\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("web", "--port", "99999"),
        ("smtp", "--port", "0"),
        ("flower", "--port", "-1"),
        ("worker", "--concurrency", "-1"),
    ],
)
def test_a_number_out_of_its_range_is_a_usage_error(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, words)
    assert (result.exit_code, "is not in the range" in result.stderr) == (2, True)


def test_without_any_setting_help_is_still_there(tmp_path: Path) -> None:
    assert run("--help", environment={}, folder=tmp_path).returncode == 0


def test_with_its_database_away_a_command_is_one_sentence(environment: dict[str, str], tmp_path: Path) -> None:
    away = {**environment, "DATABASE_URL": "postgresql://frontdesk:canary-of-postgres@127.0.0.1:1/frontdesk"}
    done = run("tickets", "list", environment=away, folder=tmp_path)
    assert done.returncode == 2
    (sentence,) = done.stderr.strip().splitlines()
    assert "Connection refused" in sentence
    assert "canary-of-postgres" not in sentence


def test_with_a_database_that_was_never_migrated_a_command_is_one_sentence(
    environment: dict[str, str], empty_database: Callable[[], str], tmp_path: Path
) -> None:
    done = run("tickets", "list", environment={**environment, "DATABASE_URL": empty_database()}, folder=tmp_path)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert "does not exist" in done.stderr


# Single commands


def test_flower_is_not_run_without_a_password(frontdesk: Frontdesk) -> None:
    result = frontdesk("flower")
    assert isinstance(result.exception, SettingsError)
    assert "Flower never runs open" in str(result.exception)


def test_the_manifest_of_the_slack_app_has_our_addresses_in_it(frontdesk: Frontdesk) -> None:
    manifest = json.loads(frontdesk("slack", "manifest", "--url", "https://desk.example.net/").stdout)
    assert (
        manifest["settings"]["event_subscriptions"]["request_url"] == "https://desk.example.net/webhooks/slack/events"
    )


@pytest.mark.parametrize(
    "url", ["http://desk.example.net", "https://", "https:///x", "https://a.example/?b=c", "https://a.example /", "x"]
)
def test_the_manifest_is_for_addresses_that_slack_can_call(frontdesk: Frontdesk, url: str) -> None:
    result = frontdesk("slack", "manifest", "--url", url)
    assert result.exit_code == 1
    assert "https" in result.stderr
