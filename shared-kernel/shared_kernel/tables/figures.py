"""Figures that are kept ready, so that no panel counts rows."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Double, Index
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import Base, Moment, Ulid, Word, one_of, table


class PassRollup(Base):
    """Passes of one camera or organisation in one stretch of time."""

    __tablename__ = "pass_rollups"
    __table_args__ = (
        Index("ix_pass_rollups_bucket_start", "bucket", "bucket_start", "scope"),
        one_of("scope", "camera", "organisation"),
        one_of("bucket", "hour", "day", "week", "month"),
        CheckConstraint("with_mask >= 0 AND without_mask >= 0 AND worn_incorrectly >= 0", name="counts"),
        CheckConstraint("watched_s >= 0 AND wanted_s >= 0", name="times"),
        table("Passes by state of one camera or organisation in one hour, day, week or month, with what was watched."),
    )

    scope: Mapped[Word] = mapped_column(primary_key=True, comment="camera, or organisation with all below it")
    scope_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="which")
    bucket: Mapped[Word] = mapped_column(primary_key=True, comment="hour, day, week or month in the zone of the site")
    bucket_start: Mapped[Moment] = mapped_column(primary_key=True, comment="its begin")
    with_mask: Mapped[int] = mapped_column(BigInteger, comment="passes with a mask")
    without_mask: Mapped[int] = mapped_column(BigInteger, comment="passes without")
    worn_incorrectly: Mapped[int] = mapped_column(BigInteger, comment="passes with a mask worn incorrectly")
    watched_s: Mapped[float] = mapped_column(Double, comment="seconds that were watched, by all its cameras")
    wanted_s: Mapped[float] = mapped_column(Double, comment="seconds that should have been")
    updated_at: Mapped[Moment] = mapped_column(comment="when it was last counted")
