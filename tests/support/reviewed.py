"""Reviews as they lie in the database."""

from sqlalchemy import insert
from uuid_utils import uuid7

from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import reviews


async def review(database: Database, inspection_id: str, *said: str) -> None:
    """Write reviews of an inspection, one after the other."""
    rows = [
        {
            "id": str(uuid7()),
            "inspection_id": inspection_id,
            "evaluation": evaluation,
            "reviewer": "r",
            "caller": "c",
            "reviewed_at_us": now_us() + place,
        }
        for place, evaluation in enumerate(said)
    ]
    async with database.writing() as connection:
        await connection.execute(insert(reviews), rows)
