"""Real mail servers on loopback ports: Dovecot where it is installed, and pymap."""

import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from imapclient import IMAPClient

from channels.email.imap_account import Account, accounts_from
from sandbox.client import wait_for
from tests.channels.email.certificates import trusting
from workers.local.account import unprivileged
from workers.local.processes import answers, free_port

PASSWORD = "canary-of-the-mail-server"

_DOVECOT = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A running server: with TLS from the first byte (Dovecot), or by STARTTLS (pymap)."""

    missing: ClassVar[str] = "" if _DOVECOT else "Dovecot is not installed: apt-get install dovecot-imapd"

    port: int
    pem: Path
    scheme: str
    user: str
    keeps_flags: bool

    def settings(self, options: str = "", user: str = "") -> dict[str, str]:
        """Return the settings of a mailbox on this server."""
        address = (user or self.user).replace("@", "%40")
        return {
            "IMAP_MAILBOXES": "support",
            "IMAP_SUPPORT_URL": f"{self.scheme}://{address}@127.0.0.1:{self.port}/INBOX?{options}".rstrip("?"),
            "IMAP_SUPPORT_PASSWORD": PASSWORD,
            "SSL_CERT_FILE": str(self.pem),
        }

    def account(self, options: str = "", user: str = "") -> Account:
        (account,) = accounts_from(self.settings(options, user))
        return replace(account, context=trusting(self.pem))

    @contextmanager
    def client(self, user: str = "") -> Iterator[Any]:
        """Be a person's mail program."""
        with IMAPClient("127.0.0.1", self.port, ssl=self.scheme == "imaps", ssl_context=trusting(self.pem)) as client:
            if self.scheme == "imap":
                client.starttls(trusting(self.pem))
            client.login(user or self.user, PASSWORD)
            yield client

    def put(self, mails: Sequence[bytes], user: str = "") -> None:
        with self.client(user) as client:
            for content in mails:
                client.append("INBOX", content)

    def somebody(self) -> str:
        """Return a user with an empty mailbox; pymap has one user, whose mailbox is emptied."""
        if self.keeps_flags:
            return f"{uuid.uuid4().hex}@desk.example"
        with self.client() as client:
            client.select_folder("INBOX")
            if found := client.search("ALL"):
                client.delete_messages(found)
                client.expunge()
        return self.user


_CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
last_valid_uid = 0
first_valid_gid = 0
mail_location = maildir:~/Maildir
mail_fsync = never
mail_max_userip_connections = 100
ssl = required
ssl_cert = <{pem}
ssl_key = <{pem}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
  }}
}}
"""


@contextmanager
def dovecot(folder: Path, pem: Path) -> Iterator[MailServer]:
    """Run Dovecot as an unprivileged user, with any user's mailbox under `folder`."""
    port, who = free_port(), unprivileged()
    folder.mkdir()
    user, group = (_output("id", word, *(["nobody"] if who else [])) for word in ("-un", "-gn"))
    text = _CONFIGURATION.format(folder=folder, user=user, group=group, pem=pem, port=port, password=PASSWORD)
    (folder / "dovecot.conf").write_text(text)
    for name in ("run", "mail"):
        (folder / name).mkdir()
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, user, group)
    command = [str(_DOVECOT), "-F", "-c", str(folder / "dovecot.conf")]
    with _running(command, folder / "out", port, **who):
        yield MailServer(port=port, pem=pem, scheme="imaps", user="support@desk.example", keeps_flags=True)


@contextmanager
def pymap(folder: Path, pem: Path) -> Iterator[MailServer]:
    """Run pymap with one mailbox in memory."""
    port, user = free_port(), "support@desk.example"
    folder.mkdir()
    program = Path(sys.executable).with_name("pymap")
    words = f"--host 127.0.0.1 --port {port} --cert {pem} --key {pem} --no-service managesieve --no-service admin"
    command = [str(program), *words.split(), "dict", "--demo-user", user, "--demo-password", PASSWORD]
    with _running(command, folder / "out", port):
        yield MailServer(port=port, pem=pem, scheme="imap", user=user, keeps_flags=False)


@contextmanager
def _running(command: list[str], log: Path, port: int, **who: Any) -> Iterator[None]:  # noqa: ANN401 (of subprocess)
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, **who)
    try:
        wait_for(lambda: answers(f"tcp://127.0.0.1:{port}"), f"{command[0]} to answer", 20)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
