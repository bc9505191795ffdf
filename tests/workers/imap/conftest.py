from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.channels.email.certificates import write_certificate
from tests.channels.email.imap_talk import ImapServer, imap_server, mail
from tests.workers.imap.mail_servers import MailServer, dovecot, pymap


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # One Dovecot and one pymap a run.
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("imap"))


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with imap_server(ImapServer(mails={uid: mail(uid, f"Body {uid}.") for uid in (3, 5, 9)})) as running:
        yield running


@pytest.fixture(scope="session")
def pem(folder: Path) -> Path:
    return write_certificate(folder / "imap.pem")


@pytest.fixture(scope="session")
def dovecot_server(folder: Path, pem: Path) -> Iterator[MailServer]:
    if MailServer.missing:
        pytest.skip(MailServer.missing)
    with dovecot(folder / "dovecot", pem) as running:
        yield running


@pytest.fixture(scope="session")
def pymap_server(folder: Path, pem: Path) -> Iterator[MailServer]:
    with pymap(folder / "pymap", pem) as running:
        yield running


@pytest.fixture(params=["dovecot", "pymap"])
def mail_server(request: pytest.FixtureRequest) -> MailServer:
    running: MailServer = request.getfixturevalue(f"{request.param}_server")
    return running
