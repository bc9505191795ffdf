"""`make corpora CORPORA=DIR`: measure how mail is read against a folder of mails with what they should give.

The folder holds `SOURCE/msgs/*.eml` and `SOURCE/expected.jsonl`, a record a line: `file` (from the folder), `task`
(`reply`, `parse`, `auto`, `bounce` or `thread`), `expect`, and `contested` where that is a matter of taste.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels.email.describe import Description, describe
from tests.corpora_marks import MARKS, Marks

Record = dict[str, Any]
# What is counted, in the order printed; figures that a task does not have are left out.
FIGURES = {
    "reply": (
        "pass",
        "exact",
        "exact, English",
        "exact, other languages",
        "exact, HTML only",
        "content lost",
        "quote leaked",
        "precision",
        "recall",
        "f1",
    ),
    "parse": ("pass", "subject", "from", "text", "file names", "file sizes", "file count"),
    "auto": ("pass",),
    "bounce": ("found", "others right", "recipient", "status", "class", "all of it"),
    "thread": ("pass", "message id", "in reply to", "references"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A mail as it was read, and the seconds that took."""

    found: Description
    seconds: float


def main(words: Sequence[str] | None = None) -> None:
    arguments = argparse.ArgumentParser(prog="make corpora", description="Measure how mail is read.")
    arguments.add_argument("folder", type=Path, help="holds SOURCE/msgs/*.eml and SOURCE/expected.jsonl")
    arguments.add_argument("--contested", action="store_true", help="count what is a matter of taste too")
    arguments.add_argument("--failures", type=Path, help="write what did not pass to this file, a record a line")
    given = arguments.parse_args(words)
    try:
        records = [each for each in load(given.folder) if given.contested or "contested" not in each]
    except ValueError as error:
        sys.exit(f"make corpora: {error}")
    mails = read_all(given.folder, sorted({each["file"] for each in records}))
    marked = [(each, MARKS[each["task"]](each, mails[each["file"]].found)) for each in records]
    marked = [(record, _in_time(record, marks, mails[record["file"]].seconds)) for record, marks in marked]
    for line in table(marked):
        say(line)
    slowest = max(mails, key=lambda name: mails[name].seconds)
    say(f"\n{len(records)} records, {len(mails)} mails, slowest {mails[slowest].seconds * 1000:.0f} ms ({slowest})")
    if given.failures:
        given.failures.write_text("".join(_failures(marked, mails)), encoding="utf-8")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (printing is what it is for)


def load(folder: Path) -> list[Record]:
    """Return the records of a folder. Raises `ValueError` when it is missing or of another form."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; say which with CORPORA=DIR")
    expectations = sorted(folder.glob("*/expected.jsonl"))
    if not expectations:
        raise ValueError(f"{folder} has no SOURCE/expected.jsonl in it; say which has with CORPORA=DIR")
    return [
        _record(folder, f"{file}, line {number}", line)
        for file in expectations
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
    ]


def _record(folder: Path, where: str, line: str) -> Record:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{where} is no JSON") from error
    if not (isinstance(record, dict) and isinstance(record.get("expect"), dict) and record.get("task") in MARKS):
        raise ValueError(f"{where} has no expect, or a task that is none of {', '.join(MARKS)}")
    if not (folder / str(record.get("file"))).is_file():
        raise ValueError(f"{where} names a file that is not there: {record.get('file')}")
    return record


def read_all(folder: Path, names: Sequence[str]) -> dict[str, Read]:
    mails = {}
    for number, name in enumerate(names, start=1):
        # Mails kept as files often begin with an empty line, which no server would hand on.
        payload = (folder / name).read_bytes().lstrip(b"\r\n")
        began = time.perf_counter()
        mails[name] = Read(found=describe(payload), seconds=time.perf_counter() - began)
        if number % 50 == 0 or number == len(names):
            print(f"\r{number} of {len(names)} mails", end="", file=sys.stderr, flush=True)  # noqa: T201 (progress)
    print(file=sys.stderr)  # noqa: T201 (the end of the line of progress)
    return mails


def _in_time(record: Record, marks: Marks, seconds: float) -> Marks:
    allowed = record["expect"].get("max_seconds")
    return marks if allowed is None or seconds <= 2 * allowed else {**marks, "pass": False}


def table(marked: Iterable[tuple[Record, Marks]]) -> Iterator[str]:
    """Yield a line for every figure: task, figure, share in per cent, how many it is a share of."""
    tasks: dict[str, list[tuple[Record, Marks]]] = defaultdict(list)
    for record, marks in marked:
        tasks[record["task"]].append((record, marks))
    yield f"{'task':<8}{'figure':<26}{'':>8}{'of':>7}"
    for task, names in FIGURES.items():
        extra = _automatic(tasks[task]) if task == "auto" else {}
        counted = {name: [marks[name] for _, marks in tasks[task] if name in marks] for name in names} | extra
        for name, values in counted.items():
            if values:
                yield f"{task:<8}{name:<26}{100 * sum(values) / len(values):>6.1f} %{len(values):>7}"


def _automatic(marked: Iterable[tuple[Record, Marks]]) -> dict[str, list[float]]:
    """Return the figures by kind, and their balance: people weigh as much as all kinds of machines together."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for record, marks in marked:
        kind = record.get("kind", "autoreply") if record["expect"]["auto"] else "people"
        kinds[kind].append(marks["pass"])
    rates = {kind: sum(values) / len(values) for kind, values in kinds.items()}
    machines = [rate for kind, rate in rates.items() if kind != "people"]
    balance = [rates["people"], sum(machines) / len(machines)] if machines and "people" in rates else []
    return {**dict(sorted(kinds.items())), "balanced": balance}


def _failures(marked: Iterable[tuple[Record, Marks]], mails: dict[str, Read]) -> Iterator[str]:
    for record, marks in marked:
        if not marks["pass"]:
            found = mails[record["file"]].found
            got = {name: getattr(found, name) for name in _SHOWN[record["task"]]}
            yield json.dumps({**record, "got": got, "marks": marks}, ensure_ascii=False, default=str) + "\n"


_SHOWN = {
    "reply": ("reply_text", "cut_by"),
    "parse": ("subject", "from_address", "attachments"),
    "auto": ("automatic", "automatic_by"),
    "bounce": ("bounce", "bounce_by"),
    "thread": ("message_id", "in_reply_to", "references"),
}


if __name__ == "__main__":
    main()
