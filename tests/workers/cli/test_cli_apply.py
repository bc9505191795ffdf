from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import sandbox
from models.departments import Habits, settings_of
from tests.workers.cli.conftest import Frontdesk
from workers.db import Database
from workers.migrate import migrate
from workers.settings import SettingsError

EXAMPLE = Path(str(sandbox.__file__)).with_name("desk.toml")

SUPPORT = """
[[departments]]
name = "Support"
email = "support@desk.example"
"""

Apply = Callable[[str], Result]


@pytest.fixture
def apply(frontdesk: Frontdesk, tmp_path: Path) -> Apply:
    """Return what applies a text as a desk file."""
    file = tmp_path / "desk.toml"

    def apply(desk: str) -> Result:
        file.write_text(desk, encoding="utf-8", errors="surrogateescape")
        return frontdesk("apply", file)

    return apply


def lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return str(result.stdout).splitlines()


def refusal(result: Result) -> str:
    """Return the one sentence that a person reads instead of a change."""
    assert isinstance(result.exception, SettingsError), result.exc_info
    assert result.stdout == ""
    sentence = str(result.exception)
    assert "\n" not in sentence
    return sentence


def test_the_example_desk_says_what_it_changed(frontdesk: Frontdesk) -> None:
    said = lines(frontdesk("apply", EXAMPLE))
    for line in (
        "department Support: added",
        "department Support: email support@desk.example added",
        "department Support: phone +15550100001 added",
        "department Support: slack_agents T0DESK/C0SUPPORT added",
        "department Billing: settings changed",
        "user ada@desk.example: added",
        "user ada@desk.example: slack T0DESK/U0ADA added",
        "user ben@desk.example: departments changed",
        "tag billing: added",
    ):
        assert line in said
    assert said[-1] == f"{len(said) - 1} changed"


def test_a_second_time_there_is_nothing_to_change(frontdesk: Frontdesk) -> None:
    frontdesk("apply", EXAMPLE)
    assert lines(frontdesk("apply", EXAMPLE)) == ["nothing to change"]


def test_an_empty_file_changes_nothing(apply: Apply) -> None:
    assert lines(apply("")) == ["nothing to change"]


def test_addresses_are_stored_as_channels_write_them(apply: Apply) -> None:
    said = lines(
        apply('[[departments]]\nname = "Support"\nemail = "Support@Desk.EXAMPLE"\nsms = "+1 (555) 010-0001"\n')
    )
    assert "department Support: email support@desk.example added" in said
    assert "department Support: phone +15550100001 added" in said


def test_what_changed_is_changed_and_said(apply: Apply) -> None:
    user = '[[users]]\nname = "{}"\nemail = "ada@desk.example"\ntype = "{}"\n'
    apply(SUPPORT + user.format("Ada", "agent"))
    said = lines(apply(SUPPORT + 'description = "New"\n' + user.format("Ada L.", "administrator")))
    assert said == ["department Support: description changed", "user ada@desk.example: changed", "2 changed"]


HABITS = """from_name = "Desk Ltd"
signature = "Desk Ltd\\nhttps://desk.example"
acknowledge = true
acknowledgement = "We have it."
"""


def test_a_departments_habits_are_changed_and_what_the_file_does_not_say_stays(apply: Apply, database_url: str) -> None:
    changed = ["department Support: settings changed", "1 changed"]
    apply(SUPPORT)
    assert lines(apply(SUPPORT + HABITS)) == changed
    assert lines(apply(SUPPORT + HABITS)) == ["nothing to change"]
    assert lines(apply(SUPPORT + 'signature = ""\n')) == changed
    database = Database(database_url, lambda _: None)
    with database.session_scope() as session:
        kept = settings_of(session, 1)
    database.engine.dispose()
    assert kept == Habits(from_name="Desk Ltd", acknowledge=True, acknowledgement="We have it.")


def test_what_the_file_no_longer_names_is_kept_and_said(apply: Apply) -> None:
    apply(SUPPORT)
    said = lines(apply('[[departments]]\nname = "Support"\n'))
    assert said == ["department Support: email support@desk.example is not in the file, kept", "nothing to change"]
    assert "department Support: email support@desk.example added" not in lines(apply(SUPPORT))


def test_people_and_slack_ids_that_the_file_no_longer_names_are_said_until_they_are_taken_away(
    apply: Apply, frontdesk: Frontdesk
) -> None:
    user = '[[users]]\nname = "{0}"\nemail = "{0}@desk.example"\ndepartments = "Support"\n'
    slack, ada, cy = 'slack = "T0DESK/U0ADA"\n', user.format("ada"), user.format("cy")
    apply(SUPPORT + ada + slack)
    assert lines(apply(SUPPORT + ada)) == [
        "user ada@desk.example: slack T0DESK/U0ADA is not in the file, kept: `frontdesk users unlink T0DESK/U0ADA`",
        "nothing to change",
    ]
    assert "`frontdesk users unlink T0DESK/U0ADA` frees it" in refusal(apply(SUPPORT + cy + slack))
    assert lines(frontdesk("users", "unlink", "T0DESK/U0ADA")) == ["slack T0DESK/U0ADA is no longer ada@desk.example's"]
    assert frontdesk("users", "unlink", "T0DESK/U0ADA").exit_code == 1
    said = lines(apply(SUPPORT + cy + slack))
    assert "user cy@desk.example: slack T0DESK/U0ADA added" in said
    assert said[-2] == "user ada@desk.example is not in the file, kept: `frontdesk users deactivate ada@desk.example`"
    assert lines(frontdesk("users", "deactivate", "ada@desk.example")) == [
        "user ada@desk.example acts nowhere any more"
    ]
    assert lines(apply(SUPPORT + cy + slack)) == ["nothing to change"]


def test_a_user_moved_to_another_department_leaves_the_first(apply: Apply) -> None:
    both = SUPPORT + '[[departments]]\nname = "Billing"\n'
    ada = '[[users]]\nname = "Ada"\nemail = "ada@desk.example"\ndepartments = ["{}"]\n'
    apply(both + ada.format("Support"))
    assert lines(apply(both + ada.format("Billing"))) == ["user ada@desk.example: departments changed", "1 changed"]


ADA = '[[users]]\nname = "Ada"\nemail = "ada@desk.example"\n'
REFUSED = {
    "two departments' mailbox": (
        SUPPORT + '[[departments]]\nname = "Billing"\nemail = "SUPPORT@desk.example"\n',
        "support@desk.example belongs to the department Support",
    ),
    "two users' account": (
        ADA + 'slack = "T0DESK/U0ADA"\n[[users]]\nname = "Ben"\nemail = "ben@desk.example"\nslack = "T0DESK/U0ADA"\n',
        "slack T0DESK/U0ADA is the account of ada@desk.example already: `frontdesk users unlink T0DESK/U0ADA` frees it",
    ),
    "unknown key of the desk": ("agents = []\n", "a desk has no agents"),
    "unknown key of a department": (SUPPORT + 'mail = "x@desk.example"\n', "a department has no mail"),
    "unknown key of a user": (ADA + 'role = "agent"\n', "a user has no role"),
    "no address": ('[[departments]]\nname = "Support"\nemail = "support"\n', "email = 'support': not a mail address"),
    "no number": ('[[departments]]\nname = "Support"\nsms = "0555"\nwhatsapp = "0555"\n', "country code"),
    "no Slack channel": ('[[departments]]\nname = "Support"\nslack_agents = "#support"\n', "a Slack address is"),
    "no reply mode": (SUPPORT + 'reply_mode = "always"\n', "reply_mode is one of thread, prefix, not 'always'"),
    "no user type": (ADA + 'type = "root"\n', "type is one of administrator, agent, not 'root'"),
    "no such department": (ADA + 'departments = ["Sales"]\n', "there is no department 'Sales'"),
    "nameless department": ("[[departments]]\n", "every department needs name"),
    "blank name": ('[[departments]]\nname = "  "\n', "every department needs name"),
    "user with half an address": (ADA.replace("ada@desk.example", "nomail"), "email = 'nomail': not a mail address"),
    "user without address": ('[[users]]\nname = "Ada"\n', "every user needs email"),
    "no TOML": ("[[departments]\n", "cannot be read"),
    "no text": ("\udcff\udcfe", "cannot be read"),
    "number as address": (SUPPORT.replace('"support@desk.example"', "5"), "email"),
    "numbers as addresses": (SUPPORT.replace('"support@desk.example"', "[5]"), "email"),
    "number as description": (SUPPORT + "description = 5\n", "description"),
    "word as switch": (SUPPORT + 'set_aside_automatic = "no"\n', "set_aside_automatic"),
    "word as acknowledge": (SUPPORT + 'acknowledge = "yes"\n', "acknowledge is true or false"),
    "number as signature": (SUPPORT + "signature = 5\n", "signature is a text in quotes"),
    "two lines as from_name": (SUPPORT + 'from_name = "a\\nb"\n', "from_name is one line"),
    "endless from_name": (SUPPORT + 'from_name = "' + "x" * 101 + '"\n', "from_name"),
    "escape in an acknowledgement": (SUPPORT + 'acknowledgement = "\\u001b"\n', "no control characters"),
    "number as name": ("[[departments]]\nname = 5\n", "every department needs name"),
    "number as departments": ("departments = 5\n", "departments"),
    "words as departments": ('departments = ["Support"]\n', "departments"),
    "one department as a table": ('[departments]\nname = "Support"\n', "departments"),
    "numbers as tags": ("tags = [1]\n", "tags"),
    "endless name": ('[[departments]]\nname = "' + "x" * 256 + '"\n', "name"),
    "NUL in a name": ('[[departments]]\nname = "a\\u0000b"\n', "no control characters"),
    "escape in a description": (SUPPORT + 'description = "\\u001b[31m"\n', "no control characters"),
    "escape in a tag": ('tags = ["\\u001b[31m"]\n', "no control characters"),
    "escape in an address": (
        '[[departments]]\nname = "Support"\nemail = "\\u001b@desk.example"\n',
        "not a mail address",
    ),
    "endless tag": ('tags = ["' + "x" * 101 + '"]\n', "tag"),
}


@pytest.mark.parametrize(("written", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_meant_is_one_sentence_and_changes_nothing(
    apply: Apply, database_url: str, written: str, said: str
) -> None:
    assert said in refusal(apply(written))
    database = Database(database_url, lambda _: None)
    with database.session_scope() as session:
        counts = [session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() for table in TABLES]  # noqa: S608 (names from below)
    database.engine.dispose()
    assert counts == [0] * len(TABLES)


TABLES = ("departments", "department_external_ids", "department_settings", "users", "user_oauth_accounts", "tags")


def test_a_file_that_is_not_there_is_said(frontdesk: Frontdesk) -> None:
    result = frontdesk("apply", "nowhere.toml")
    assert result.exit_code == 2
    assert "nowhere.toml" in result.stderr


def test_migrating_twice_is_safe(frontdesk: Frontdesk, database_url: str) -> None:
    migrate(database_url)
    assert lines(frontdesk("migrate")) == ["the database is up to date"]
