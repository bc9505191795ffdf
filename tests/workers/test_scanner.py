"""The scanner is a real program each time: what it says, what it fails to say, and what it cannot do to us."""

import sys
import time
from pathlib import Path

import pytest

from models.attachments import Scan
from tests.virus_scanner import EICAR, VirusScanner
from workers.scanner import Scanner, ScannerAwayError, ScanResult


def program(code: str, timeout: float = 30) -> Scanner:
    return Scanner(command=(sys.executable, "-c", f"import os, subprocess, sys, time\n{code}"), timeout=timeout)


def asked(code: str) -> ScanResult:
    return program(code).scan(b"content", 60)


def test_the_whole_content_reaches_the_program_byte_for_byte(tmp_path: Path) -> None:
    scanner = VirusScanner(tmp_path / "scanner")
    asking = Scanner(command=tuple(scanner.command.split()), timeout=30)
    contents = [b"", b"\x00\r\n\xff", bytes(range(256)) * 4096]
    assert [asking.scan(content, 60).scan for content in contents] == [Scan.CLEAN] * 3
    assert asking.scan(b"before" + EICAR, 60) == ScanResult(scan=Scan.INFECTED, finding="Test.Eicar")
    assert scanner.asked == [*contents, b"before" + EICAR]


@pytest.mark.parametrize(
    ("printed", "finding"),
    [
        ("stream: Win.Test.EICAR_HDB-1 FOUND\n", "Win.Test.EICAR_HDB-1"),
        ("fd[9]: Test.Eicar.UNOFFICIAL FOUND\n\n--- SCAN SUMMARY ---\nInfected files: 1\n", "Test.Eicar.UNOFFICIAL"),
        ("infected with something\nmore\n", "infected with something"),
        ("", "something without a name"),
        ("\x1b[31mred\x00\udcff", "\ufffd[31mred\ufffd\ufffd"),
        ("x" * 1000, "x" * 99 + "…"),
    ],
)
def test_an_infected_file_has_the_name_that_the_first_line_gives_it(printed: str, finding: str) -> None:
    raw = printed.encode("utf-8", "surrogateescape")
    verdict = asked(f"sys.stdout.buffer.write({raw!r}); sys.exit(1)")
    assert verdict == ScanResult(scan=Scan.INFECTED, finding=finding)


@pytest.mark.parametrize(
    "code", ["sys.exit(2)", "sys.exit(127)", "print('stream: OK'); sys.exit(50)", "os.kill(os.getpid(), 9)"]
)
def test_any_other_end_is_no_verdict(code: str) -> None:
    with pytest.raises(ScannerAwayError, match="it ended with"):
        asked(code)


@pytest.mark.parametrize("command", ["/nowhere/scanner", __file__, "/"])
def test_a_program_that_is_not_there_or_is_none_is_no_verdict(command: str) -> None:
    with pytest.raises(ScannerAwayError, match="cannot be run"):
        Scanner(command=(command,), timeout=5).scan(b"content", 60)


@pytest.mark.parametrize(
    "code",
    [
        "time.sleep(60)",
        "while True: sys.stdout.write('x' * 10_000)",
        "os.close(1); time.sleep(60)",
        "subprocess.Popen(['sleep', '60'])",  # the child keeps our end open after the program's own end
    ],
)
def test_whatever_does_not_end_is_ended_in_time(code: str) -> None:
    began = time.monotonic()
    with pytest.raises(ScannerAwayError, match="no verdict within 1 s"):
        program(code, timeout=1).scan(b"content", 60)
    assert time.monotonic() - began < 10


def test_who_has_no_time_left_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises(ScannerAwayError, match="all the time"):
        program(f"open({str(tmp_path / 'asked')!r}, 'w')").scan(b"content", 0)
    assert not (tmp_path / "asked").exists()


def test_a_verdict_before_the_end_of_the_content_counts() -> None:
    assert program("sys.exit(1)").scan(bytes(5 << 20), 60).scan is Scan.INFECTED


def test_many_words_are_read_to_their_end_and_not_kept() -> None:
    assert asked("sys.stdout.write('x: Worm FOUND\\n' + 'x' * 5_000_000); sys.exit(1)").finding == "Worm"


def test_the_program_is_given_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")
    assert asked("sys.exit('canary' in os.environ.values())").scan is Scan.CLEAN


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    words = (f"; touch {tmp_path / 'x'}", "$(touch y)")
    command = (sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(1)", *words)
    assert Scanner(command=command, timeout=5).scan(b"", 60).finding.startswith("['; touch ")
    assert list(tmp_path.iterdir()) == []
