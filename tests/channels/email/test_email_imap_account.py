"""Settings of mailboxes: what is taken, what is refused at the start, and that no secret shows."""

import pytest

from channels.email.imap_account import Account, Security, Then, accounts_from

PASSWORD = "canary-of-the-mailbox"
URL = "imaps://support%40desk.example@imap.example.com"


def account(url: str = URL, **more: str) -> Account:
    secret = {} if "IMAP_SUPPORT_OAUTH" in more else {"IMAP_SUPPORT_PASSWORD": PASSWORD}
    (found,) = accounts_from({"IMAP_MAILBOXES": "support", "IMAP_SUPPORT_URL": url, **secret, **more})
    return found


def refused(sentence: str, url: str = URL, **more: str) -> None:
    with pytest.raises(ValueError, match=sentence) as raised:
        account(url, **more)
    assert "canary" not in str(raised.value)


def test_without_names_there_are_no_mailboxes() -> None:
    assert accounts_from({}) == ()


def test_several_mailboxes_each_have_their_own_settings() -> None:
    found = accounts_from(
        {
            "IMAP_MAILBOXES": "support, Billing",
            "IMAP_SUPPORT_URL": URL,
            "IMAP_SUPPORT_PASSWORD": PASSWORD,
            "IMAP_BILLING_URL": "imap://desk@mail.example.com:1143/Billing%20Desk?address=Billing%2Bx%40Desk.example",
            "IMAP_BILLING_PASSWORD": "other canary",
        }
    )
    assert [(each.name, each.host, each.port, each.folder, each.address) for each in found] == [
        ("support", "imap.example.com", 993, "INBOX", "support@desk.example"),
        ("billing", "mail.example.com", 1143, "Billing Desk", "billing@desk.example"),
    ]
    assert [each.security for each in found] == [Security.TLS, Security.STARTTLS]
    assert "canary" not in f"{found!r} {[str(each) for each in found]}"


@pytest.mark.parametrize(
    ("query", "security"),
    [("", "STARTTLS"), ("?starttls=required", "STARTTLS"), ("?tls=insecure-plain-text", "PLAIN_TEXT")],
)
def test_only_words_that_say_so_give_up_encryption(query: str, security: str) -> None:
    assert account(f"imap://support%40desk.example@h/INBOX{query}").security is Security[security]


@pytest.mark.parametrize(
    "query", ["?starttls=off", "?tls=off", "?tls=plain", "?starttls=required&tls=insecure-plain-text"]
)
@pytest.mark.parametrize("scheme", ["imap", "imaps"])
def test_words_that_nearly_say_so_are_refused(scheme: str, query: str) -> None:
    refused("IMAP_SUPPORT_URL is imaps://", f"{scheme}://support%40desk.example@h/INBOX{query}")


@pytest.mark.parametrize("query", ["then=move:Archive%2F2026", "then=flag:$Frontdesk", r"then=flag:\Flagged"])
def test_what_happens_to_stored_mails_is_read(query: str) -> None:
    wanted = {"move_to": "Archive/2026"} if "move" in query else {"flag": query.partition(":")[2]}
    assert account(f"{URL}/INBOX?{query}").then == Then(**wanted)


@pytest.mark.parametrize(
    "query",
    [
        "then=delete",
        "then=move:",
        r"then=flag:\Seen",
        r"then=flag:\Deleted",
        "then=flag:a%20b",
        "then=flag:)",
        "what=x",
    ],
)
def test_what_else_might_happen_to_them_is_refused(query: str) -> None:
    refused("IMAP_SUPPORT_URL", f"{URL}/INBOX?{query}")


@pytest.mark.parametrize(
    "url",
    [
        f"{URL}/IN%0D%0AA1%20DELETE%20INBOX",
        f"{URL}/INBOX\r\nx",
        f"{URL}/INBOX?then=move:a%0Ab",
        f"{URL}/INBOX?then=flag:a%00b",
        f"{URL}/a%C2%85b",
        "imaps://a%0Db%40desk.example@imap.example.com",
    ],
)
def test_control_characters_never_get_into_a_command(url: str) -> None:
    refused("IMAP_SUPPORT_URL", url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "imap.example.com",
        "https://a%40b.c@h",
        "imaps://h/INBOX",
        "imaps://a%40b.c@/x",
        "imaps://a%40b.c@h:x",
        "://",
    ],
)
def test_what_is_no_address_of_a_mailbox_is_refused(url: str) -> None:
    refused("IMAP_SUPPORT_URL", url)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    refused("must not hold the password", "imaps://support%40desk.example:canary@imap.example.com/INBOX")


def test_a_user_that_is_no_address_needs_one() -> None:
    refused("address=", "imaps://desk@imap.example.com/INBOX")


@pytest.mark.parametrize("more", [{"IMAP_SUPPORT_PASSWORD": ""}, {"IMAP_SUPPORT_PASSWORD": "canary\r\nA1 LOGOUT"}])
def test_a_password_that_is_missing_or_no_password_is_refused(more: dict[str, str]) -> None:
    refused("IMAP_SUPPORT_PASSWORD", **more)


@pytest.mark.parametrize("name", ["1st", "a-b", "päckchen", "x" * 31])
def test_a_name_that_no_variable_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="IMAP_MAILBOXES"):
        accounts_from({"IMAP_MAILBOXES": name})


def test_one_folder_under_two_names_is_refused() -> None:
    environment = {f"IMAP_{name}_{word}": value for name in "AB" for word, value in (("URL", URL), ("PASSWORD", "x"))}
    with pytest.raises(ValueError, match="twice"):
        accounts_from({"IMAP_MAILBOXES": "a b", **environment})


OAUTH = {
    "IMAP_SUPPORT_OAUTH": "microsoft",
    "IMAP_SUPPORT_CLIENT_ID": "client",
    "IMAP_SUPPORT_CLIENT_SECRET": "canary-secret",
    "IMAP_SUPPORT_REFRESH_TOKEN": "canary-token",
}


def test_oauth_settings_are_read_and_show_no_secret() -> None:
    found = account(**OAUTH, IMAP_SUPPORT_TENANT="desk.example/../x")
    assert found.oauth is not None
    assert found.oauth.token_url == "https://login.microsoftonline.com/desk.example%2F..%2Fx/oauth2/v2.0/token"
    assert "offline_access" in found.oauth.scope
    assert "canary" not in f"{found!r}"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"IMAP_SUPPORT_OAUTH": "yahoo"}, "IMAP_SUPPORT_OAUTH"),
        ({"IMAP_SUPPORT_CLIENT_ID": ""}, "IMAP_SUPPORT_CLIENT_ID"),
        ({"IMAP_SUPPORT_REFRESH_TOKEN": ""}, "IMAP_SUPPORT_REFRESH_TOKEN"),
        ({"IMAP_SUPPORT_TOKEN_URL": "http://login.example.com/token"}, "IMAP_SUPPORT_TOKEN_URL"),
        ({"IMAP_SUPPORT_PASSWORD": "x"}, "either IMAP_SUPPORT_PASSWORD or IMAP_SUPPORT_OAUTH"),
    ],
)
def test_oauth_settings_that_cannot_work_are_refused(changes: dict[str, str], sentence: str) -> None:
    refused(sentence, **(OAUTH | changes))
