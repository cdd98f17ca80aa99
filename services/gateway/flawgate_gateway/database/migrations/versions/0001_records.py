"""The tables of records, streams, keys, pictures, reviews, policies and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(length=255), nullable=False),
        sa.Column("requests_per_s", sa.Float(), nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "camera_streams",
        sa.Column("stream_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column("plant", sa.String(length=128), nullable=True),
        sa.Column("line", sa.String(length=128), nullable=True),
        sa.Column("station", sa.String(length=128), nullable=False),
        sa.Column("camera", sa.String(length=128), nullable=False),
        sa.Column("recipe", sa.String(length=64), nullable=False),
        sa.Column("delivery", sa.String(length=16), nullable=False),
        sa.Column("highest", sa.BigInteger(), nullable=False),
        sa.Column("dropped_through", sa.BigInteger(), nullable=False),
        sa.Column("opened_at_us", sa.BigInteger(), nullable=False),
        sa.Column("seen_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", name=op.f("pk_camera_streams")),
    )
    op.create_index(
        "ix_camera_streams_station",
        "camera_streams",
        ["station", "camera", "opened_at_us", "stream_id"],
        unique=False,
    )
    op.create_index("ix_camera_streams_time", "camera_streams", ["opened_at_us", "stream_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("stream", sa.String(length=400), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=128), nullable=False),
        sa.Column("inspection_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
        sa.UniqueConstraint("stream", "sequence", name=op.f("uq_events_stream_sequence")),
    )
    op.create_index(op.f("ix_events_created_at_us"), "events", ["created_at_us"], unique=False)
    op.create_table(
        "holds",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("inspection_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("part", sa.String(length=128), nullable=True),
        sa.Column("lot", sa.String(length=128), nullable=True),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("released_at_us", sa.BigInteger(), nullable=True),
        sa.Column("released_by", sa.String(length=128), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(op.f("ix_holds_inspection_id"), "holds", ["inspection_id"], unique=False)
    op.create_index(op.f("ix_holds_lot"), "holds", ["lot"], unique=False)
    op.create_index(op.f("ix_holds_part"), "holds", ["part"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=36), nullable=True),
        sa.Column("lease_until_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.Column("inspection_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_expires_at_us"), "idempotency_keys", ["expires_at_us"], unique=False)
    op.create_table(
        "inspections",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("acquired_at_us", sa.BigInteger(), nullable=True),
        sa.Column("received_at_us", sa.BigInteger(), nullable=False),
        sa.Column("decided_at_us", sa.BigInteger(), nullable=False),
        sa.Column("plant", sa.String(length=128), nullable=True),
        sa.Column("line", sa.String(length=128), nullable=True),
        sa.Column("station", sa.String(length=128), nullable=True),
        sa.Column("camera", sa.String(length=128), nullable=True),
        sa.Column("part", sa.String(length=128), nullable=True),
        sa.Column("lot", sa.String(length=128), nullable=True),
        sa.Column("work_order", sa.String(length=128), nullable=True),
        sa.Column("recipe", sa.String(length=64), nullable=False),
        sa.Column("recipe_version", sa.String(length=64), nullable=True),
        sa.Column("policy_version", sa.String(length=64), nullable=True),
        sa.Column("variant", sa.String(length=16), nullable=False),
        sa.Column("evaluation", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("margin", sa.Float(), nullable=True),
        sa.Column("frame_sha256", sa.String(length=64), nullable=False),
        sa.Column("stream_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspections")),
    )
    op.create_index("ix_inspections_lot", "inspections", ["lot", "decided_at_us", "id", "evaluation"], unique=False)
    op.create_index(
        "ix_inspections_near",
        "inspections",
        ["decided_at_us", "id", "recipe", "recipe_version", "margin"],
        unique=False,
        sqlite_where=sa.text("margin >= -0.1 AND margin <= 0.1"),
        postgresql_where=sa.text("margin >= -0.1 AND margin <= 0.1"),
    )
    op.create_index(
        "ix_inspections_not_ok",
        "inspections",
        ["decided_at_us", "id", "evaluation", "station"],
        unique=False,
        sqlite_where=sa.text("evaluation != 'OK'"),
        postgresql_where=sa.text("evaluation != 'OK'"),
    )
    op.create_index("ix_inspections_part", "inspections", ["part", "decided_at_us", "id"], unique=False)
    op.create_index("ix_inspections_recipe", "inspections", ["recipe", "decided_at_us", "id"], unique=False)
    op.create_index("ix_inspections_station", "inspections", ["station", "decided_at_us", "id"], unique=False)
    op.create_index("ix_inspections_time", "inspections", ["decided_at_us", "id"], unique=False)
    op.create_index(
        "ix_inspections_version", "inspections", ["recipe", "recipe_version", "decided_at_us", "id"], unique=False
    )
    op.create_index(
        "ix_inspections_work_order", "inspections", ["work_order", "decided_at_us", "id", "evaluation"], unique=False
    )
    op.create_index(
        "uq_inspections_capture",
        "inspections",
        ["stream_id", "sequence"],
        unique=True,
        sqlite_where=sa.text("stream_id IS NOT NULL"),
        postgresql_where=sa.text("stream_id IS NOT NULL"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("owner", sa.String(length=36), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "policies",
        sa.Column("recipe", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recipe", "version", name=op.f("pk_policies")),
    )
    op.create_index(
        "uq_policies_active",
        "policies",
        ["recipe"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "policy_changes",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("recipe", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_changes")),
    )
    op.create_index("ix_policy_changes_recipe", "policy_changes", ["recipe", "changed_at_us", "id"], unique=False)
    op.create_table(
        "streams",
        sa.Column("stream", sa.String(length=400), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_streams")),
    )
    op.create_table(
        "deliveries",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sink", sa.String(length=64), nullable=False),
        sa.Column("event_number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stream", sa.String(length=400), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_us", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("replay", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.ForeignKeyConstraint(["event_number"], ["events.number"], name=op.f("fk_deliveries_event_number")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("event_number", "sink", name=op.f("uq_deliveries_event_number_sink")),
    )
    op.create_index("ix_deliveries_due", "deliveries", ["sink", "state", "stream", "sequence"], unique=False)
    op.create_table(
        "evidence",
        sa.Column("inspection_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("evaluation", sa.String(length=16), nullable=False),
        sa.Column("frame_sha256", sa.String(length=64), nullable=True),
        sa.Column("mask_sha256", sa.String(length=64), nullable=True),
        sa.Column("explanation_sha256", sa.String(length=64), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("stored_bytes", sa.BigInteger(), nullable=False),
        sa.Column("keep_until_us", sa.BigInteger(), nullable=True),
        sa.Column("purged_at_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_evidence_inspection_id")),
        sa.PrimaryKeyConstraint("inspection_id", name=op.f("pk_evidence")),
    )
    op.create_index(
        "ix_evidence_due",
        "evidence",
        ["keep_until_us", "inspection_id"],
        unique=False,
        sqlite_where=sa.text("purged_at_us IS NULL"),
        postgresql_where=sa.text("purged_at_us IS NULL"),
    )
    op.create_index(
        "ix_evidence_emptying",
        "evidence",
        ["inspection_id"],
        unique=False,
        sqlite_where=sa.text("purged_at_us IS NOT NULL AND frame_sha256 IS NOT NULL"),
        postgresql_where=sa.text("purged_at_us IS NOT NULL AND frame_sha256 IS NOT NULL"),
    )
    op.create_index(op.f("ix_evidence_explanation_sha256"), "evidence", ["explanation_sha256"], unique=False)
    op.create_index(op.f("ix_evidence_frame_sha256"), "evidence", ["frame_sha256"], unique=False)
    op.create_index(
        "ix_evidence_kept",
        "evidence",
        ["evaluation", "inspection_id", "stored_bytes"],
        unique=False,
        sqlite_where=sa.text("purged_at_us IS NULL"),
        postgresql_where=sa.text("purged_at_us IS NULL"),
    )
    op.create_index(op.f("ix_evidence_mask_sha256"), "evidence", ["mask_sha256"], unique=False)
    op.create_table(
        "gaps",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("stream_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("plant", sa.String(length=128), nullable=True),
        sa.Column("line", sa.String(length=128), nullable=True),
        sa.Column("station", sa.String(length=128), nullable=False),
        sa.Column("camera", sa.String(length=128), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("frames", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("received_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["stream_id"], ["camera_streams.stream_id"], name=op.f("fk_gaps_stream_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gaps")),
    )
    op.create_index("ix_gaps_station", "gaps", ["station", "received_at_us", "id"], unique=False)
    op.create_index("ix_gaps_stream", "gaps", ["stream_id", "first"], unique=True)
    op.create_index("ix_gaps_time", "gaps", ["received_at_us", "id"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("inspection_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("evaluation", sa.String(length=16), nullable=False),
        sa.Column("reviewer", sa.String(length=128), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column("reviewed_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_reviews_inspection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index("ix_reviews_inspection", "reviews", ["inspection_id", "reviewed_at_us", "id"], unique=False)
    op.create_index("ix_reviews_time", "reviews", ["reviewed_at_us", "id"], unique=False)


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_reviews_time", table_name="reviews")
    op.drop_index("ix_reviews_inspection", table_name="reviews")
    op.drop_table("reviews")
    op.drop_index("ix_gaps_time", table_name="gaps")
    op.drop_index("ix_gaps_stream", table_name="gaps")
    op.drop_index("ix_gaps_station", table_name="gaps")
    op.drop_table("gaps")
    op.drop_index(op.f("ix_evidence_mask_sha256"), table_name="evidence")
    op.drop_index(
        "ix_evidence_kept",
        table_name="evidence",
        sqlite_where=sa.text("purged_at_us IS NULL"),
        postgresql_where=sa.text("purged_at_us IS NULL"),
    )
    op.drop_index(op.f("ix_evidence_frame_sha256"), table_name="evidence")
    op.drop_index(op.f("ix_evidence_explanation_sha256"), table_name="evidence")
    op.drop_index(
        "ix_evidence_emptying",
        table_name="evidence",
        sqlite_where=sa.text("purged_at_us IS NOT NULL AND frame_sha256 IS NOT NULL"),
        postgresql_where=sa.text("purged_at_us IS NOT NULL AND frame_sha256 IS NOT NULL"),
    )
    op.drop_index(
        "ix_evidence_due",
        table_name="evidence",
        sqlite_where=sa.text("purged_at_us IS NULL"),
        postgresql_where=sa.text("purged_at_us IS NULL"),
    )
    op.drop_table("evidence")
    op.drop_index("ix_deliveries_due", table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_table("streams")
    op.drop_index("ix_policy_changes_recipe", table_name="policy_changes")
    op.drop_table("policy_changes")
    op.drop_index(
        "uq_policies_active",
        table_name="policies",
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.drop_table("policies")
    op.drop_table("leases")
    op.drop_index(
        "uq_inspections_capture",
        table_name="inspections",
        sqlite_where=sa.text("stream_id IS NOT NULL"),
        postgresql_where=sa.text("stream_id IS NOT NULL"),
    )
    op.drop_index("ix_inspections_work_order", table_name="inspections")
    op.drop_index("ix_inspections_version", table_name="inspections")
    op.drop_index("ix_inspections_time", table_name="inspections")
    op.drop_index("ix_inspections_station", table_name="inspections")
    op.drop_index("ix_inspections_recipe", table_name="inspections")
    op.drop_index("ix_inspections_part", table_name="inspections")
    op.drop_index(
        "ix_inspections_not_ok",
        table_name="inspections",
        sqlite_where=sa.text("evaluation != 'OK'"),
        postgresql_where=sa.text("evaluation != 'OK'"),
    )
    op.drop_index(
        "ix_inspections_near",
        table_name="inspections",
        sqlite_where=sa.text("margin >= -0.1 AND margin <= 0.1"),
        postgresql_where=sa.text("margin >= -0.1 AND margin <= 0.1"),
    )
    op.drop_index("ix_inspections_lot", table_name="inspections")
    op.drop_table("inspections")
    op.drop_index(op.f("ix_idempotency_keys_expires_at_us"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_index(op.f("ix_holds_part"), table_name="holds")
    op.drop_index(op.f("ix_holds_lot"), table_name="holds")
    op.drop_index(op.f("ix_holds_inspection_id"), table_name="holds")
    op.drop_table("holds")
    op.drop_index(op.f("ix_events_created_at_us"), table_name="events")
    op.drop_table("events")
    op.drop_index("ix_camera_streams_time", table_name="camera_streams")
    op.drop_index("ix_camera_streams_station", table_name="camera_streams")
    op.drop_table("camera_streams")
    op.drop_table("api_keys")
