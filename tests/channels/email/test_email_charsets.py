import pytest

from channels.email import decode, headers, mime
from channels.email.body import Body
from tests.channels.email.mail_samples import mail, message

UNKNOWN = "character set that is not known"
# Label, the bytes that came under it, and what they say.
LABELS = [
    ("utf-8", "Grüße €".encode(), "Grüße €"),
    ("UTF8", "Grüße".encode(), "Grüße"),
    ('"utf-8"', "Grüße".encode(), "Grüße"),
    ("utf-8-sig", b"\xef\xbb\xbfHello", "Hello"),
    ("utf8mb4", "😀".encode(), "😀"),
    ("", "Grüße".encode(), "Grüße"),
    ("", b"Gr\xfc\xdfe", "Grüße"),
    ("us-ascii", b"Gr\xfc\xdfe \x80", "Grüße €"),
    ("us-ascii", "Grüße".encode(), "Grüße"),
    ("iso-8859-1", b"Gr\xfc\xdfe \x93a\x94", "Grüße “a”"),
    ("iso-8859-1", "Grüße €".encode(), "Grüße €"),
    ("windows-1252", "Grüße".encode(), "Grüße"),
    ("utf-8", b"Gr\xfc\xdfe", "Grüße"),
    ("latin1", b"Gr\xfc\xdfe", "Grüße"),
    ("iso-8859-15", b"\xa4", "€"),
    ("iso-8859-2", b"\xb1\xea", "ąę"),
    ("windows-1250", b"\xb9\xea", "ąę"),
    ("iso-8859-9", b"\xfd\xfe", "ış"),
    ("windows-1251", "Привет".encode("cp1251"), "Привет"),
    ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
    ("iso-8859-5", "Привет".encode("iso-8859-5"), "Привет"),
    ("iso-8859-7", "Γειά".encode("iso-8859-7"), "Γειά"),
    ("iso-8859-8-i", "שלום".encode("iso-8859-8"), "שלום"),
    ("windows-1256", "سلام".encode("cp1256"), "سلام"),
    ("gb2312", "中文 镕".encode("gbk"), "中文 镕"),
    ("gbk", "中文".encode("gbk"), "中文"),
    ("gb18030", "中文 𠀀".encode("gb18030"), "中文 𠀀"),
    ("big5", "中文".encode("big5"), "中文"),
    ("iso-2022-jp", "日本語".encode("iso-2022-jp"), "日本語"),
    ("", "日本語".encode("iso-2022-jp"), "日本語"),
    ("shift_jis", "日本①".encode("cp932"), "日本①"),
    ("euc-jp", "日本語".encode("euc-jp"), "日本語"),
    ("ks_c_5601-1987", "한국 똠".encode("cp949"), "한국 똠"),
    ("euc-kr", "한국".encode("euc-kr"), "한국"),
    ("tis-620", "ไทย".encode("cp874"), "ไทย"),
    ("utf-7", b"+ADw-script+AD4-", "<script>"),
    ("unicode-1-1-utf-7", b"+AOk-", "é"),
    ("utf-16le", "Grüße".encode("utf-16le"), "Grüße"),
    ("unknown-8bit", b"Gr\xfc\xdfe", "Grüße"),
    ("macintosh", b"Gr\x9f\xa7e", "Grüße"),
    ("gb2312", "中文字符很多".encode("gbk") + b"\xff", "中文字符很多\N{REPLACEMENT CHARACTER}"),
]


@pytest.mark.parametrize(("label", "data", "text"), LABELS)
def test_text_is_read_as_it_was_meant_under_its_label(label: str, data: bytes, text: str) -> None:
    declared = f"text/plain; charset={label}" if label else "text/plain"
    assert Body(mime.read(mail("", Content_Type=declared) + data)).text() == text


@pytest.mark.parametrize("label", ["nonsense", "x-user-defined", "zlib", "rot13", "punycode", "utf-9", "a" * 100])
def test_a_charset_nobody_knows_is_guessed_and_said(label: str) -> None:
    read = Body(mime.read(mail("", Content_Type=f"text/plain; charset={label}") + b"caf\xe9")).text()
    assert read.startswith("café\n")
    assert UNKNOWN in read
    assert Body(mime.read(mail("plain", Content_Type=f"text/plain; charset={label}"))).text() == "plain"


def test_a_subject_without_encoding_is_in_the_charset_of_the_text() -> None:
    raw = mail(Content_Type="text/plain; charset=koi8-r", Subject="@@").replace(b"@@", "Привет".encode("koi8-r"))
    assert message(raw).subject == "Привет"
    assert message(mail(Content_Type="text/plain; charset=koi8-r", Subject="Привет")).subject == "Привет"


def test_a_name_in_bare_iso_2022_jp_is_read() -> None:
    raw = mail(From="@@ <y@client.example>").replace(b"@@", "山田".encode("iso-2022-jp"))
    assert message(raw).sender_name == "山田"


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        ("attachment; filename*=utf-8''%E2%82%AC.pdf", "€.pdf"),
        ("attachment; filename*=UTF-8'en'%e2%82%ac.pdf", "€.pdf"),
        ("attachment; filename*=\"utf-8''%E2%82%AC.pdf\"", "€.pdf"),
        ("attachment; filename*=%E2%82%AC.pdf", "€.pdf"),
        ("attachment; filename*0*=utf-8''%E2%82; filename*1*=%AC.pdf", "€.pdf"),
        ("attachment; filename*1=b.pdf; filename*0=a", "ab.pdf"),
        ("attachment; filename*0*=utf-8''%E2%82%AC; filename*1=.pdf", "€.pdf"),
        ('attachment; filename="=?utf-8?Q?=E2=82=AC.pdf?="', "€.pdf"),
        ("attachment; filename==?utf-8?B?4oKsLnBkZg==?=", "€.pdf"),
        ('attachment; filename="=?utf-8?Q?=E2=82?= =?utf-8?Q?=AC.pdf?="', "€.pdf"),
        ("attachment; filename*0*=utf-8''%E2%82%AC; filename*1*=.pdf; filename=x.pdf", "€.pdf"),
        ("attachment; filename=\"x.pdf\"; filename*=utf-8''%E2%82%AC.pdf", "€.pdf"),
        ("attachment; filename=€ 7.pdf", "€ 7.pdf"),
        ("attachment; filename=my file.pdf", "my file.pdf"),
        ('attachment; filename="a;b.pdf"', "a;b.pdf"),
        ('attachment; filename="a \\"b\\".pdf"', 'a "b".pdf'),
        ('attachment; FileName = "a.pdf"', "a.pdf"),
        ("attachment; filename='a.pdf'", "'a.pdf'"),
        ('attachment; name="a.pdf"', "a.pdf"),
        ("attachment; filename*=utf-8''C%3A%5CUsers%5CJane%5Ca.pdf", "a.pdf"),
        ('attachment; filename="a \\"quoted\\" \\n.pdf"', 'a "quoted" n.pdf'),
        ("attachment; filename=2026/11.pdf", "2026_11.pdf"),
        ('attachment; filename="../../a.pdf"', "a.pdf"),
        ("attachment; filename*=x-none''caf%E9.pdf", "café.pdf"),
        ("attachment; filename*=utf-8''caf%E9.pdf", "café.pdf"),
        ('attachment; filename=""', "application-1.pdf"),
        ("attachment", "application-1.pdf"),
    ],
)
def test_a_file_name_is_read_however_it_is_broken(declared: str, name: str) -> None:
    raw = mail("%PDF", Content_Type="application/pdf", Content_Disposition=declared)
    assert [each.name for each in message(raw).attachments] == [name]


@pytest.mark.parametrize("declared", ['application/pdf; name="a.pdf"', "application/pdf; file=a.pdf"])
def test_a_file_name_may_stand_with_the_type(declared: str) -> None:
    assert [each.name for each in message(mail("%PDF", Content_Type=declared)).attachments] == ["a.pdf"]


def test_files_in_the_midst_of_a_text_are_files() -> None:
    found = message(mail("See this.\n\nbegin 644 a b.txt\n#86)C\n`\nend\n\nJane\n\nbegin 644 open.txt\n#86)C\n"))
    assert [(each.name, each.content_type, each.content()) for each in found.attachments] == [
        ("a b.txt", "text/plain", b"abc")
    ]
    assert found.body == "See this.\n\n\nJane\n\nbegin 644 open.txt\n#86)C"


def test_a_signature_is_no_file_and_a_named_one_is() -> None:
    part = "--b\nContent-Type: {}\n\nx\n"
    pieces = ("text/plain", "application/pgp-signature", 'application/pkcs7-signature; name="smime.p7s"')
    raw = mail("".join(part.format(each) for each in pieces) + "--b--", Content_Type="multipart/mixed; boundary=b")
    assert [each.name for each in message(raw).attachments] == ["smime.p7s"]


def test_white_space_above_the_headers_is_none_of_them() -> None:
    assert message(b"    \r\n" + mail(Subject="Hi")).subject == "Hi"
    assert headers.read(b"\r\nSubject: x\r\n")[0].values == {}


def test_no_label_takes_longer_than_another() -> None:
    assert decode.text(b"a" * 200_000, "punycode") == "a" * 200_000
