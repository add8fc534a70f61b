"""Frames that were archived in order, and what became of each."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Double, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import Base, Moment, Ulid, Word, ascii_text, one_of, table


class FrameBatch(Base):
    """An ordered group of frames."""

    __tablename__ = "frame_batches"
    __table_args__ = (
        Index("ix_frame_batches_source_id", "source_id", "started_at"),
        Index("ix_frame_batches_started_at", "started_at"),
        one_of("source", "camera", "job", "client"),
        one_of("state", "running", "done", "partial", "failed"),
        CheckConstraint("expected >= 0 AND stored >= 0 AND failed >= 0", name="counts"),
        table("An ordered group of archived frames. A part that failed is a state, not an error."),
    )

    batch_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="given by the sender")
    source: Mapped[Word] = mapped_column(comment="camera, job or client")
    source_id: Mapped[Ulid] = mapped_column(comment="which one")
    expected: Mapped[int] = mapped_column(comment="frames it will have; as many as came when nobody said")
    stored: Mapped[int] = mapped_column(comment="frames that are stored")
    failed: Mapped[int] = mapped_column(comment="frames that were given up")
    state: Mapped[Word] = mapped_column(comment="running, done, partial or failed")
    every_s: Mapped[float | None] = mapped_column(Double, comment="seconds between frames of a camera; null: as sent")
    side: Mapped[int | None] = mapped_column(comment="long side of its pictures at most, pixels; null: as they came")
    started_at: Mapped[Moment] = mapped_column(comment="when its first frame was taken, or is due")
    stop_at: Mapped[Moment | None] = mapped_column(comment="when somebody stopped it; what is under way still comes")
    heard_at: Mapped[Moment] = mapped_column(comment="when anything about it last came")
    ended_at: Mapped[Moment | None] = mapped_column(comment="when its last frame was settled")


class ArchivedFrame(Base):
    """One frame of a batch."""

    __tablename__ = "archived_frames"
    __table_args__ = (
        Index("ix_archived_frames_object_key", "object_key"),
        one_of("state", "stored", "failed"),
        table("One frame of a batch, in order of seq. Equal pictures share one object: its key is their content."),
    )

    batch_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="which batch; no foreign key")
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="place in the order")
    captured_at: Mapped[Moment] = mapped_column(comment="time of the picture")
    state: Mapped[Word] = mapped_column(comment="stored or failed")
    object_key: Mapped[str | None] = mapped_column(ascii_text(255), comment="SHA-256 of the bytes; null when failed")
    bytes: Mapped[int] = mapped_column(BigInteger, comment="size")
    attempts: Mapped[int] = mapped_column(comment="uploads that were tried")
    took_ms: Mapped[float] = mapped_column(Double, comment="from taken to settled, milliseconds")
    reason: Mapped[str | None] = mapped_column(ascii_text(32), comment="code of why it was given up, see LostFrame")
    detail: Mapped[str | None] = mapped_column(String(200), comment="the reason in words, where there are more")
