"""Files of answers: fetched by a provider under a signed address, and by nobody else."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import text

from channels.base import Attachment
from models.attachments import add_attachments, attachments_of
from tests.conftest import CREDENTIALS
from tests.workers.doors.open_doors import Doors, stopped
from workers.doors.files import disposition
from workers.media import media_url
from workers.runtime import build
from workers.settings import from_environment

SECRET = CREDENTIALS["SECRET_KEY"].encode()
TICKET = """
WITH department AS (INSERT INTO departments (name) VALUES (gen_random_uuid()::text) RETURNING id),
     client AS (INSERT INTO clients (name) VALUES ('Cleo') RETURNING id),
     ticket AS (
        INSERT INTO tickets (client_id, department_id, title, status, priority)
        SELECT client.id, department.id, 'Files', 'open', 'medium' FROM client, department RETURNING id, client_id
     )
INSERT INTO messages (ticket_id, user_id, client_id, body)
SELECT id, (SELECT min(id) FROM users), NULL, 'answer' FROM ticket
UNION ALL SELECT id, NULL, client_id, 'question' FROM ticket
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Files:
    """Puts files of the agent and of the client into the store and the database, and returns their ids."""

    of_agent: Callable[..., int]
    of_client: Callable[..., int]


@pytest.fixture
def files(doors: Doors) -> Iterator[Files]:
    tools = build(from_environment(doors.environment), lambda _: None)

    def put(which: int, content: bytes = b"content", kind: str = "image/png", name: str = "a.png") -> int:
        attachment = Attachment(name=name, content_type=kind, data=content)
        with tools.database.session_scope() as session:
            message = list(session.scalars(text(TICKET)))[which]
            add_attachments(session, message, [tools.store.put(attachment, content)])
            return attachments_of(session, message)[0].id

    yield Files(of_agent=partial(put, 0), of_client=partial(put, 1))
    tools.database.engine.dispose()


def address(attachment: int, secret: bytes = SECRET) -> str:
    return media_url("", secret, attachment, datetime.now(UTC) + timedelta(hours=1))


def test_an_answers_file_is_given_to_who_has_its_address(doors: Doors, files: Files) -> None:
    got = doors.get(address(files.of_agent(b"\x89PNG bytes")))
    assert (got.status_code, got.content) == (200, b"\x89PNG bytes")
    assert got.headers["content-type"] == "image/png"
    assert got.headers["content-length"] == "10"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"] == 'attachment; filename="a.png"'
    assert "no-store" in got.headers["cache-control"]
    assert "noindex" in got.headers["x-robots-tag"]


def test_the_head_of_a_file_is_that_of_its_bytes_and_nothing_else_is_done_there(doors: Doors, files: Files) -> None:
    where = address(files.of_agent(b"\x89PNG bytes"))
    head = doors.http.head(f"{doors.web}{where}")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "10")
    assert {**head.headers, "date": ""} == {**doors.get(where).headers, "date": ""}
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert doors.http.request(method, f"{doors.web}{where}").status_code == 405


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Plan für Köln.pdf", "filename=\"Plan-fur-Koln.pdf\"; filename*=UTF-8''Plan%20f%C3%BCr%20K%C3%B6ln.pdf"),
        ("quite-a-long-name.jpeg", "filename=\"quite-a-long-na.jpeg\"; filename*=UTF-8''quite-a-long-name.jpeg"),
        ("报告", "filename=\"file\"; filename*=UTF-8''%E6%8A%A5%E5%91%8A"),
        ('a"; x="b.png', "filename=\"a-x-b.png\"; filename*=UTF-8''a%22%3B%20x%3D%22b.png"),
    ],
)
def test_a_file_keeps_its_name_and_phones_get_a_plain_one(name: str, header: str) -> None:
    assert disposition(name) == f"attachment; {header}"


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "TEXT/HTML", ""])
def test_what_a_browser_could_run_is_given_as_bytes(doors: Doors, files: Files, kind: str) -> None:
    got = doors.get(address(files.of_agent(b"<script>alert(1)</script>", kind, "a.html")))
    assert (got.status_code, got.headers["x-content-type-options"]) == (200, "nosniff")
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["content-type"] == "application/octet-stream"


def test_a_type_with_line_ends_adds_no_header(doors: Doors, files: Files) -> None:
    got = doors.get(address(files.of_agent(b"content", "image/png\r\nSet-Cookie: a=b")))
    assert got.status_code == 200
    assert "set-cookie" not in got.headers


def test_a_clients_file_is_given_to_nobody(doors: Doors, files: Files) -> None:
    assert doors.get(address(files.of_client())).status_code == 404


def test_any_other_address_is_not_found(doors: Doors, files: Files) -> None:
    one, other = files.of_agent(), files.of_agent()
    _, _, _, expires, mac = address(one).split("/")
    old = f"/media/{one}/{int(time.time()) - 1}/{mac}"  # of another time than the MAC's, so a forged one
    later = f"/media/{one}/{int(expires) + 1}/{mac}"
    altered = [f"/media/{one}/{expires}/{each}" for each in (mac[:-1], mac + "A", mac.swapcase(), "0", "%C3%A9", "%00")]
    elsewhere = [
        f"/media/{other}/{expires}/{mac}",
        address(one, b"another secret"),
        f"/media/{one}",
        "/media/",
    ]
    huge = [f"/media/{one}/{'9' * 5000}/{mac}", f"/media/{'9' * 5000}/{expires}/{mac}", f"/media/-1/{expires}/{mac}"]
    traversal = [f"/media/../healthz/{expires}/{mac}", f"/media/{one}/{expires}/..%2f{mac}"]
    for path in [old, later, *altered, *elsewhere, *huge, *traversal]:
        assert doors.get(path).status_code == 404, path


def test_an_address_ends_with_its_time(doors: Doors, files: Files) -> None:
    attachment = files.of_agent()
    assert doors.get(media_url("", SECRET, attachment, datetime.now(UTC) - timedelta(seconds=2))).status_code == 410
    assert doors.get(address(attachment)).status_code == 200


def test_a_signed_address_of_no_file_is_not_found(doors: Doors) -> None:
    for attachment in (0, 10**9, 10**17, 2**63 - 1, 2**63):
        assert doors.get(address(attachment)).status_code == 404


def test_without_the_database_a_file_is_to_be_fetched_later(doors: Doors, files: Files) -> None:
    attachment = files.of_agent()
    with stopped(doors):
        assert doors.get(address(attachment)).status_code == 503
    assert doors.get(address(attachment)).status_code == 200
