from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from pathlib import Path

import pytest

from tests.conftest import CREDENTIALS
from workers.runtime import Runtime, build
from workers.settings import (
    Settings,
    SettingsError,
    from_environment,
    join_running_desk,
    read_environment,
    secret_values,
)

CANARIES = {
    **CREDENTIALS,
    "DATABASE_URL": "postgresql://frontdesk:canary-of-postgres@127.0.0.1:5432/frontdesk",
    "REDIS_URL": "redis://:canary-of-redis@127.0.0.1:6379/0",
    "BROKER_URL": "amqp://frontdesk:canary-of-rabbit@127.0.0.1:5672//",
    "SMTP_RELAY_URL": "smtp://mail:canary-of-relay@127.0.0.1:2526?starttls=off",
    "FLOWER_PASSWORD": "canary-of-flower",
    "AWS_SECRET_ACCESS_KEY": "canary-of-the-bucket",
}
SECRETS = [*(value for name, value in CREDENTIALS.items() if name != "TWILIO_ACCOUNT_SID"), "canary"]


def settings(**changes: str) -> Settings:
    return from_environment({**CANARIES, "BROKER_URL": "", **changes})


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[Runtime]:
    made = build(from_environment({**CANARIES, "FRONTDESK_DIR": str(tmp_path)}), lambda _: None)
    yield made
    made.database.engine.dispose()


# What is refused, and how it is said


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "SECRET_KEY"])
def test_what_is_needed_and_missing_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is not set"):
        settings(**{name: ""})


@pytest.mark.parametrize("url", ["ftp://x", "s3:x", "s3://", "file://x", "/srv/files"])
def test_a_store_of_no_known_kind_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^ATTACHMENTS_URL is file:///path or s3://bucket/prefix$"):
        settings(ATTACHMENTS_URL=url)


@pytest.mark.parametrize(
    "secret",
    [
        "short",
        "x" * 15,
        "changeme",
        "changemechangemechangeme",
        "please-CHANGE-ME-in-production",
        "secretsecretsecretsecret",
        "my-secret-key-0123456789",
        "django-insecure-Secret-0123456789",
        "PasswordPassword1234567",
        "an-example-key-0123456789",
    ],
)
def test_a_placeholder_is_no_secret_key(secret: str) -> None:
    with pytest.raises(SettingsError, match=r"^SECRET_KEY is too short or a placeholder") as raised:
        settings(SECRET_KEY=secret)
    assert secret not in str(raised.value) or secret == "short"


def test_a_random_secret_key_is_taken() -> None:
    assert settings(SECRET_KEY="pQ3x9_ZkWv7Lr2Tn8Yb5").secret_key == b"pQ3x9_ZkWv7Lr2Tn8Yb5"


@pytest.mark.parametrize(
    "url",
    [
        "redis://10.0.0.5:6379/0",
        "redis://redis:6379",
        "redis://frontdesk@cache.example.com/0",
        "redis://:@cache.example.com/0",
        "redis://127.0.0.1.example.com:6379/0",
        "redis://0.0.0.0:6379/0",
    ],
)
def test_a_redis_elsewhere_without_a_password_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="no password"):
        settings(REDIS_URL=url)
    with pytest.raises(SettingsError, match="no password"):
        settings(BROKER_URL=url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://localhost:6379",
        "redis://[::1]:6379/0",
        "redis://:pw@10.0.0.5:6379/0",
        "rediss://cache.example.com:6380/0",
        "amqp://desk:pw@rabbit.example.com//",
    ],
)
def test_a_redis_here_or_guarded_is_taken(url: str) -> None:
    assert settings(REDIS_URL=url).broker_url == url


def test_the_broker_may_be_another_than_redis() -> None:
    assert settings(BROKER_URL="amqp://127.0.0.1//", REDIS_URL="").broker_url == "amqp://127.0.0.1//"


@pytest.mark.parametrize(
    "url", ["mysql://root@127.0.0.1/desk", "frontdesk.db", "sqlite:///desk.db", "://x", "postgres"]
)
def test_another_database_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL is no PostgreSQL address"):
        settings(DATABASE_URL=url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_the_usual_spellings_of_postgresql_are_one(scheme: str) -> None:
    assert settings(DATABASE_URL=f"{scheme}://u:p@db/desk").database_url == "postgresql+psycopg://u:p@db/desk"


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf", "1e9", "5s", "0x10"])
@pytest.mark.parametrize(
    "name", ["REPLY_HOLD_SECONDS", "SWEEP_SECONDS", "EVENT_LEASE_SECONDS", "REOPEN_WINDOW_DAYS", "SCAN_TIMEOUT"]
)
def test_what_is_no_number_of_seconds_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be a number"):
        settings(**{name: value})


def test_the_defaults_are_those_that_the_documents_name() -> None:
    made = settings()
    assert (made.reply_hold, made.reopen_window, made.sweep_interval) == (5, timedelta(days=14), 5)
    assert made.event_lease == timedelta(seconds=20)
    assert (made.scan_command, made.scan_timeout) == ((), 30)
    assert made.public_url == "http://127.0.0.1:8080"
    assert made.attachments_url == (Path(".frontdesk/attachments").absolute()).as_uri()


def test_a_command_is_the_words_it_would_be_at_a_prompt_and_no_shells() -> None:
    made = settings(SCAN_COMMAND="'/opt/my scanner' --flag=\"a b\" $HOME ; rm")
    assert made.scan_command == ("/opt/my scanner", "--flag=a b", "$HOME", ";", "rm")
    with pytest.raises(SettingsError, match=r"^SCAN_COMMAND has a quotation mark"):
        settings(SCAN_COMMAND="scanner 'open")


def test_an_errors_sentence_holds_no_value_that_was_set() -> None:
    with pytest.raises(SettingsError) as raised:
        settings(DATABASE_URL="mysql://root:canary@127.0.0.1/desk")
    assert "canary" not in str(raised.value)


# What is shown


def test_settings_show_no_secret() -> None:
    made = from_environment(CANARIES)
    assert [secret for secret in SECRETS if secret in f"{made} {made!r}"] == []


def test_the_tools_of_a_process_show_no_secret(tools: Runtime) -> None:
    assert [secret for secret in SECRETS if secret in f"{tools} {tools!r}"] == []


def test_secrets_are_what_is_named_so_and_the_passwords_of_addresses() -> None:
    found = secret_values({**CANARIES, "LOG_LEVEL": "INFO", "HOME": "/nowhere", "EMPTY_TOKEN": "", "PIN_TOKEN": "1"})
    assert found >= {value for name, value in CREDENTIALS.items() if name != "TWILIO_ACCOUNT_SID"}
    assert found >= {f"canary-of-{each}" for each in ("postgres", "redis", "rabbit", "relay", "flower", "the-bucket")}
    assert found.isdisjoint({"INFO", "/nowhere", "", "1", "frontdesk", "127.0.0.1"})


def test_a_password_is_a_secret_as_it_is_written_and_as_it_is_meant() -> None:
    assert secret_values({"X_URL": "smtp://u:p%40ssw%C3%B6rd@h"}) >= {"p%40ssw%C3%B6rd", "p@sswörd"}


@pytest.mark.parametrize("strange", ["http://[::1@x", "x://[@y", "://@", "a://b:\ud800@c"])
def test_no_strange_variable_of_the_machine_keeps_a_process_from_starting(strange: str) -> None:
    assert "canary-of-flower" in secret_values({**CANARIES, "STRANGE": strange})


# Where it comes from


@pytest.fixture
def folder_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("FRONTDESK_DIR", "SECRET_KEY", "LOG_LEVEL", "DATABASE_URL"):
        monkeypatch.setenv(name, "")  # so that what is read from files is taken back after the test
        monkeypatch.delenv(name)
    return tmp_path


def test_the_environment_goes_before_the_file_and_the_file_before_a_running_desk(
    folder_of_ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = folder_of_ours / ".frontdesk"
    running.mkdir()
    (running / "running.env").write_text("SECRET_KEY=running\nLOG_LEVEL=running\nDATABASE_URL=running\n")
    (folder_of_ours / ".env").write_text("SECRET_KEY=file\nLOG_LEVEL=file\n")
    monkeypatch.setenv("SECRET_KEY", "environment")
    read_environment()
    join_running_desk()
    found: Mapping[str, str] = read_environment()
    assert [found[name] for name in ("SECRET_KEY", "LOG_LEVEL", "DATABASE_URL")] == ["environment", "file", "running"]


def test_the_digest_has_a_time_somewhere_or_none() -> None:
    assert (settings().digest_at, settings().digest_zone.key) == (time(9), "UTC")
    given = settings(DIGEST_AT="07:30", DIGEST_TIME_ZONE="Europe/Berlin")
    assert (given.digest_at, given.digest_zone.key) == (time(7, 30), "Europe/Berlin")
    assert settings(DIGEST_AT="off").digest_at is None
    for wrong in ({"DIGEST_AT": "nine"}, {"DIGEST_TIME_ZONE": "Mars/Base"}, {"DIGEST_TIME_ZONE": "../etc/passwd"}):
        with pytest.raises(SettingsError, match=next(iter(wrong))):
            settings(**wrong)
