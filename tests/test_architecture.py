"""Rules that the whole tree keeps, read off its files."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workers.db import LONGEST_DELAY, Database, Wakeup, enqueue

ROOT = Path(__file__).parent.parent
PACKAGES = ("models", "channels", "workers", "sandbox")
NOT_OURS = re.compile(
    r"\..*cache|\.git|\.venv.*|\.frontdesk.*|\.ready|__pycache__|build|dist|.*\.egg-info|.*\.pyc|\.env"
)

Calls = Iterator[tuple[Path, ast.Call, str]]


def sources(*packages: str) -> Iterator[Path]:
    return (file for package in packages for file in sorted((ROOT / package).rglob("*.py")))


def calls(*packages: str) -> Calls:
    """Return every call of a name or of a method, with the name."""
    for file in sources(*packages):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                yield file, node, node.func.id if isinstance(node.func, ast.Name) else node.func.attr


def places(found: Iterator[tuple[Path, ast.Call, str]]) -> list[str]:
    return [f"{file.relative_to(ROOT)}:{call.lineno} {name}" for file, call, name in found]


def tree(folder: Path = ROOT) -> Iterator[Path]:
    """Return every file that is ours."""
    for entry in sorted(folder.iterdir()):
        if NOT_OURS.fullmatch(entry.name):
            continue
        yield from tree(entry) if entry.is_dir() else (entry,)


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    texts = ((file, file.read_bytes().decode("utf-8", "replace")) for file in tree())
    return [
        f"{file.relative_to(ROOT)}: {line.strip()[:100]}"
        for file, text in texts
        for line in text.splitlines()
        if pattern.search(line)
    ]


def logged() -> Iterator[str]:
    """Return the name of every event that is logged, of each line that logs one."""
    for _, call, _ in calls("workers", "channels"):
        if (
            isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "log"
        ):
            names = (each.value for each in ast.walk(call.args[0]) if isinstance(each, ast.Constant))
            yield from (name for name in names if isinstance(name, str))


# Who may do what


def test_nobody_enters_a_room_that_is_not_theirs() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_edge_commits_rolls_back_or_opens_a_session() -> None:
    edge = ROOT / "workers/db.py"
    ends = ((file, call, name) for file, call, name in calls(*PACKAGES) if name in {"commit", "rollback", "Session"})
    assert places((file, call, name) for file, call, name in ends if file != edge) == []


def test_statements_stand_with_the_tables() -> None:
    words = {"select", "insert", "update", "delete", "text", "func", "table"}
    named = [
        f"{file.relative_to(ROOT)} {alias.name}"
        for file in sources("channels", "workers", "sandbox")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
        for alias in node.names
        if alias.name in words
    ]
    assert named == ["workers/migrate.py text"]  # the lock around migrations


def test_nobody_else_sends_sql() -> None:
    sent = (each for each in calls("channels", "workers", "sandbox") if each[2] in {"query", "execute", "scalars"})
    assert {place.partition(":")[0] for place in places(sent)} == {"workers/migrate.py"}


# Nothing waits in the broker


def test_only_publish_gives_a_task_a_delay() -> None:
    delayed = (
        (file, call, name)
        for file, call, name in calls(*PACKAGES)
        if {keyword.arg for keyword in call.keywords} & {"countdown", "eta"}
    )
    assert [place.partition(":")[0] for place in places(delayed)] == ["workers/app.py"]


def test_what_is_due_in_over_a_minute_waits_in_its_row_and_is_not_published(database_url: str) -> None:
    published: list[Wakeup] = []
    database = Database(database_url, published.extend)
    delays = (0.0, LONGEST_DELAY, LONGEST_DELAY + 1, 86_400.0)
    with database.session_scope() as session:
        for delay in delays:
            enqueue(session, Wakeup(task="outbound.deliver", channel="email", row_id=1, delay=delay))
        assert published == []
    database.engine.dispose()
    assert LONGEST_DELAY <= 60
    assert [wakeup.delay for wakeup in published] == [0.0, LONGEST_DELAY]


def test_what_was_rolled_back_wakes_nobody(database_url: str) -> None:
    published: list[Wakeup] = []
    database = Database(database_url, published.extend)

    def fail() -> None:
        with database.session_scope() as session:
            enqueue(session, Wakeup(task="inbound.ingest", channel="email", row_id=1))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    database.engine.dispose()
    assert published == []


# What files must not say

HOME = re.compile(r"(?<![\w.])/(?:home|Users)/\w|(?<![\w.])/root/\w|\b[A-Z]:\\Users\\" + "|" + re.escape(str(ROOT)))
# Written with a class around a letter, so that this file does not hold what it looks for.
REGISTRY = re.compile(
    r"[p]ypi\.(?:org|python)|[p]ythonhosted\.org|[i]ndex-url[ =]+\S*/|[f]ind-links[ =]+\S*/"
    r"|//[\w.-]*(?:[a]rtifactory|[n]exus|[d]evpi|[p]ackagecloud|[n]pmjs)[\w.-]*"
)


def test_no_file_knows_whose_machine_it_was_written_on() -> None:
    assert lines_with(HOME) == []


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(REGISTRY) == []


def test_every_locked_package_has_one_version_and_its_hashes_and_comes_from_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    packages = re.split(r"\n(?=\S)", lock.strip())
    package = re.compile(r"[a-z0-9-]+==\S+(?: ; [^\n\\]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+")
    assert len(packages) > 50
    assert [each for each in packages if not package.fullmatch(each)] == []
    assert "://" not in lock


# Migrations are read by the old code too

ADDING = {
    "create_table",
    "create_index",
    "create_unique_constraint",
    "create_foreign_key",
    "create_check_constraint",
    "add_column",
    "execute",
    "f",
}
TAKING = re.compile(r"\b(DROP|RENAME|TYPE|SET NOT NULL|DELETE|TRUNCATE)\b", re.IGNORECASE)
VERSIONS = sorted((ROOT / "migrations/versions").glob("*.py"))


def operations(file: Path) -> list[ast.Call]:
    """Return every use of Alembic in a revision outside its `downgrade`."""
    module = ast.parse(file.read_text(encoding="utf-8"))
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name != "downgrade"]
    found = [node for function in functions for node in ast.walk(function) if isinstance(node, ast.Call)]
    return [call for call in found if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "op"]


def called(done: list[ast.Call], name: str) -> set[str]:
    """Return what this operation is called for. A CHECK may be taken away where another takes its place."""
    return {ast.unparse(call.args[0]) for call in done if ast.unparse(call.func) == f"op.{name}"}


def widened(done: list[ast.Call]) -> set[str]:
    """Return the unique keys that give way to one of the same columns and more, which refuses less."""
    made = [each.strip("'") for each in called(done, "create_unique_constraint")]
    dropped = called(done, "drop_constraint")
    return {key for key in dropped if any(each.startswith(key.strip("'").removesuffix("key")) for each in made)}


@pytest.mark.parametrize("file", VERSIONS, ids=lambda file: file.stem)
def test_a_revision_only_adds(file: Path) -> None:
    done = operations(file)
    assert done
    replaced = called(done, "drop_constraint") & called(done, "create_check_constraint")
    assert called(done, "drop_constraint") == replaced | widened(done)
    # An index too may give way to one of its name that lets more in.
    assert called(done, "drop_index") <= called(done, "create_index")
    assert {ast.unparse(call.func).removeprefix("op.") for call in done} - {"drop_constraint", "drop_index"} <= ADDING
    assert [ast.unparse(call) for call in done if TAKING.search(ast.unparse(call.args[0]))] == []


@pytest.mark.parametrize("file", VERSIONS, ids=lambda file: file.stem)
def test_a_new_column_of_an_old_table_may_be_left_out_by_the_old_code(file: Path) -> None:
    added = [ast.unparse(call) for call in operations(file) if ast.unparse(call.func) == "op.add_column"]
    assert [each for each in added if "nullable=False" in each and "server_default" not in each] == []


def test_revisions_follow_each_other_in_one_line() -> None:
    words = [
        re.findall(r'^(?:down_)?revision = "?(\w+)"?$', file.read_text(encoding="utf-8"), re.MULTILINE)
        for file in VERSIONS
    ]
    assert [each[0] for each in words] == [file.stem[:4] for file in VERSIONS]
    assert [each[1] for each in words] == ["None", *(each[0] for each in words[:-1])]


# What operators are told


def test_the_runbook_has_every_line_of_the_log_once() -> None:
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    table = text.partition("## Log lines\n")[2].partition("\n## ")[0]
    told = [name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.partition(" | ")[0])]
    assert sorted(told) == sorted(set(logged()))
