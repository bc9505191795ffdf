"""Mails made to break whoever reads them, by name."""

from tests.channels.email.mail_samples import mail


def nested(levels: int) -> bytes:
    opened = "".join(f"--b{at}\r\nContent-Type: multipart/mixed; boundary=b{at + 1}\r\n\r\n" for at in range(levels))
    first = "--b0\r\nContent-Type: text/plain\r\n\r\nFirst.\r\n"
    return mail(first + opened + f"--b{levels}\r\n\r\ndeepest", Content_Type="multipart/mixed; boundary=b0")


def parts(count: int) -> bytes:
    body = "".join(f"--b\r\nContent-Type: text/plain\r\n\r\npart {at}\r\n" for at in range(count))
    return mail(body + "--b--", Content_Type="multipart/mixed; boundary=b")


def mebibyte(line: str) -> bytes:
    return mail((line + "\n") * (1024 * 1024 // (len(line.encode()) + 1)))


def headed(head: str) -> bytes:
    return mail(f"--b\r\n{head}\r\n\r\nx\r\n" * 199, Content_Type="multipart/mixed; boundary=b")


# Lines that make an expression start over at every character, or give back what it took one character at a time.
LINES = {
    "dated_address": "1" * 333 + "<" + "@" * 660,
    "dated_addresses": "1<a@" * 240 + ":",
    "begins": "on " + "<a@" * 300,
    "verbs": "on " + "작성" * 195 + "a",
    "verbs_wrapped": "on " + "작성" * 45 + "a",
    "verbs_wrapped_colon": "on " + "wrote," * 15 + "a:",
    "verbs_short": "on " + "wrote " * 8,
    "verbs_short_colon": "on " + "wrote " * 7 + ":",
    "dashes": "-" * 990,
    "dashes_quoted": " >" * 400 + "-" * 190,
    "spaces": " " * 990 + "x",
    "label_stars": "*" * 990 + "From:",
    "label_quoted": "> " * 490 + "From:",
    "label_short": "_" * 100 + "From: a",
    "label_after": "From:" + "*" * 990,
    "above": "reply " * 165,
    "timed_without_verb": "on 10.00 " + "xwrotex " * 4 + "a\N{FULLWIDTH COLON}",
    "timed_with_far_verb": "on 10.00 " + "wrote " * 8 + "x" * 151 + ":",
}
# What makes a search for addresses or codes in a notice start over and over.
SAID = {
    "at_signs": "@" * 70_000,
    "locals": "a" * 70_000,
    "domains": "a@" + "a." * 35_000,
    "domains_dashed": "a@" + "a-" * 35_000,
    "said": "to\n" * 22_000,
    "said_spaces": ("to" + " " * 16) * 4_000,
    "codes": "550 " * 17_000,
    "enhanced": "5.1.1 " * 11_000,
    "fields": "Recipient:\n" * 7_000,
    "blocks": "Action: failed\n\n" * 4_000,
    "listed": "* <a@b.c\n" * 8_000,
    "headings": ("-" * 190 + "\n") * 350,
    "headers": "A: b\n" * 11_000 + "Received: x\n",
    "ids": ("t1." + "a" * 26 + ".") * 2_000,
}


def notice(said: str) -> bytes:
    return mail(said, From="MAILER-DAEMON@x.example", Subject="failure notice", Auto_Submitted="auto-replied")


HOSTILE = {
    **{f"line_{name}": mebibyte(line) for name, line in LINES.items()},
    "dated_address_40": mail(("1" * 333 + "<" + "@" * 660 + "\n") * 40),
    "charset_punycode_spelt": mail("a-" + "b" * 500_000, Content_Type="text/plain; charset=punycode-"),
    "headers_of_parts": headed("a:\r\n" * 12_000),
    "folds_of_parts": headed("a:" + "\r\n " * 20_000),
    "parameters_of_parts": headed("Content-Type: text/plain" + ';a="\\"' * 670),
    "html_quotes": mail("<a " + "\"'" * 500_000, Content_Type="text/html"),
    "html_attributes": mail("<a " + "href " * 200_000 + ">", Content_Type="text/html"),
    "boundary_spaces": mail(("--b" + " " * 500 + "x\n") * 2_000, Content_Type="multipart/mixed; boundary=b"),
    "reference_60k": mail(References="<" + "a" * 60_000),
    "encoded_words_open": mail(Subject="=?a?q?" * 10_000),
    "comments_60k": mail(From="(" + "a," * 30_000 + ") <a@x>"),
    "nested_5000": nested(5_000),
    "parts_50000": parts(50_000),
    "comment_bomb": mail(From="(" * 4096 + "a@x"),
    "comment_bomb_to": mail(To="(" * 4096, Cc=")" * 4096),
    "subject_224k": mail(Subject="x " * 112_000),
    "subject_60k_words": mail(Subject="=?utf-8?q?a?= " * 4_000),
    "message_id": mail(Message_ID="<@[\x00(<>\\\"'=?utf-8?>"),
    "message_id_60k": mail(Message_ID="<" + "a" * 60_000 + ">"),
    "nul": mail("a\x00b", Subject="a\x00b"),
    "surrogates": mail("\ud800\udfff".encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")),
    "references": mail(References="<a@x> " * 9_000),
    "references_open": mail(References="<" * 60_000, In_Reply_To="@" * 4_000),
    "headers_600": b"X: y\r\n" * 600 + mail(),
    "header_without_end": b"a" * 300_000,
    "empty": b"",
    "only_newlines": b"\r\n" * 100_000,
    "folds": mail(Subject="a" + "\r\n " * 20_000 + "b"),
    "charset": mail("\xff", Content_Type="text/plain; charset=zlib"),
    "charset_nul": mail("x", Content_Type='text/plain; charset="\x00\ud800"'.encode("utf-8", "replace").decode()),
    "charset_punycode": mail("a-" + "b" * 200_000, Content_Type="text/plain; charset=punycode"),
    "charset_utf7": mail("+" * 500_000, Content_Type="text/plain; charset=utf-7"),
    "base64": mail("!" * 500_000 + "=", Content_Type="text/plain", Content_Transfer_Encoding="base64"),
    "base64_junk": mail("QUJDR!*\x00\xffQ", Content_Type="text/plain", Content_Transfer_Encoding="base64"),
    "base64_odd": mail("QUJDR", Content_Type="text/plain", Content_Transfer_Encoding="base64"),
    "quoted_printable": mail("=" * 500_000, Content_Transfer_Encoding="quoted-printable"),
    "boundary_like": mail("--b-" * 250_000, Content_Type="multipart/mixed; boundary=b"),
    "boundary_empty": mail("--\r\n--\r\n", Content_Type='multipart/mixed; boundary=""'),
    "boundary_same": mail(
        "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 1_000, Content_Type="multipart/mixed; boundary=b"
    ),
    "parameters": mail(Content_Type="text/plain" + '; a*999*="' * 400),
    "parameter_quotes": mail(Content_Type='multipart/mixed; boundary="' + '\\"' * 2_000),
    "lines": mail(">" * 500_000 + "\r\n" + "> \n" * 100_000, Content_Type="text/plain; format=flowed"),
    "introduction": mail("On 1 Jan 2026 at 10:00 a@x " * 40_000),
    "labels": mail("From: a\nSent: b\n" * 50_000),
    "html_tags": mail("<a href=" * 100_000, Content_Type="text/html"),
    "digest": mail("--b\r\n\r\nFrom: x\r\n" * 300, Content_Type="multipart/digest; boundary=b"),
    "report": mail(
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n" + "\r\n" * 50_000,
        Content_Type="multipart/report; boundary=b",
    ),
    "dates": mail(Date="1" * 50_000),
    "file_name": mail("x", Content_Disposition="attachment; filename*0*=utf-8''" + "%FF" * 2_000),
    **{f"bounce_{name}": notice(said) for name, said in SAID.items()},
    "uuencoded_begins": mail("begin 644 a\n" * 40_000),
    "uuencoded_lines": mail("begin 644 a\n" + "M" + "A" * 60 + "\n" * 500_000),
    "uuencoded_open": mail("begin 644 a\n" + ("M" + "A" * 60 + "\n") * 8_000),
}
