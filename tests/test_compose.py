import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docker-compose.yml").read_text()
SHARED, SERVICES = (TEXT.partition("\nservices:\n")[0], TEXT.partition("\nservices:\n")[2].partition("\nvolumes:\n")[0])

# A block is a name at the left and the deeper lines below it; `<<: *name` stands for the block anchored `&name`.
ANCHORED = dict(re.findall(r"(?m)^x-\S+: &(\S+)\n((?:  .*\n?|\n)+)", SHARED))
BLOCKS = dict(re.findall(r"(?m)^  ([a-z-]+):\n((?:    .*\n?|\n)+)", SERVICES))


def block(name: str) -> str:
    return expanded(BLOCKS[name])


def expanded(text: str) -> str:
    return re.sub(r"<<: \*(\S+)", lambda merge: expanded(ANCHORED[merge[1]]), text)


def test_every_process_has_a_service() -> None:
    workers = {"worker-inbound", "worker-outbound", "worker-housekeeping"}
    assert (
        set(BLOCKS)
        == {"postgres", "redis", "migrate", "web", "smtp", "imap", "slack-socket", "beat", "flower"} | workers
    )


@pytest.mark.parametrize("name", BLOCKS)
def test_every_service_tells_its_health_or_runs_once(name: str) -> None:
    assert "healthcheck:" in block(name) or 'restart: "no"' in BLOCKS[name]


@pytest.mark.parametrize(
    "name", ["web", "smtp", "imap", "beat", "flower", *(name for name in BLOCKS if "worker" in name)]
)
def test_every_process_of_ours_waits_for_the_migrations(name: str) -> None:
    assert "migrate: {condition: service_completed_successfully}" in block(name)


def test_no_secret_has_a_default() -> None:
    secrets = re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|TOKEN|KEY)\w*)(.*?)\}", TEXT)
    assert {name for name, _ in secrets} == {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "FLOWER_PASSWORD", "SECRET_KEY"}
    assert [name for name, rest in secrets if not rest.startswith(":?set it in .env")] == []


def test_no_secret_is_written_down() -> None:
    settings = re.findall(r"(?m)^\s+(\w*(?:PASSWORD|SECRET|TOKEN|KEY|AUTH|URL)\w*): (.*)$", TEXT)
    assert [name for name, value in settings if "${" not in value] == []
    assert re.findall(r"//\w+:[^$@]+@", TEXT) == []


def test_flower_is_published_on_loopback_only() -> None:
    assert re.findall(r"ports: (.*)", block("flower")) == ['["127.0.0.1:${FLOWER_PORT:-5555}:5555"]']


@pytest.mark.parametrize(
    "name", ["postgres", "redis", "migrate", "imap", "beat", *(name for name in BLOCKS if "worker" in name)]
)
def test_only_the_doors_and_flower_are_published(name: str) -> None:
    assert "ports:" not in block(name)


def test_every_service_can_be_scaled() -> None:
    assert "container_name" not in TEXT
    assert "hostname:" not in TEXT


def test_redis_drops_no_key_and_keeps_every_write() -> None:
    command = " ".join(re.findall(r'- "(.*)"', block("redis")))
    assert "--maxmemory-policy noeviction" in command
    assert "--appendonly yes" in command


def test_redis_opens_to_one_user_without_the_dangerous_commands() -> None:
    command = " ".join(re.findall(r'- "(.*)"', block("redis")))
    assert "--user default off --user frontdesk on >${REDIS_PASSWORD:?" in command
    assert command.endswith("~* &* +@all -@dangerous +info")


def test_image_runs_as_nobody_in_particular_from_hashed_requirements() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert lines.index("USER frontdesk") < lines.index('ENTRYPOINT ["frontdesk"]')
    assert "RUN pip install --require-hashes --requirement requirements.lock" in lines


def test_image_holds_only_what_is_named() -> None:
    copied = re.findall(r"(?m)^COPY (.*) \S+$", (ROOT / "Dockerfile").read_text())
    assert not {".", "./"} & {word for line in copied for word in line.split()}
