"""The tables of cameras' streams; `tables` says what holds for all."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text

from flawgate_gateway.database.columns import Id, metadata, moment

camera_streams = Table(
    "camera_streams",
    metadata,
    Column("stream_id", Id, primary_key=True),
    Column("caller", String(64), nullable=False),
    Column("plant", String(128)),
    Column("line", String(128)),
    Column("station", String(128), nullable=False),
    Column("camera", String(128), nullable=False),
    Column("recipe", String(64), nullable=False),
    Column("delivery", String(16), nullable=False),
    Column("highest", BigInteger, nullable=False),
    Column("dropped_through", BigInteger, nullable=False),
    moment("opened_at_us"),
    moment("seen_at_us"),
    Index("ix_camera_streams_time", "opened_at_us", "stream_id"),
    Index("ix_camera_streams_station", "station", "camera", "opened_at_us", "stream_id"),
)
"""Numberings of cameras' frames: the highest number on record, and the highest one within a gap (0: there is none).

Whatever writes a frame or a gap of a stream writes its row first, and so waits for others that write of it.
"""

gaps = Table(
    "gaps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("stream_id", Id, ForeignKey("camera_streams.stream_id"), nullable=False),
    Column("plant", String(128)),
    Column("line", String(128)),
    Column("station", String(128), nullable=False),
    Column("camera", String(128), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("frames", BigInteger, nullable=False),
    Column("cause", String(32), nullable=False),
    moment("since_us"),
    moment("until_us"),
    Column("detail", Text),
    moment("received_at_us"),
    Index("ix_gaps_stream", "stream_id", "first", unique=True),
    Index("ix_gaps_time", "received_at_us", "id"),
    Index("ix_gaps_station", "station", "received_at_us", "id"),
)
"""Frames of a stream that nobody inspected; each number is that of an inspection, within one gap, or not on record."""
