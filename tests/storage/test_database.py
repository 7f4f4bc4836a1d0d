"""The database beside processes that died: what their transactions had written need not wait for MongoDB to end them."""

from __future__ import annotations

import subprocess
import sys

from generia_worker.settings import Settings
from generia_worker.storage.database import Database

#: Writes to a row in a transaction, says so, and waits.
_CODE = """
import sys
from generia_worker.storage.database import Database

database = Database(sys.argv[1], sys.argv[2], max_pool_size=2, owner=sys.argv[3])

def work(session):
    database.steps.update_one({"_id": 1}, {"$set": {"by": sys.argv[3]}}, session=session)
    print("written", flush=True)
    input()

database.transaction(work)
"""


def in_a_transaction(servers: Settings, database: Database, owner: str) -> subprocess.Popen[str]:
    """Start a process of this owner that has written to the row and has not committed."""
    arguments = [servers.mongo_uri.get_secret_value(), database.steps.database.name, owner]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-c", _CODE, *arguments], stdin=pipe, stdout=pipe, text=True, bufsize=1
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process


def test_a_transaction_of_the_dead_is_ended_and_what_it_had_written_is_free(
    servers: Settings, database: Database
) -> None:
    database.steps.insert_one({"_id": 1})
    with in_a_transaction(servers, database, "host:1:dead") as process:
        process.kill()
        process.wait()
        assert database.end_transactions("host:1:other".__eq__) == 0
        assert database.end_transactions("host:1:dead".__eq__) == 1
        # With a limit: it would wait until MongoDB finds the transaction too old.
        change = {"$set": {"by": "another"}}
        database.steps.find_one_and_update({"_id": 1}, change, maxTimeMS=10_000)
    assert database.steps.find_one() == {"_id": 1, "by": "another"}
    assert database.end_transactions("host:1:dead".__eq__) == 0


def test_a_transaction_of_the_living_goes_on(servers: Settings, database: Database) -> None:
    database.steps.insert_one({"_id": 1})
    with in_a_transaction(servers, database, "host:2:alive") as process:
        assert database.end_transactions("host:1:dead".__eq__) == 0
        process.communicate("\n")
    assert database.steps.find_one() == {"_id": 1, "by": "host:2:alive"}
