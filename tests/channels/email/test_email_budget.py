"""However many texts a mail has, they are read within one budget; what is beyond it comes as files."""

import base64
import subprocess
import sys
import time
from pathlib import Path

import pytest

from channels.email.original import as_text
from channels.email.parse import parse
from channels.email.readable import MAX_LINES
from tests.channels.email.mail_samples import arrived, mail, message

MEBIBYTE = 1024 * 1024
NOTE = "[Parts of this mail were over a limit and are attached unread.]"
MEASURED = """
import sys
from pathlib import Path
from channels.email.original import as_text
from channels.email.parse import parse
from tests.channels.email.mail_samples import arrived

def peak():
    line, = (each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) // 1024

payload = Path(sys.argv[1]).read_bytes()
before = peak()
parse(arrived(payload))
as_text(payload)
print(peak() - before)
"""
TEXTS = {
    "lines": ("text/plain", "ab\n"),
    "emoji": ("text/plain; charset=utf-8", "\N{GRINNING FACE}\n"),
    "flowed": ("text/plain; format=flowed", "a \n"),
    "deep": ("text/plain; format=flowed", ">>>>>>>>>>>>>>>\n>\n"),
    "uuencoded": ("text/plain", "begin 644 a\n"),
    "paragraphs": ("text/html", "<p>ab"),
    "cells": ("text/html", "<td>ab"),
    "links": ("text/html", "<a href="),
    "comments": ("text/html", "<!--"),
    "preformatted": ("text/html", "<pre>" + "ab\n" * 300_000),
}


def mixed(*parts: tuple[str, str], encoding: str = "base64") -> bytes:
    return mail("", Content_Type="multipart/mixed; boundary=b") + b"".join(_part(*each, encoding) for each in parts)


def _part(kind: str, text: str, encoding: str) -> bytes:
    head = f"--b\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    return head + (base64.encodebytes(text.encode()) if encoding == "base64" else text.encode()) + b"\r\n"


def bomb(name: str) -> bytes:
    kind, piece = TEXTS[name]
    part = (kind, piece * (MEBIBYTE // len(piece.encode())))
    return mixed(*[part] * 25, encoding="8bit" if name == "uuencoded" else "base64")


@pytest.mark.parametrize("name", TEXTS)
def test_25_texts_of_a_mebibyte_are_read_within_a_second(name: str) -> None:
    event = arrived(bomb(name))
    began = time.process_time()
    parse(event)
    assert time.process_time() - began < 1
    began = time.process_time()
    as_text(event.payload)
    assert time.process_time() - began < 1


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process stands in /proc")
@pytest.mark.parametrize("name", ["lines", "emoji", "flowed", "cells", "preformatted"])
def test_25_texts_of_a_mebibyte_add_little_to_a_process(name: str, tmp_path: Path) -> None:
    (tmp_path / "mail").write_bytes(bomb(name))
    child = [sys.executable, "-c", MEASURED, str(tmp_path / "mail")]
    assert int(subprocess.run(child, capture_output=True, check=True, text=True).stdout) < 40


def test_texts_over_the_budget_are_files_and_a_note_says_so() -> None:
    found = message(mixed(("text/plain", "first"), ("text/plain", "ab\n" * MAX_LINES), ("text/html", "<p>last")))
    assert found.body.startswith("first\n\nab\n")
    assert found.body.endswith(NOTE)
    assert [file.name for file in found.attachments] == ["text-1.txt", "text-2.html"]
    assert found.attachments[1].content() == b"<p>last"


def test_a_mail_of_one_long_text_brings_it_as_a_file() -> None:
    found = message(mail("line\r\n" * (MAX_LINES + 1)))
    assert found.body.endswith(NOTE)
    assert found.attachments[0].content().count(b"line") == MAX_LINES + 1


def test_as_many_lines_as_are_read_bring_no_file() -> None:
    found = message(mail("line\n" * (MAX_LINES - 1) + "end"))
    assert found.body.endswith("line\nend")
    assert found.attachments == ()


def test_the_original_says_where_it_ends() -> None:
    shown = as_text(mixed(("text/plain", "ab\n" * MAX_LINES), ("text/plain", "last")))
    assert shown.count("ab\n") == MAX_LINES
    assert shown.count("over a limit") == 2


def test_a_file_without_end_in_a_text_is_given_up_within_a_second() -> None:
    event = arrived(mail("begin 644 a\n" + "#ABCD\n" * 5_000_000))
    began = time.process_time()
    parse(event)
    assert time.process_time() - began < 1
