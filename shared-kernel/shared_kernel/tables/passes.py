"""Passes, the stored pictures that prove them, and how many there were."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import Base, Fraction, Moment, Ulid, Word, ascii_text, one_of, table


class Media(Base):
    """One stored picture."""

    __tablename__ = "media"
    __table_args__ = (
        UniqueConstraint("object_key"),
        Index("ix_media_pass_id", "pass_id"),
        CheckConstraint("width > 0 AND height > 0 AND bytes > 0", name="sizes"),
        one_of("kind", "face", "scene"),
        table("One stored picture: the evidence of a pass. No foreign keys: it grows with every pass."),
    )

    media_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="derived from the object key: a repeat is one row")
    pass_id: Mapped[Ulid] = mapped_column(comment="the pass it belongs to")
    camera_id: Mapped[Ulid] = mapped_column(comment="whoever may see this camera may see the picture")
    kind: Mapped[Word] = mapped_column(comment="face (padded crop) or scene (whole frame)")
    object_key: Mapped[str] = mapped_column(ascii_text(255), comment="where it lies in object storage")
    mime: Mapped[str] = mapped_column(ascii_text(32), comment="content type")
    width: Mapped[int] = mapped_column(comment="pixels")
    height: Mapped[int] = mapped_column(comment="pixels")
    bytes: Mapped[int] = mapped_column(BigInteger, comment="size in storage")
    created_at: Mapped[Moment] = mapped_column(comment="when it was recorded")


class Pass(Base):
    """One person's visit before one camera."""

    __tablename__ = "passes"
    __table_args__ = (
        Index("ix_passes_opened_at", "opened_at", "pass_id"),
        Index("ix_passes_camera_id", "camera_id", "opened_at", "pass_id"),
        Index("ix_passes_state", "state", "opened_at", "pass_id"),
        one_of("state", "with_mask", "without_mask", "mask_worn_incorrectly"),
        CheckConstraint("confidence >= 0 AND confidence <= 1", name="confidence"),
        CheckConstraint("x0 >= 0 AND x0 <= x1 AND x1 <= 1 AND y0 >= 0 AND y0 <= y1 AND y1 <= 1", name="box"),
        CheckConstraint("frames >= 1", name="frames"),
        table("One person's visit before one camera. Exactly one row, however often its messages arrive."),
    )

    pass_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="given by the camera's owner")
    camera_id: Mapped[Ulid] = mapped_column(comment="which camera saw it; no foreign key")
    state: Mapped[Word] = mapped_column(comment="verdict over all frames; only with_mask is protected")
    confidence: Mapped[Fraction] = mapped_column(comment="share of the votes for the state, 0 to 1")
    frames: Mapped[int] = mapped_column(comment="frames in which the person was seen")
    x0: Mapped[Fraction] = mapped_column(comment="left edge of the face in the scene, fraction of its width")
    y0: Mapped[Fraction] = mapped_column(comment="upper edge, fraction of the height")
    x1: Mapped[Fraction] = mapped_column(comment="right edge, fraction of the width")
    y1: Mapped[Fraction] = mapped_column(comment="lower edge, fraction of the height")
    opened_at: Mapped[Moment] = mapped_column(comment="when the verdict fell")
    last_seen_at: Mapped[Moment] = mapped_column(comment="last frame with the person")
    closed_at: Mapped[Moment | None] = mapped_column(comment="when the person was gone; null while before the camera")
    face_media_id: Mapped[Ulid] = mapped_column(comment="picture of the face")
    scene_media_id: Mapped[Ulid] = mapped_column(comment="picture of the scene")
    recorded_at: Mapped[Moment] = mapped_column(comment="when the row was made")
    updated_at: Mapped[Moment] = mapped_column(comment="when the row last changed")


class PassCount(Base):
    """How many passes of one state opened before one camera in one hour."""

    __tablename__ = "pass_counts"
    __table_args__ = (
        Index("ix_pass_counts_hour_at", "hour_at"),
        one_of("state", "with_mask", "without_mask", "mask_worn_incorrectly"),
        CheckConstraint("passes >= 0", name="passes"),
        table("Passes per camera, hour and state; changed in the transaction of the pass. Kept beyond the evidence."),
    )

    camera_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="which camera")
    hour_at: Mapped[Moment] = mapped_column(primary_key=True, comment="begin of the hour in which the pass opened")
    state: Mapped[Word] = mapped_column(primary_key=True, comment="verdict of the pass")
    passes: Mapped[int] = mapped_column(comment="how many")
