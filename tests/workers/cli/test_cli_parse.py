"""`frontdesk parse email`, as a process without any setting."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.channels.email.mail_samples import MAILS, mail

KEYS = {
    "subject",
    "from_address",
    "reply_text",
    "text",
    "attachments",
    "auto_generated",
    "bounce",
    "message_id",
    "in_reply_to",
    "references",
}


def parsed(*words: object, typed: bytes = b"", folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "workers", "parse", "email", *map(str, words)]
    bare = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, env=bare, cwd=folder, input=typed, capture_output=True, check=False, timeout=60)


def objects(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def test_each_mail_is_one_line_with_what_it_says_and_why(tmp_path: Path) -> None:
    done = parsed(MAILS / "gmail_reply.eml", MAILS / "bounce.eml", MAILS / "vacation.eml", folder=tmp_path)
    reply, bounce, vacation = objects(done)
    assert (done.returncode, done.stderr) == (0, b"")
    assert set(reply) > KEYS
    assert (reply["reply_text"], reply["subject"]) == ("Thank you, that’s right now.", "Re: [#42] The invoice")  # noqa: RUF001 (as in the mail)
    assert reply["cut_by"]
    assert "we have mended the invoice" in reply["text"]
    assert (reply["bounce"], reply["auto_generated"], reply["automatic_by"]) == (None, False, "")
    assert bounce["bounce"] == {"recipient": "jane@client.example", "status": "5.1.1"}
    assert bounce["bounce_by"]
    assert (vacation["auto_generated"], vacation["automatic"], vacation["automatic_by"]) == (
        True,
        "answer",
        "auto_replied",
    )


def test_files_have_names_and_sizes_and_references_are_whole(tmp_path: Path) -> None:
    found, reply = objects(parsed(MAILS / "attachments.eml", MAILS / "gmail_reply.eml", folder=tmp_path))
    assert {"name": "Rechnung Nº 7.pdf", "size": 9} in found["attachments"]
    assert reply["message_id"] == "reply-2@client.example"
    assert reply["references"] == ["plain-1@client.example", reply["in_reply_to"]]


def test_a_mail_on_standard_input(tmp_path: Path) -> None:
    (found,) = objects(parsed("-", typed=mail("Größe", Reply_To="x@y.example"), folder=tmp_path))
    assert (found["file"], found["text"], found["reply_to"]) == ("-", "Größe", "x@y.example")


def test_what_would_be_set_aside_says_why(tmp_path: Path) -> None:
    (found,) = objects(parsed("-", typed=mail(From="a@x.example, b@x.example"), folder=tmp_path))
    assert found["set_aside"] == "From does not name exactly one mailbox"
    assert found["text"] == "Hello."
    (found,) = objects(parsed("-", typed=b"X: y\r\n" * 600 + mail(), folder=tmp_path))
    assert "over its limit" in found["set_aside"]


def test_files_that_cannot_be_read_are_told_and_the_others_done(tmp_path: Path) -> None:
    large = tmp_path / "large.eml"
    with large.open("wb") as file:
        file.truncate((35 << 20) + 1)
    done = parsed("none.eml", tmp_path, large, MAILS / "plain.eml", folder=tmp_path)
    assert done.returncode == 1
    assert [found["from_address"] for found in objects(done)] == ["jane@client.example"]
    told = done.stderr.decode().splitlines()
    assert told[0] == "frontdesk: none.eml: No such file or directory"
    assert "Is a directory" in told[1]
    assert "35 MiB" in told[2]


def test_the_server_believed_is_the_settings_or_the_one_named(tmp_path: Path) -> None:
    payload = b"Authentication-Results: mx.desk.example; dmarc=fail\r\n" + mail()
    said = [
        objects(parsed("-", typed=payload, folder=tmp_path))[0]["authenticated"],
        objects(parsed("-", typed=payload, folder=tmp_path, TRUSTED_AUTHSERV_ID="mx.desk.example"))[0]["authenticated"],
        objects(parsed("-", "--trusted", "mx.desk.example", typed=payload, folder=tmp_path))[0]["authenticated"],
    ]
    assert said == ["", "fail", "fail"]
    assert parsed("-", "--trusted", "a;b", folder=tmp_path).returncode == 2


def test_for_people_there_is_a_value_a_line(tmp_path: Path) -> None:
    done = parsed("--pretty", MAILS / "plain.eml", folder=tmp_path)
    assert '\n  "from_address": "jane@client.example",\n' in done.stdout.decode()
