"""The tables. Moments are microseconds since 1970 (UTC), integers: exact, and alike in SQLite and PostgreSQL.

An inspection, a review and an event are never changed once they are written; what may change about a record (whether
its pictures are still kept, whether it was delivered) stands in tables of its own.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
    text,
)

from flawgate_gateway.database import columns, stream_tables
from flawgate_gateway.database.columns import Id, Key, moment, partial

metadata = columns.metadata
camera_streams, gaps = stream_tables.camera_streams, stream_tables.gaps

inspections = Table(
    "inspections",
    metadata,
    Column("id", Id, primary_key=True),
    moment("acquired_at_us", nullable=True),
    moment("received_at_us"),
    moment("decided_at_us"),
    Column("plant", String(128)),
    Column("line", String(128)),
    Column("station", String(128)),
    Column("camera", String(128)),
    Column("part", String(128)),
    Column("lot", String(128)),
    Column("work_order", String(128)),
    Column("recipe", String(64), nullable=False),
    Column("recipe_version", String(64)),
    Column("policy_version", String(64)),
    Column("variant", String(16), nullable=False),
    Column("evaluation", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("score", Float),
    Column("margin", Float),
    Column("frame_sha256", String(64), nullable=False),
    Column("stream_id", Id),
    Column("sequence", BigInteger),
    Column("document", Text, nullable=False),
    Index("ix_inspections_time", "decided_at_us", "id"),
    Index("ix_inspections_part", "part", "decided_at_us", "id"),
    Index("ix_inspections_lot", "lot", "decided_at_us", "id", "evaluation"),
    Index("ix_inspections_work_order", "work_order", "decided_at_us", "id", "evaluation"),
    Index("ix_inspections_station", "station", "decided_at_us", "id"),
    Index("ix_inspections_recipe", "recipe", "decided_at_us", "id"),
    Index("ix_inspections_version", "recipe", "recipe_version", "decided_at_us", "id"),
    Index(
        "uq_inspections_capture",
        "stream_id",
        "sequence",
        unique=True,
        sqlite_where=text("stream_id IS NOT NULL"),
        postgresql_where=text("stream_id IS NOT NULL"),
    ),
)
"""One row an inspection. `margin` is score − threshold; `document` the answer as JSON, without its links.

A frame of a camera's stream has its number there, which one inspection alone can have.
"""

NEAR_MARGIN = 0.1
"""Scores no further from their threshold than this have an index of their own."""

# A query uses one of these two small indexes only where it repeats the condition, with the very same constants.
NOT_OK_ONLY = inspections.c.evaluation != literal_column("'OK'")
NEAR_ONLY = and_(
    inspections.c.margin >= literal_column(f"-{NEAR_MARGIN}"), inspections.c.margin <= literal_column(f"{NEAR_MARGIN}")
)

Index(
    "ix_inspections_not_ok",
    inspections.c.decided_at_us,
    inspections.c.id,
    inspections.c.evaluation,
    inspections.c.station,
    sqlite_where=NOT_OK_ONLY,
    postgresql_where=NOT_OK_ONLY,
)
Index(
    "ix_inspections_near",
    inspections.c.decided_at_us,
    inspections.c.id,
    inspections.c.recipe,
    inspections.c.recipe_version,
    inspections.c.margin,
    sqlite_where=NEAR_ONLY,
    postgresql_where=NEAR_ONLY,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("caller", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("owner", String(36)),
    moment("lease_until_us"),
    moment("expires_at_us", index=True),
    Column("inspection_id", Id),
    Column("refusal", Text),
)
"""A key in use (`owner` holds it until its lease ends), or its end: an inspection, or a refusal as JSON."""

evidence = Table(
    "evidence",
    metadata,
    Column("inspection_id", Id, ForeignKey("inspections.id"), primary_key=True),
    Column("evaluation", String(16), nullable=False),
    Column("frame_sha256", String(64), index=True),
    Column("mask_sha256", String(64), index=True),
    Column("explanation_sha256", String(64), index=True),
    Column("document", Text, nullable=False),
    Column("stored_bytes", BigInteger, nullable=False),
    moment("keep_until_us", nullable=True),
    moment("purged_at_us", nullable=True),
    partial("ix_evidence_due", "keep_until_us", "inspection_id", where="purged_at_us IS NULL"),
    partial("ix_evidence_kept", "evaluation", "inspection_id", "stored_bytes", where="purged_at_us IS NULL"),
    partial("ix_evidence_emptying", "inspection_id", where="purged_at_us IS NOT NULL AND frame_sha256 IS NOT NULL"),
)
"""What the pictures of an inspection are drawn from: digests of blobs in the archive, and how to draw (JSON).

A purge first says when (`purged_at_us`), and takes the digests away once the blobs are gone.
"""

holds = Table(
    "holds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("inspection_id", Id, index=True),
    Column("part", String(128), index=True),
    Column("lot", String(128), index=True),
    Column("author", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    moment("created_at_us"),
    moment("released_at_us", nullable=True),
    Column("released_by", String(128)),
)
"""Whose pictures a purge must not delete: those of one inspection, part or lot."""

reviews = Table(
    "reviews",
    metadata,
    Column("id", Id, primary_key=True),
    Column("inspection_id", Id, ForeignKey("inspections.id"), nullable=False),
    Column("evaluation", String(16), nullable=False),
    Column("reviewer", String(128), nullable=False),
    Column("comment", Text),
    Column("caller", String(64), nullable=False),
    moment("reviewed_at_us"),
    Index("ix_reviews_inspection", "inspection_id", "reviewed_at_us", "id"),
    Index("ix_reviews_time", "reviewed_at_us", "id"),
)
"""What a person said of an inspection; the last one counts."""

policies = Table(
    "policies",
    metadata,
    Column("recipe", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("document", Text, nullable=False),
    Column("author", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    moment("created_at_us"),
    Index(
        "uq_policies_active",
        "recipe",
        unique=True,
        sqlite_where=text("state = 'active'"),
        postgresql_where=text("state = 'active'"),
    ),
)
"""Versions of a recipe's policy: draft, active (one at most) or retired."""

policy_changes = Table(
    "policy_changes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("recipe", String(64), nullable=False),
    Column("version", Integer),
    Column("action", String(16), nullable=False),
    Column("author", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    moment("changed_at_us"),
    Index("ix_policy_changes_recipe", "recipe", "changed_at_us", "id"),
)
"""Who did what to which version, and why; a version of null is the policy that the recipe brings along."""

streams = Table(
    "streams",
    metadata,
    Column("stream", String(400), primary_key=True),
    Column("last_sequence", BigInteger, nullable=False),
)
"""The source of events, one a station, and the number of its last event."""

events = Table(
    "events",
    metadata,
    Column("number", Key, primary_key=True, autoincrement=True),
    Column("id", Id, nullable=False, unique=True),
    Column("stream", String(400), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("type", String(128), nullable=False),
    Column("inspection_id", Id),
    moment("created_at_us", index=True),
    Column("document", Text, nullable=False),
    UniqueConstraint("stream", "sequence"),
)
"""The outbox: CloudEvents (JSON), written in the transaction of what they tell. Numbered without a gap a stream."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("number", Key, primary_key=True, autoincrement=True),
    Column("sink", String(64), nullable=False),
    Column("event_number", Key, ForeignKey("events.number"), nullable=False),
    Column("stream", String(400), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    moment("next_attempt_at_us"),
    moment("ended_at_us", nullable=True),
    Column("last_error", Text),
    Column("replay", Boolean, nullable=False, server_default=text("false")),
    Index("ix_deliveries_due", "sink", "state", "stream", "sequence"),
    UniqueConstraint("event_number", "sink"),
)
"""One event for one sink: pending, delivered or dead."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("owner", String(36), nullable=False),
    moment("until_us"),
)
"""What one gateway does for all of them: deliver to a sink, purge."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("secret_sha256", String(64), nullable=False),
    Column("scopes", String(255), nullable=False),
    Column("requests_per_s", Float),
    moment("created_at_us"),
    moment("expires_at_us", nullable=True),
    moment("revoked_at_us", nullable=True),
)
"""Who may call; of the secret only its SHA-256 is stored."""
