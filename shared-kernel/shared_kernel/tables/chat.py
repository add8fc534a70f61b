"""Rooms in which people write to each other."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import Base, Moment, Ulid, Word, ascii_text, one_of, table


class ChatRoom(Base):
    """Where people write to each other."""

    __tablename__ = "chat_rooms"
    __table_args__ = (
        UniqueConstraint("subject_id"),
        Index("ix_chat_rooms_org_id", "org_id"),
        one_of("kind", "organisation", "patrol", "group"),
        CheckConstraint("(kind = 'group') = (subject_id IS NULL)", name="subject_id"),
        table("Where people write to each other: one room an organisation, one a patrol, and groups of their own."),
    )

    room_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    org_id: Mapped[Ulid] = mapped_column(ForeignKey("organisations.org_id"), comment="whose people may be members")
    kind: Mapped[Word] = mapped_column(comment="organisation, patrol or group")
    subject_id: Mapped[Ulid | None] = mapped_column(comment="which organisation or patrol: so it has one room")
    name: Mapped[str] = mapped_column(String(64), comment="what people call it")
    last_seq: Mapped[int] = mapped_column(BigInteger, comment="number of its newest message; 0: none")
    created_by: Mapped[Ulid | None] = mapped_column(comment="which user made it; null: nobody, it comes by itself")
    created_at: Mapped[Moment] = mapped_column(comment="when")
    closed_at: Mapped[Moment | None] = mapped_column(comment="since when nobody may write; it can still be read")


class ChatMember(Base):
    """Somebody is in a room."""

    __tablename__ = "chat_members"
    __table_args__ = (
        Index("ix_chat_members_user_id", "user_id"),
        one_of("standing", "member", "moderator"),
        table("Who is in a room, up to where they have read, and whether they may write."),
    )

    room_id: Mapped[Ulid] = mapped_column(
        ForeignKey("chat_rooms.room_id", ondelete="CASCADE"), primary_key=True, comment="in which room"
    )
    user_id: Mapped[Ulid] = mapped_column(
        ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True, comment="who"
    )
    standing: Mapped[Word] = mapped_column(comment="member or moderator")
    last_read_seq: Mapped[int] = mapped_column(BigInteger, comment="number of the last message that was read")
    muted_until: Mapped[Moment | None] = mapped_column(comment="may not write before this")
    joined_at: Mapped[Moment] = mapped_column(comment="since when")


class ChatMessage(Base):
    """Something that was written."""

    __tablename__ = "chat_messages"
    __table_args__ = (
        UniqueConstraint("room_id", "seq"),
        UniqueConstraint("room_id", "sender_id", "client_msg_id", name="uq_chat_messages_client_msg_id"),
        Index("ix_chat_messages_created_at", "created_at"),
        one_of("kind", "text", "picture", "system"),
        CheckConstraint("seq >= 1", name="seq"),
        table("What was written, numbered within its room. The same client id a second time is the same message."),
    )

    message_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    room_id: Mapped[Ulid] = mapped_column(ForeignKey("chat_rooms.room_id", ondelete="CASCADE"), comment="in which room")
    seq: Mapped[int] = mapped_column(BigInteger, comment="order in the room, from 1, without gaps")
    sender_id: Mapped[Ulid | None] = mapped_column(comment="who wrote it; null: the system")
    client_msg_id: Mapped[str] = mapped_column(ascii_text(64), comment="given by the client: resending is harmless")
    kind: Mapped[Word] = mapped_column(comment="text, picture or system")
    body: Mapped[str] = mapped_column(Text, comment="plain text, at most 2,000 characters; empty once it is deleted")
    mentions: Mapped[str | None] = mapped_column(Text, comment="JSON: ids of users who were mentioned")
    object_key: Mapped[str | None] = mapped_column(ascii_text(255), comment="where its picture lies")
    created_at: Mapped[Moment] = mapped_column(comment="when it was accepted")
    deleted_at: Mapped[Moment | None] = mapped_column(comment="taken back, or removed by a moderator")
    deleted_by: Mapped[Ulid | None] = mapped_column(comment="by which user")
