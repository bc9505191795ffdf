"""An IMAP server over real sockets with one mailbox, which can be told to misbehave at any command."""

import base64
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

from channels.email.imap_account import Account, accounts_from

USER, PASSWORD = "support@desk.example", "canary-of-the-mailbox"

# Given a line of the client's and the conversation: true when it has answered, and nobody else need.
Misbehave = Callable[[str, "Conversation"], bool]
Act = Callable[["Conversation", str], None]


def mail(number: int, body: str = "It burns.", sender: str = "cleo@client.example", to: str = USER) -> bytes:
    head = f"From: {sender}\r\nTo: {to}\r\nSubject: Mail {number}\r\nMessage-ID: <m{number}@client.example>\r\n"
    return f"{head}\r\n{body}\r\n".encode()


@dataclass
class ImapServer:
    """What the server holds, what it was told, and how it behaves."""

    mails: dict[int, bytes] = field(default_factory=dict)
    uidvalidity: int = 7
    uid_next: int = 0
    capabilities: str = "IMAP4rev1 IDLE MOVE UIDPLUS AUTH=XOAUTH2"
    misbehave: Misbehave = lambda _line, _conversation: False
    context: ssl.SSLContext | None = None
    tls_at_once: bool = False
    tokens: set[str] = field(default_factory=set)
    port: int = 0
    said: list[str] = field(default_factory=list)
    old: set[int] = field(default_factory=set)  # arrived longer ago than any look back goes
    flags: dict[int, set[str]] = field(default_factory=dict)
    folders: dict[str, list[bytes]] = field(default_factory=lambda: {"Archive": []})
    conversations: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, uid: int, content: bytes) -> None:
        with self.changed:
            self.mails[uid] = content
            self.changed.notify_all()

    def told(self, words: str) -> int:
        """Return how many lines of clients' held these words."""
        return sum(words in line for line in self.said)

    def account(self, options: str = "", **more: str) -> Account:
        scheme, ask = ("imaps", "?") if self.tls_at_once else ("imap", "?tls=insecure-plain-text&")
        if self.context and not self.tls_at_once:
            ask = "?starttls=required&"
        url = f"{scheme}://support%40desk.example@127.0.0.1:{self.port}/INBOX{ask}{options}".rstrip("?&")
        secret = {} if "IMAP_SUPPORT_OAUTH" in more else {"IMAP_SUPPORT_PASSWORD": PASSWORD}
        (account,) = accounts_from({"IMAP_MAILBOXES": "support", "IMAP_SUPPORT_URL": url, **secret, **more})
        return account


class Conversation:
    """One connection."""

    def __init__(self, server: ImapServer, sock: socket.socket) -> None:
        self.server = server
        self._use(sock)

    def _use(self, sock: socket.socket) -> None:
        self.sock = sock
        self._lines = sock.makefile("rb")

    def encrypt(self) -> None:
        assert self.server.context is not None
        self._lines.close()
        self._use(self.server.context.wrap_socket(self.sock, server_side=True))

    def write(self, text: str | bytes) -> None:
        self.sock.sendall(text.encode() + b"\r\n" if isinstance(text, str) else text)

    def read(self) -> str:
        line = self._lines.readline()
        if not line:
            raise ConnectionResetError
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        self.server.said.append(text)
        return text

    def close(self) -> None:
        self._lines.close()
        self.sock.close()

    def hang_up(self) -> None:
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError

    def serve(self) -> None:
        if not self.server.misbehave("greeting", self):
            self.write("* OK ready")
        while True:
            line = self.read()
            if not self.server.misbehave(line, self):
                self.answer(*line.split(" ", 2))

    def answer(self, tag: str, verb: str, rest: str = "") -> None:
        if verb == "UID":
            verb, _, rest = rest.partition(" ")
        known = getattr(self, f"_on_{verb.lower()}", None)
        done = known(tag, rest) if known else f"{tag} BAD unknown"
        if done is not None:
            self.write(done or f"{tag} OK done")

    def _on_capability(self, _tag: str, _rest: str) -> str:
        self.write(f"* CAPABILITY {self.server.capabilities}")
        return ""

    def _on_noop(self, _tag: str, _rest: str) -> str:
        return ""

    def _on_starttls(self, tag: str, _rest: str) -> None:
        self.write(f"{tag} OK go on")
        self.encrypt()

    def _on_login(self, tag: str, rest: str) -> str:
        return "" if rest == f'{USER} "{PASSWORD}"' else f"{tag} NO [AUTHENTICATIONFAILED] no"

    def _on_authenticate(self, tag: str, _rest: str) -> str:
        self.write("+ ")
        _, _, token = base64.b64decode(self.read()).decode().partition("auth=Bearer ")
        if token.rstrip("\1") in self.server.tokens:
            return ""
        self.write("+ " + base64.b64encode(b'{"status":"401"}').decode())
        self.read()
        return f"{tag} NO AUTHENTICATE failed"

    def _on_select(self, _tag: str, _rest: str, mode: str = "READ-WRITE") -> str:
        server = self.server
        uid_next = server.uid_next or max(server.mails, default=0) + 1
        self.write(f"* {len(server.mails)} EXISTS\r\n* OK [UIDVALIDITY {server.uidvalidity}] valid")
        self.write(f"* OK [UIDNEXT {uid_next}] next")
        return f"{_tag} OK [{mode}] selected"

    def _on_examine(self, tag: str, rest: str) -> str:
        return self._on_select(tag, rest, "READ-ONLY")

    def _on_search(self, _tag: str, rest: str) -> str:
        uids = sorted(self.server.mails)
        first, _, last = rest.removeprefix("UID ").partition(":")
        if rest.startswith("UID "):
            low = min(int(first), uids[-1]) if last == "*" and uids else int(first)
            uids = [each for each in uids if each >= low and (last or each == low)]
        if "SINCE" in rest:
            uids = [each for each in uids if each not in self.server.old]
        if "UNKEYWORD" in rest:
            flag = rest.rpartition(" ")[2]
            uids = [each for each in uids if flag not in self.server.flags.get(each, ())]
        self.write(" ".join(("* SEARCH", *map(str, uids))))
        return ""

    def _on_fetch(self, _tag: str, rest: str) -> str:
        numbers, _, what = rest.partition(" ")
        for uid in (int(each) for each in numbers.split(",")):
            content = self.server.mails.get(uid)
            if content is not None:
                self._fetched(uid, what, content)
        return ""

    def _fetched(self, uid: int, what: str, content: bytes) -> None:
        if "RFC822.SIZE" in what:
            self.write(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(content)})")
            return
        part = content.partition(b"\r\n\r\n")[0][:65536] if "HEADER" in what else content
        name = "BODY[HEADER]<0>" if "HEADER" in what else "BODY[]"
        self.write(f"* 1 FETCH (UID {uid} {name} {{{len(part)}}}\r\n".encode() + part + b")\r\n")

    def _on_store(self, _tag: str, rest: str) -> str:
        uid, _, flags = rest.partition(" ")
        self.server.flags.setdefault(int(uid), set()).update(re.findall(r"\((.*)\)", flags)[0].split())
        return ""

    def _on_move(self, tag: str, rest: str) -> str:
        uid, _, quoted = rest.partition(" ")
        folder = quoted.strip('"')
        if folder not in self.server.folders:
            return f"{tag} NO [TRYCREATE] no such folder"
        self.server.folders[folder].append(self.server.mails.pop(int(uid)))
        return ""

    def _on_idle(self, tag: str, _rest: str) -> str:
        self.write("+ idling")
        known = set(self.server.mails)
        self.sock.settimeout(0.02)
        while not (said := self._six_bytes()):
            if set(self.server.mails) != known:
                known = set(self.server.mails)
                self.write(f"* {len(known)} EXISTS")
        self.sock.settimeout(None)
        self.server.said.append(said)
        return f"{tag} OK idled"

    def _six_bytes(self) -> str:
        """Return `DONE` and its line end once they are there: past the buffer, so that waiting can end."""
        try:
            said = self.sock.recv(6)
        except TimeoutError:
            return ""
        if not said:
            raise ConnectionResetError
        return said.decode().strip()


@contextmanager
def imap_server(server: ImapServer) -> Iterator[ImapServer]:
    """Listen until the context ends."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            server.conversations += 1
            with suppress(OSError, ValueError):
                sock = self.request
                if server.tls_at_once and server.context:
                    sock = server.context.wrap_socket(sock, server_side=True)
                with closing(Conversation(server, sock)) as conversation:
                    conversation.serve()

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        allow_reuse_address = True

    with Listener(("127.0.0.1", server.port), Handler) as listener:
        server.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def always(words: str, act: Act) -> Misbehave:
    """Misbehave at every line that holds these words; `act` gets the conversation and the line's tag."""

    def misbehave(line: str, conversation: Conversation) -> bool:
        if words in line:
            act(conversation, line.partition(" ")[0])
        return words in line

    return misbehave


def once(words: str, *acts: Act) -> Misbehave:
    """Misbehave at the first lines that hold these words, once by each act in turn, and be good after it."""
    left = list(acts)

    def misbehave(line: str, conversation: Conversation) -> bool:
        if words not in line or not left:
            return False
        left.pop(0)(conversation, line.partition(" ")[0])
        return True

    return misbehave
