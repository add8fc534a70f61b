"""Organisations as a tree, the roles that people have in them, and what is made known to them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import Base, Moment, Ulid, Word, ascii_text, table

#: The organisation that every installation has: all others are below it, and it is never removed.
ROOT_ORG_ID: Final = "00000000000000000000000001"
ROOT_PATH: Final = f"/{ROOT_ORG_ID}/"


class Organisation(Base):
    """A company, a site, a part of one."""

    __tablename__ = "organisations"
    __table_args__ = (
        UniqueConstraint("code"),
        UniqueConstraint("path"),
        Index("ix_organisations_parent_id", "parent_id"),
        table("A company, a site or a part of one: a tree with one root. People see their own and what is below it."),
    )

    org_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    parent_id: Mapped[Ulid | None] = mapped_column(
        ForeignKey("organisations.org_id"), comment="what it is part of; null: the root"
    )
    path: Mapped[str] = mapped_column(
        ascii_text(255), comment="ids from the root down to it, /a/b/: whatever is below begins with it"
    )
    code: Mapped[Word] = mapped_column(comment="short name for imports and the command line")
    name: Mapped[str] = mapped_column(String(64), comment="what people call it")
    created_at: Mapped[Moment] = mapped_column(comment="when it was added")
    updated_at: Mapped[Moment] = mapped_column(comment="when it last changed")


class Role(Base):
    """What somebody is: rank, permissions, and how far the map reaches."""

    __tablename__ = "roles"
    __table_args__ = (
        Index("ix_roles_org_id", "org_id"),
        CheckConstraint("rank_no >= 1 AND rank_no <= 100", name="rank_no"),
        CheckConstraint("patrol_radius_m >= 1 AND patrol_radius_m <= 1000000", name="patrol_radius_m"),
        table("What somebody is: rank, permissions, and how far around them the map shows cameras."),
    )

    code: Mapped[Word] = mapped_column(primary_key=True, comment="short name; never changes")
    org_id: Mapped[Ulid] = mapped_column(
        ForeignKey("organisations.org_id"), comment="whose people may have it: of this organisation and those below"
    )
    name: Mapped[str] = mapped_column(String(64), comment="what people call it")
    rank_no: Mapped[int] = mapped_column(comment="1 to 100: nobody changes people of a higher rank or gives one")
    patrol_radius_m: Mapped[int] = mapped_column(Integer, comment="how far around one the map shows cameras, metres")
    permissions: Mapped[str | None] = mapped_column(
        Text, comment="JSON: names of permissions; null: what the release gives to the built-in role of this code"
    )
    built_in: Mapped[bool] = mapped_column(comment="true: comes with every installation and cannot be removed")
    created_at: Mapped[Moment] = mapped_column(comment="when it was made")
    updated_at: Mapped[Moment] = mapped_column(comment="when it last changed")


class Notice(Base):
    """Something that people are to read."""

    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_org_id", "org_id", "starts_at"),
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="ends_at"),
        table("Something that people of an organisation and those below it are to read, for a time."),
    )

    notice_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    org_id: Mapped[Ulid] = mapped_column(ForeignKey("organisations.org_id"), comment="whose people read it")
    title: Mapped[str] = mapped_column(String(120), comment="one line")
    body: Mapped[str] = mapped_column(Text, comment="plain text, at most 4,000 characters")
    starts_at: Mapped[Moment] = mapped_column(comment="shown from here")
    ends_at: Mapped[Moment | None] = mapped_column(comment="shown until here; null: no end")
    created_by: Mapped[Ulid] = mapped_column(comment="which user wrote it")
    created_at: Mapped[Moment] = mapped_column(comment="when")
    updated_at: Mapped[Moment] = mapped_column(comment="when it last changed")
