"""What an earlier version left in MongoDB, brought into today's form when a worker starts.

May run twice, also at one time.
"""

from __future__ import annotations

import logging

from generia_worker.storage.database import Database

log = logging.getLogger(__name__)


def migrate(database: Database) -> None:
    """Bring the data of 0.1.0 up to date.

    Steps that wait for a time: 0.1.0 kept each with its serialised message in `parked_steps`. Today the step's own row says
    when it is due (`not_before`), and what is published then is made from the ledger.
    """
    parked = database.database["parked_steps"]
    found = list(parked.find({}, {"wake_at": 1}))
    for row in found:
        waiting = {"_id": row["_id"], "state": "pending"}
        database.steps.update_one(waiting, {"$set": {"not_before": row["wake_at"]}})
        parked.delete_one({"_id": row["_id"], "wake_at": row["wake_at"]})
    if found:
        log.info("%d waiting steps of the version before are scheduled.", len(found))
