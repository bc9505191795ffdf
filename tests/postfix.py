"""A Postfix of the tests' own, on a port of this machine: configuration, queue and mailboxes in one folder.

It keeps the mailboxes of `client.example`, and hands mail for `desk.example` and `elsewhere.example` on over SMTP to
where a test says.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.client import wait_for
from workers.local.processes import answers

WHY_NOT = "no Postfix here, or not root: mail out was not tried against a real mail server"

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mx.client.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
biff = no
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = client.example
virtual_mailbox_base = {folder}/mailboxes
virtual_mailbox_maps = inline:{{ cleo@client.example=cleo/ busy@client.example=busy/ }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/access, permit_mynetworks, reject
relay_domains = desk.example elsewhere.example
transport_maps = inline:{{ desk.example=smtp:[127.0.0.1]:{desk} elsewhere.example=smtp:[127.0.0.1]:{elsewhere} }}
smtp_host_lookup = native
smtp_tls_security_level = none
smtpd_tls_security_level = none
minimal_backoff_time = 1s
queue_run_delay = 1s
"""

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 1 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
error     unix - - n - - error
retry     unix - - n - - error
virtual   unix - n n - - virtual
local     unix - n n - - local
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postfix:
    """A running one."""

    folder: Path
    port: int

    def mails(self, mailbox: str) -> list[bytes]:
        """Return what has arrived in a mailbox of `client.example`."""
        return [file.read_bytes() for file in sorted((self.folder / "mailboxes" / mailbox / "new").glob("*"))]

    def refuse(self, recipient: str = "", answer: str = "") -> None:
        """Answer for a recipient like this from now on; without one, take everybody again."""
        (self.folder / "access").write_text(f"{recipient} {answer}\n" if recipient else "")
        postfix(self.folder, "reload")


def postfix(folder: Path, word: str) -> None:
    command = [shutil.which("postfix") or "postfix", "-c", str(folder / "config"), word]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def can_run() -> bool:
    return os.geteuid() == 0 and shutil.which("postfix") is not None


@contextmanager
def running(folder: Path, *, port: int, desk: int, elsewhere: int) -> Iterator[Postfix]:
    """Run a Postfix at `port` that finds the desk's mail server and another's at these ports."""
    owner = pwd.getpwnam("nobody")
    for name in ("config", "queue", "data", "mailboxes"):
        (folder / name).mkdir(parents=True)
    shutil.chown(folder / "data", "postfix")
    shutil.chown(folder / "mailboxes", owner.pw_uid, owner.pw_gid)
    words = {"folder": folder, "uid": owner.pw_uid, "gid": owner.pw_gid, "desk": desk, "elsewhere": elsewhere}
    (folder / "access").write_text("")
    (folder / "config" / "main.cf").write_text(MAIN.format(**words))
    (folder / "config" / "master.cf").write_text(MASTER.format(port=port))
    postfix(folder, "start")
    try:
        wait_for(lambda: answers(f"tcp://127.0.0.1:{port}"), "Postfix")
        yield Postfix(folder=folder, port=port)
    finally:
        postfix(folder, "stop")
