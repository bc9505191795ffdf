"""Files pass the scanner on their way in and out: agents see what it said, and nobody gets what it objects to."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from channels.base import Attachment
from models.attachments import Scan
from models.inbound_events import claim_event
from sandbox.client import file, wait_for
from tests.desk import Desk
from tests.virus_scanner import EICAR, VirusScanner
from tests.workers.own_process import own_process
from workers.cli import cli
from workers.tasks.files import EventFiles

FOUND = "is held back: the virus scanner found Test.Eicar"
UNSCANNED = "not scanned for viruses"


@pytest.fixture
def scanner(tmp_path: Path) -> VirusScanner:
    return VirusScanner(tmp_path / "scanner")


@pytest.fixture
def environment(environment: dict[str, str], scanner: VirusScanner, request: pytest.FixtureRequest) -> dict[str, str]:
    return {**environment, "SCAN_COMMAND": scanner.command, **getattr(request, "param", {})}


@pytest.fixture
def frontdesk(environment: dict[str, str]) -> Callable[..., str]:
    """Return what runs a command and gives its words."""

    def run(*words: object) -> str:
        with own_process({**environment, "COLUMNS": "300"}):
            return str(CliRunner().invoke(cli, [str(word) for word in words]).stdout)

    return run


def posts(desk: Desk) -> str:
    return "\n".join(json.dumps(each) for each in desk.effects("slack", "post"))


def uploaded(desk: Desk) -> list[object]:
    return [each["name"] for each in desk.effects("slack", "file")]


def stored(desk: Desk) -> list[Path]:
    folder = Path(desk.tools.settings.attachments_url.removeprefix("file://"))
    return [each for each in folder.rglob("*") if each.is_file()]


def scans(desk: Desk) -> list[object]:
    return desk.scalars("SELECT name || ' ' || scan FROM attachments ORDER BY id")


def answer(desk: Desk, name: str, content: bytes, text: str = "See this") -> None:
    """Let Ada answer in the ticket's thread with a file."""
    thread = desk.thread()
    ts = desk.sandbox.say("U0ADA", "C0SUPPORT", text, thread_ts=thread, files=[file(name, content)])
    event = next(each for each in desk.sandbox.thread("C0SUPPORT", thread) if each["ts"] == ts)
    desk.slack({**event, "type": "message", "channel": "C0SUPPORT", "channel_type": "channel"})
    desk.work()


# What arrives


def test_an_infected_file_is_named_to_the_agents_and_lies_nowhere_but_in_the_mail(
    desk: Desk, scanner: VirusScanner
) -> None:
    desk.mail("See the file.", files=[("<!here> invoice.com", EICAR)])
    desk.work()
    assert scanner.asked == [EICAR]
    assert f"See the file.\\n[the file &lt;!here&gt; invoice.com {FOUND}]" in posts(desk)
    assert (uploaded(desk), stored(desk), desk.count("deliveries")) == ([], [], 2)
    assert desk.scalars("SELECT scan || ' ' || finding || ' ' || size FROM attachments") == ["infected Test.Eicar 68"]
    assert desk.scalars("SELECT status FROM inbound_events") == ["processed"]


def test_a_clean_file_is_shown_without_a_word(desk: Desk) -> None:
    desk.mail(files=[("report.pdf", b"%PDF")])
    desk.work()
    assert (uploaded(desk), scans(desk)) == (["report.pdf"], ["report.pdf clean"])
    assert UNSCANNED not in posts(desk)


def test_of_several_files_only_the_infected_one_stays_away(desk: Desk, scanner: VirusScanner) -> None:
    desk.mail(files=[("a.txt", b"a"), ("b.com", b"MZ" + EICAR), ("c.txt", b"c")])
    desk.work()
    assert scanner.asked == [b"a", b"MZ" + EICAR, b"c"]
    assert (uploaded(desk), len(stored(desk))) == (["a.txt", "c.txt"], 2)
    assert scans(desk) == ["a.txt clean", "b.com infected", "c.txt clean"]


def test_a_file_in_a_clients_slack_message_is_scanned_too(desk: Desk, scanner: VirusScanner) -> None:
    ts = desk.sandbox.say("U0CLEO", "C0CLIENTS", "Look", files=[file("x.com", EICAR)])
    event = next(each for each in desk.sandbox.history("C0CLIENTS") if each["ts"] == ts)
    desk.slack({**event, "type": "message", "channel": "C0CLIENTS", "channel_type": "channel"})
    desk.work()
    assert (scanner.asked, stored(desk)) == ([EICAR], [])
    assert FOUND in posts(desk)


def test_many_infected_files_do_not_keep_their_message_from_the_agents(desk: Desk) -> None:
    desk.mail("See the files.", files=[(f"{number}-{'&' * 200}.com", EICAR) for number in range(13)])
    desk.work()
    assert posts(desk).count(FOUND) >= 10
    assert "3 more files are not shown" in posts(desk)
    assert desk.scalars("SELECT DISTINCT status FROM deliveries") == ["sent"]


@pytest.mark.parametrize(
    "environment",
    [
        {"SCAN_COMMAND": "/nowhere/clamdscan -"},
        {"SCAN_COMMAND": "sleep 60", "SCAN_TIMEOUT": "1"},
        {"SCAN_COMMAND": "sh -c 'exit 2'"},
        {"SCAN_COMMAND": ""},
    ],
    ids=["missing", "slow", "exit 2", "none"],
    indirect=True,
)
def test_without_a_verdict_a_file_is_shown_and_marked(desk: Desk) -> None:
    desk.mail("See the file.", files=[("report.pdf", b"%PDF")])
    desk.work()
    assert (uploaded(desk), scans(desk)) == (["report.pdf"], ["report.pdf unscanned"])
    assert f"See the file.\\n[{UNSCANNED}: report.pdf]" in posts(desk)


def test_an_event_stays_ours_while_its_files_are_scanned(desk: Desk, scanner: VirusScanner) -> None:
    scanner.be_slow()
    desk.mail(files=[("report.pdf", b"%PDF")])
    with ThreadPoolExecutor(1) as worker:
        working = worker.submit(desk.work)
        wait_for(lambda: scanner.asked, "the scanner to be asked")
        longer = "SELECT lease_until > timezone('utc', now()) + interval '40 seconds' FROM inbound_events"
        assert desk.scalars(longer) == [True]
        scanner.be_quick()
        working.result()
    assert scans(desk) == ["report.pdf clean"]


@pytest.mark.parametrize("environment", [{"SCAN_COMMAND": "sleep 60", "SCAN_TIMEOUT": "1"}], indirect=True)
def test_twenty_files_that_are_slow_to_scan_have_no_more_time_than_all_of_an_events_files(desk: Desk) -> None:
    desk.mail()
    with desk.session() as session:
        claimed = claim_event(session, 1, timedelta(minutes=1))
    assert claimed is not None
    began, taken = time.monotonic(), EventFiles(desk.tools, claimed, seconds_to_scan=1.5)
    files = [taken.keep(Attachment(name="a"), b"a") for _ in range(20)]
    assert time.monotonic() - began < 5
    assert {each.scan for each in files} == {Scan.UNSCANNED}


def test_a_message_without_files_asks_nobody_and_bears_no_mark(desk: Desk, scanner: VirusScanner) -> None:
    desk.mail()
    desk.work()
    assert UNSCANNED not in posts(desk)
    assert scanner.asked == []


# What agents send


def test_an_infected_file_of_an_agent_is_not_sent_and_they_are_told(desk: Desk, scanner: VirusScanner) -> None:
    desk.mail()
    desk.work()
    answer(desk, "tool.com", EICAR)
    assert scanner.asked == [EICAR]
    assert (desk.effects("mailbox"), desk.deliveries(), stored(desk)) == ([], [], [])
    assert "Nothing was sent: the virus scanner found Test.Eicar in tool.com." in posts(desk)


def test_a_clean_file_of_an_agent_is_sent(desk: Desk) -> None:
    desk.mail()
    desk.work()
    answer(desk, "manual.pdf", b"%PDF")
    assert len(desk.effects("mailbox")) == 1
    assert scans(desk) == ["manual.pdf clean"]


def test_a_file_of_an_agent_goes_out_while_the_scanner_is_away(desk: Desk, scanner: VirusScanner) -> None:
    desk.mail()
    desk.work()
    scanner.go_away()
    answer(desk, "manual.pdf", b"%PDF")
    assert len(desk.effects("mailbox")) == 1
    assert scans(desk) == ["manual.pdf unscanned"]


def test_a_note_with_an_infected_file_is_a_note_all_the_same(desk: Desk) -> None:
    desk.mail()
    desk.work()
    answer(desk, "sample.com", EICAR, "note: this is what they sent")
    assert [note.body for note in desk.notes()] == ["note: this is what they sent"]
    assert (stored(desk), "Nothing was sent" in posts(desk)) == ([], False)


# After a false alarm


def test_a_replay_brings_what_was_held_back_by_mistake(
    desk: Desk, scanner: VirusScanner, frontdesk: Callable[..., str]
) -> None:
    desk.mail("See the files.", files=[("report.pdf", b"%PDF" + EICAR), ("other.txt", b"other")])
    desk.work()
    assert "report.pdf (held back: Test.Eicar), other.txt" in frontdesk("tickets", "show", 1)
    scanner.learn()
    assert "will be worked through again" in frontdesk("events", "replay", 1)
    desk.work()
    assert uploaded(desk) == ["other.txt", "report.pdf"]
    assert desk.bodies() == ["See the files."]
    assert desk.messages()[-1].body == "Held back before, here now: report.pdf"
    assert scans(desk) == ["report.pdf clean", "other.txt clean", "report.pdf clean"]
    assert "not replayed" in frontdesk("events", "replay", 1)


def test_a_replay_of_what_is_still_infected_changes_nothing(desk: Desk, frontdesk: Callable[..., str]) -> None:
    desk.mail(files=[("x.com", EICAR)])
    desk.work()
    frontdesk("events", "replay", 1)
    desk.work()
    assert (uploaded(desk), stored(desk), scans(desk)) == ([], [], ["x.com infected"])
    assert len(desk.messages()) == 1
    assert desk.scalars("SELECT status FROM inbound_events") == ["processed"]


def test_an_event_whose_files_are_clean_is_not_replayed(desk: Desk, frontdesk: Callable[..., str]) -> None:
    desk.mail(files=[("report.pdf", b"%PDF")])
    desk.work()
    assert "not replayed" in frontdesk("events", "replay", 1)


def test_an_original_that_the_scanner_objects_to_is_held_back_like_any_file(desk: Desk) -> None:
    desk.mail(
        f"Still burning.\n\nOn Mon, 2 Nov 2026 at 17:20, Desk <support@desk.example> wrote:\n\n> {EICAR.decode()}"
    )
    desk.work()
    desk.press("original", desk.messages()[0].id)
    desk.work()
    assert (uploaded(desk), stored(desk)) == ([], [])
    assert f"original.txt {FOUND}" in posts(desk)
