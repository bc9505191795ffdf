import hashlib
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from channels.base import Attachment
from workers.store import AttachmentStore, described

CONTENT = b"\x00\x01not text\xff"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "with space & ümlaut"


@pytest.fixture
def store(folder: Path) -> AttachmentStore:
    return AttachmentStore(folder.as_uri())


def files(folder: Path) -> list[str]:
    return [str(each.relative_to(folder)) for each in sorted(folder.rglob("*")) if each.is_file()]


def test_what_was_put_comes_back_byte_for_byte(store: AttachmentStore) -> None:
    stored = store.put(Attachment(name="fire.png", content_type="image/png"), CONTENT)
    assert stored.storage_key is not None
    assert store.get(stored.storage_key) == CONTENT
    assert (stored.name, stored.content_type, stored.size, stored.sha256) == ("fire.png", "image/png", 11, DIGEST)


def test_another_process_finds_it(store: AttachmentStore, folder: Path) -> None:
    stored = store.put(Attachment(name="fire.png"), CONTENT)
    assert AttachmentStore(folder.as_uri()).get(str(stored.storage_key)) == CONTENT


def test_the_same_bytes_twice_are_one_file_under_both_names(store: AttachmentStore, folder: Path) -> None:
    one, other = store.put(Attachment(name="a.txt"), CONTENT), store.put(Attachment(name="b.txt"), CONTENT)
    assert (one.storage_key, one.name, other.name) == (other.storage_key, "a.txt", "b.txt")
    assert files(folder) == [f"{DIGEST[:2]}/{DIGEST}"]


def test_an_empty_file_is_a_file(store: AttachmentStore) -> None:
    stored = store.put(Attachment(name="empty"), b"")
    assert (stored.size, store.get(str(stored.storage_key))) == (0, b"")


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "..\\..\\x", "a\0b", "CON", ".", "..", "", "x" * 5000, "a\r\nb", "\ud800"],
)
def test_no_name_from_outside_decides_where_a_file_lies(store: AttachmentStore, folder: Path, name: str) -> None:
    stored = store.put(Attachment(name=name, content_type=name, content_id=name), CONTENT)
    assert files(folder) == [f"{DIGEST[:2]}/{DIGEST}"]
    assert 0 < len(stored.name) <= 255
    assert stored.name.isprintable()


def test_the_folder_is_closed_to_other_users(store: AttachmentStore, folder: Path) -> None:
    store.put(Attachment(name="a"), CONTENT)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_is_not_there_is_an_error_and_not_an_empty_file(store: AttachmentStore) -> None:
    with pytest.raises(FileNotFoundError):
        store.get(f"{DIGEST[:2]}/{DIGEST}")


def test_what_is_not_in_a_bucket_is_the_same_error() -> None:
    with pytest.raises(FileNotFoundError):
        AttachmentStore("memory:///").get(f"{DIGEST[:2]}/{DIGEST}")


def test_a_full_disk_leaves_no_half_of_a_file(folder: Path) -> None:
    script = (
        "import resource, signal, sys; from channels.base import Attachment; from workers.store import *\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); store = AttachmentStore(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: store.put(Attachment(name='a'), bytes(5000))\n"
        "except StoreAwayError: sys.exit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, folder.as_uri()], check=False)
    assert (done.returncode, files(folder)) == (7, [])


def test_a_key_does_not_leave_the_store(store: AttachmentStore, folder: Path) -> None:
    store.put(Attachment(name="a"), CONTENT)
    (folder.parent / "outside").write_bytes(b"not ours")
    with pytest.raises(FileNotFoundError):
        store.get("../outside")


def test_a_file_that_could_not_be_had_is_described_without_a_key() -> None:
    missing = described(Attachment(name="fire.png", content_type="image/png", url="https://files.example/1"))
    assert (missing.name, missing.storage_key, missing.size, missing.content_id) == ("fire.png", None, 0, None)


def test_another_kind_of_store_is_named_by_its_address() -> None:
    store = AttachmentStore("memory:///")
    stored = store.put(Attachment(name="a"), CONTENT)
    assert store.get(str(stored.storage_key)) == CONTENT
