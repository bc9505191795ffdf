"""`make corpora`: its figures, on a folder made here."""

import json
from pathlib import Path

import pytest

from tests.corpora import main
from tests.corpora_marks import MARKS

REPLY = b"""From: jane@client.example
Subject: Re: Hi

Yes, all of it.

On 2 Nov 2026 at 10:00 a@x.example wrote:
> No?
"""
EXPECTED: dict[str, dict[str, object]] = {
    "reply": {"reply": "Yes, all of it."},
    "parse": {"subject": "Re: Hi", "from_address": "Jane@client.example", "attachment_count": 0},
    "auto": {"auto": False},
    "bounce": {"bounce": False},
    "thread": {"message_id": "", "references": []},
}


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    (tmp_path / "ours/msgs").mkdir(parents=True)
    (tmp_path / "ours/msgs/reply.eml").write_bytes(b"\n" + REPLY)
    expect(tmp_path, EXPECTED)
    return tmp_path


def expect(corpora: Path, expected: dict[str, dict[str, object]], **more: object) -> None:
    records = [{"file": "ours/msgs/reply.eml", "task": task, "expect": each, **more} for task, each in expected.items()]
    (corpora / "ours/expected.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")


def figures(corpora: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    main([str(corpora)])
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.endswith("1")]
    return {f"{task} {' '.join(name)}": rate for task, *name, rate, _, _ in rows}


def test_what_is_as_expected_passes(corpora: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = figures(corpora, capsys)
    passed = {found["bounce others right" if task == "bounce" else f"{task} pass"] for task in MARKS}
    assert passed == {"100.0"}
    assert (found["reply quote leaked"], found["reply content lost"]) == ("0.0", "0.0")


def test_what_is_not_as_expected_fails_and_is_written_down(corpora: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong: dict[str, dict[str, object]] = {
        "reply": {"reply": "Yes"},
        "parse": {"subject": "Hi"},
        "auto": {"auto": True},
        "bounce": {"bounce": True, "recipients": ["a@x.example"]},
        "thread": {"references": ["a@x.example"]},
    }
    expect(corpora, wrong)
    failures = corpora / "failures.jsonl"
    main([str(corpora), "--failures", str(failures)])
    assert "reply   quote leaked               100.0 %" in capsys.readouterr().out
    assert [json.loads(line)["task"] for line in failures.read_text().splitlines()] == list(wrong)


def test_matters_of_taste_are_left_out_unless_asked_for(corpora: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (corpora / "ours/expected.jsonl").open("a") as file:
        taste = {"file": "ours/msgs/reply.eml", "task": "auto", "expect": {"auto": True}, "contested": "who knows"}
        file.write(json.dumps(taste) + "\n")
    assert figures(corpora, capsys)["auto pass"] == "100.0"
    main([str(corpora), "--contested"])
    assert "auto    pass                        50.0 %      2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [("{", "no JSON"), ("[]", "has no expect"), ('{"task": "guess", "expect": {}}', "task that is none of")],
)
def test_a_folder_of_another_form_is_refused(corpora: Path, line: str, said: str) -> None:
    (corpora / "ours/expected.jsonl").write_text(line)
    with pytest.raises(SystemExit, match=said):
        main([str(corpora)])


def test_a_missing_folder_or_file_is_refused(corpora: Path) -> None:
    with pytest.raises(SystemExit, match="is no folder"):
        main([str(corpora / "none")])
    with pytest.raises(SystemExit, match=r"has no SOURCE/expected\.jsonl"):
        main([str(corpora / "ours")])
    (corpora / "ours/msgs/reply.eml").unlink()
    with pytest.raises(SystemExit, match="names a file that is not there"):
        main([str(corpora)])
