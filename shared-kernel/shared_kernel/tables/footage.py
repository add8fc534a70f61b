"""Video that is kept: clips of passes and continuous recordings."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import Base, Moment, Ulid, Word, ascii_text, one_of, table


class Footage(Base):
    """One file of video."""

    __tablename__ = "footage"
    __table_args__ = (
        UniqueConstraint("object_key"),
        Index("ix_footage_camera_id", "camera_id", "started_at"),
        Index("ix_footage_kind", "kind", "started_at"),
        Index("ix_footage_pass_id", "pass_id"),
        one_of("kind", "clip", "recording"),
        CheckConstraint("bytes > 0 AND ended_at > started_at", name="sizes"),
        table("One file of video: the clip of a pass, or a piece of a continuous recording. No foreign keys."),
    )

    footage_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="derived by its sender: a repeat is one row")
    camera_id: Mapped[Ulid] = mapped_column(comment="whoever may see this camera may see the footage")
    kind: Mapped[Word] = mapped_column(comment="clip (of a pass) or recording (a piece of a continuous one)")
    pass_id: Mapped[Ulid | None] = mapped_column(comment="the pass that a clip shows")
    started_at: Mapped[Moment] = mapped_column(comment="time of its first picture")
    ended_at: Mapped[Moment] = mapped_column(comment="time of its last picture")
    object_key: Mapped[str] = mapped_column(ascii_text(255), comment="where the MP4 lies in object storage")
    boxes_key: Mapped[str | None] = mapped_column(ascii_text(255), comment="where the JSON with its boxes lies")
    mime: Mapped[str] = mapped_column(ascii_text(64), comment="content type with codecs, for the player")
    width: Mapped[int] = mapped_column(comment="pixels")
    height: Mapped[int] = mapped_column(comment="pixels")
    bytes: Mapped[int] = mapped_column(BigInteger, comment="size in storage, both files")
    created_at: Mapped[Moment] = mapped_column(comment="when the row was made")
