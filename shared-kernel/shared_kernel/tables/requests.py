"""What people ask for: a camera, a higher role, a new camera."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import Base, Moment, Ulid, Word, ascii_text, one_of, table


class Request(Base):
    """Somebody asks for something and somebody else decides."""

    __tablename__ = "requests"
    __table_args__ = (
        UniqueConstraint("open_key"),
        Index("ix_requests_org_id", "org_id", "status", "created_at", "request_id"),
        Index("ix_requests_applicant_id", "applicant_id", "created_at", "request_id"),
        Index("ix_requests_camera_id", "camera_id"),
        Index("ix_requests_expires_at", "expires_at"),
        one_of("kind", "camera_access", "role_upgrade", "camera_onboard"),
        one_of("status", "unread", "read", "approved", "rejected", "withdrawn", "expired"),
        CheckConstraint("(status IN ('unread', 'read')) = (open_key IS NOT NULL)", name="open_key"),
        CheckConstraint("(kind = 'camera_access') = (camera_id IS NOT NULL) OR kind = 'camera_onboard'", name="object"),
        table("Somebody asks for a camera, a role or a new camera. One open request per person, kind and object."),
    )

    request_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    kind: Mapped[Word] = mapped_column(comment="camera_access, role_upgrade or camera_onboard")
    applicant_id: Mapped[Ulid] = mapped_column(ForeignKey("users.user_id"), comment="who asks")
    org_id: Mapped[Ulid] = mapped_column(
        ForeignKey("organisations.org_id"), comment="whose people decide: the applicant's, or the camera's"
    )
    camera_id: Mapped[Ulid | None] = mapped_column(
        ForeignKey("cameras.camera_id"), comment="which camera; of an approved onboarding the one that it became"
    )
    role: Mapped[Word | None] = mapped_column(comment="which role is asked for")
    payload: Mapped[str | None] = mapped_column(
        Text, comment="JSON of what a new camera would be; its address is sealed with the installation's key"
    )
    reason: Mapped[str] = mapped_column(String(500), comment="why, in the words of the applicant")
    status: Mapped[Word] = mapped_column(comment="unread, read, approved, rejected, withdrawn or expired")
    open_key: Mapped[str | None] = mapped_column(
        ascii_text(120), comment="kind:applicant:object while it is open, else null: so there is one"
    )
    read_at: Mapped[Moment | None] = mapped_column(comment="when somebody who may decide opened it first")
    decided_by: Mapped[Ulid | None] = mapped_column(comment="which user decided; null for withdrawn and expired ones")
    decided_at: Mapped[Moment | None] = mapped_column(comment="when it ended")
    note: Mapped[str | None] = mapped_column(String(500), comment="why it was decided so, for the applicant")
    grant_expires_at: Mapped[Moment | None] = mapped_column(comment="until when the right was given; null: no end")
    expires_at: Mapped[Moment | None] = mapped_column(comment="when it ends undecided; null: never")
    created_at: Mapped[Moment] = mapped_column(comment="when it was asked")
    updated_at: Mapped[Moment] = mapped_column(comment="when it last changed")
