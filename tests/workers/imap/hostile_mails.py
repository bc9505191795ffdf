"""Two hundred mails, every fourth of which no parser can make a message of."""

from collections.abc import Callable

# All of these end as `failed`: From does not name exactly one mailbox, or the headers are over a limit.
_HOSTILE: tuple[Callable[[int], str], ...] = (
    lambda n: f"Subject: nobody wrote {n}\r\n",
    lambda n: f"From: a{n}@client.example\r\nFrom: b{n}@client.example\r\n",
    lambda n: f"From: a{n}@client.example, b{n}@client.example\r\n",
    lambda n: f"From: group {n}: a@client.example;\r\n",
    lambda n: f"From: <<<{n}>>>\r\n",
    lambda n: f"From: a{n}@client.example\r\nX-Long: {'x' * 70_000}\r\n",
    lambda n: f"From: a{n}@client.example\r\n" + "X-Many: y\r\n" * 600,
    lambda n: f"From: {'(' * 4_000}{n}\r\n",
    lambda n: f"From: =?utf-8?q?{'=00' * 50}?= {n}\r\n",
)


def mails(count: int = 200) -> list[bytes]:
    """Return so many mails, a quarter of them hostile."""
    return [(_hostile(number) if number % 4 == 3 else _good(number)).encode() for number in range(count)]


def _good(number: int) -> str:
    head = f"From: Client {number % 10} <client{number % 10}@client.example>\r\nTo: support@desk.example\r\n"
    return f"{head}Subject: Mail {number}\r\nMessage-ID: <{number}@client.example>\r\n\r\nBody {number}.\r\n"


def _hostile(number: int) -> str:
    head = _HOSTILE[number // 4 % len(_HOSTILE)](number)
    return f"{head}Message-ID: <{number}@hostile.example>\r\n\r\nHostile {number}.\r\n"
