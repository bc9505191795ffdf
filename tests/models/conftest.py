from collections.abc import Iterator

import pytest

from models.clients import KnownAs, get_or_create_client
from models.external_ids import ExternalId
from models.tickets import open_ticket
from workers.db import Database

CLEO = ExternalId(type="email", value="cleo@client.example")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, lambda _: None, pool_size=20)
    yield made
    made.engine.dispose()


@pytest.fixture
def ticket_id(database: Database) -> int:
    with database.session_scope() as session:
        client_id = get_or_create_client(session, KnownAs(stated=(CLEO,)), name="Cleo")
        return open_ticket(session, title="Printer on fire", client_id=client_id, department_id=None).id
