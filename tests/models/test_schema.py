import importlib
import pkgutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import psycopg
import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, make_url, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

import models
from models.base import UtcDateTime
from models.clients import Client
from models.tables import metadata
from models.tickets import Priority
from tests.models import catalog
from tests.models.rows import enum_columns, store
from tests.models.seed_tables import SEED
from workers.local.postgres import LocalPostgres
from workers.migrate import alembic_config

POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")
TABLES = sorted(metadata.tables.values(), key=lambda table: table.name)


@pytest.fixture(scope="module", params=["embedded", "15"])
def server(request: pytest.FixtureRequest, folder: Path) -> Iterator[LocalPostgres]:
    if request.param == "embedded":
        yield request.getfixturevalue("postgres")
    elif not POSTGRES_15.is_dir():
        pytest.skip("PostgreSQL 15 is not installed here: the schema was tried on the embedded one only")
    else:
        with LocalPostgres.start(folder / "postgres15", binaries=POSTGRES_15, settings={"fsync": "off"}) as old:
            yield old


@pytest.fixture
def empty(server: LocalPostgres) -> Iterator[Engine]:
    name = f"schema_{uuid.uuid4().hex}"
    with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        engine = create_engine(make_url(server.url).set(database=name))
        yield engine
        engine.dispose()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def seeded(empty: Engine) -> Engine:
    return upgraded(empty, "0001")


@pytest.fixture
def head(empty: Engine) -> Engine:
    return upgraded(empty, "head")


def upgraded(engine: Engine, revision: str) -> Engine:
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), revision)
    return engine


def downgraded(engine: Engine, revision: str) -> Engine:
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), revision)
    return engine


def tables(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return catalog.tables(connection)


# The seed


def test_the_first_revision_makes_the_seeds_tables_and_no_other(seeded: Engine) -> None:
    assert tables(seeded) == {*SEED, "alembic_version"}


@pytest.mark.parametrize("revision", ["0001", "head"])
def test_every_seed_table_is_the_seeds_column_for_column(empty: Engine, revision: str) -> None:
    with upgraded(empty, revision).connect() as connection:
        for name, table in SEED.items():
            assert list(catalog.columns(connection, name)) == list(table.columns)
            assert catalog.described(connection, name) == table, name


@pytest.mark.parametrize("revision", ["0001", "head"])
def test_nothing_but_the_seeds_constraints_refuses_a_row_of_the_seed(empty: Engine, revision: str) -> None:
    with upgraded(empty, revision).connect() as connection:
        assert [rule for name in SEED for rule in catalog.hidden_rules(connection, name)] == []


def test_the_seeds_keys_are_serials_with_a_sequence_of_their_own(head: Engine) -> None:
    with head.connect() as connection:
        for name in (name for name, table in SEED.items() if "id" in table.columns):
            assert catalog.owned_sequence(connection, name) == f"public.{name}_id_seq"


def test_a_message_needs_an_author(head: Engine) -> None:
    messages = metadata.tables["messages"]
    with head.begin() as connection:
        store(connection, messages, is_system_message=True)
        with pytest.raises(IntegrityError, match="messages_author_check"):
            store(connection, messages, is_system_message=False)


# Times


def test_a_default_time_is_utc_whatever_the_sessions_zone(head: Engine) -> None:
    timed = [table for table in TABLES if "created_at" in table.columns]
    with head.begin() as connection:
        connection.execute(text("SET timezone = 'Asia/Tokyo'"))
        for table in timed:
            store(connection, table)
            made = connection.scalars(select(table.c.created_at)).all()
            assert all(abs(each - datetime.now(UTC)) < timedelta(minutes=1) for each in made), table.name
    assert len(timed) > len(SEED) // 2


def test_an_aware_time_of_any_zone_comes_back_as_the_same_moment_in_utc(head: Engine) -> None:
    tokyo = datetime.fromisoformat("2026-11-02T09:15:00+09:00")
    with Session(head) as session, session.begin():
        session.execute(text("SET timezone = 'America/New_York'"))
        session.add(Client(name="Cleo", created_at=tokyo))
        session.flush()
        session.expire_all()
        stored = session.scalars(select(Client.created_at)).one()
        raw = session.scalar(text("SELECT created_at::text FROM clients"))
    assert (stored, stored.tzinfo, raw) == (tokyo, UTC, "2026-11-02 00:15:00")


def test_a_time_without_a_zone_is_refused(head: Engine) -> None:
    with Session(head) as session, pytest.raises(StatementError, match="without a zone"):
        session.execute(select(Client).where(Client.created_at > datetime(2026, 11, 2)))  # noqa: DTZ001 (what is refused)


def test_every_time_of_every_table_is_of_the_kind_that_refuses_naive_ones() -> None:
    times = [column for table in TABLES for column in table.columns if column.name.endswith(("_at", "_until"))]
    assert times
    assert [str(column) for column in times if not isinstance(column.type, UtcDateTime)] == []


# Enums


def enums() -> set[type[StrEnum]]:
    modules = [importlib.import_module(f"models.{each.name}") for each in pkgutil.iter_modules(models.__path__)]
    found = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    return {each for each in found if issubclass(each, StrEnum) and each is not StrEnum}


def test_every_member_of_every_checked_enum_can_be_stored_and_no_other_word(head: Engine) -> None:
    checked = [(table, name, words) for table in TABLES for name, words in enum_columns(table).items()]
    assert len(checked) >= 7
    with head.begin() as connection:
        for table, name, words in checked:
            for word in words:
                store(connection, table, **{name: word})
            with pytest.raises(IntegrityError, match="check"), connection.begin_nested():
                store(connection, table, **{name: "strange"})


def test_every_enum_but_the_open_one_is_held_by_a_check() -> None:
    checked = {words for table in TABLES for words in enum_columns(table).values()}
    unchecked = {each for each in enums() if tuple(each) not in checked}
    assert unchecked == {Priority}


# Migrations


def test_models_and_migrations_say_the_same(head: Engine) -> None:
    with head.connect() as connection:
        command.check(alembic_config(connection))


def test_down_to_nothing_and_up_again(head: Engine) -> None:
    before = tables(head)
    assert tables(downgraded(head, "base")) == {"alembic_version"}
    assert tables(upgraded(head, "head")) == before


def test_down_to_the_seed_keeps_its_rows_and_leaves_nothing_of_ours(head: Engine) -> None:
    with head.begin() as connection:
        store(connection, metadata.tables["messages"])
    downgraded(head, "0001")
    assert tables(head) == {*SEED, "alembic_version"}
    with upgraded(head, "head").connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM messages")) == 1
