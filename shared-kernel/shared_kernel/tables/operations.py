"""What live clients are told, answers given once, and who did what."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import HASH, SERIAL, ULID, Base, Hash, Moment, Ulid, Word, ascii_text, one_of, table

#: Names of live events, and the kinds of objects whose rights decide who hears them.
EVENTS: Final = (
    *("pass", "camera", "camera_down", "camera_up", "sighting", "watch"),
    *("request", "notice", "patrol", "patrol_photo", "chat", "alert", "grant"),
)
SCOPES: Final = ("camera", "photo", "user", "organisation", "patrol", "room")


class EventLog(Base):
    """What live clients are told."""

    __tablename__ = "event_log"
    __table_args__ = (
        UniqueConstraint("message_id"),
        Index("ix_event_log_created_at", "created_at"),
        one_of("event", *EVENTS),
        one_of("scope_type", *SCOPES),
        table(
            "What live clients are told, in order. The id is that of the server-sent event: clients resume there.",
            autoincrement=True,
        ),
    )

    event_id: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True, comment="rises; may have gaps")
    message_id: Mapped[Ulid] = mapped_column(comment="derived from the cause: a repeated cause makes no second event")
    event: Mapped[Word] = mapped_column(comment="name of the server-sent event")
    scope_type: Mapped[Word] = mapped_column(comment="kind of object whose rights decide who hears it")
    scope_id: Mapped[Ulid] = mapped_column(comment="id of that object")
    payload: Mapped[str] = mapped_column(Text, comment="JSON as it was then, without tickets")
    occurred_at: Mapped[Moment] = mapped_column(comment="when the cause happened")
    created_at: Mapped[Moment] = mapped_column(comment="when the row was made; removed after two days")


class IdempotencyKey(Base):
    """An answer that is given again when the same request comes again."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        Index("ix_idempotency_keys_created_at", "created_at"),
        table("The answer to a creation, given again when the same key comes again. Written with what it created."),
    )

    user_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="whose key")
    route: Mapped[str] = mapped_column(ascii_text(64), primary_key=True, comment="for which request")
    idempotency_key: Mapped[str] = mapped_column(ascii_text(64), primary_key=True, comment="as the client sent it")
    request_hash: Mapped[Hash] = mapped_column(comment="keyed SHA-256 of the request: another one may not take the key")
    status: Mapped[int] = mapped_column(comment="HTTP status of the answer")
    answer: Mapped[str] = mapped_column(Text, comment="JSON of the answer")
    created_at: Mapped[Moment] = mapped_column(comment="removed after a day")


class AuditLog(Base):
    """Who did what."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_actor_id", "actor_id", "created_at"),
        Index("ix_audit_log_target_id", "target_id", "created_at"),
        Index("ix_audit_log_org_id", "org_id", "audit_id"),
        Index("ix_audit_log_created_at", "created_at"),
        UniqueConstraint("chain_hash"),
        table("Who did what: logins, and every change a person makes. Only added to.", autoincrement=True),
    )

    audit_id: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True, comment="rises")
    actor_id: Mapped[Ulid | None] = mapped_column(comment="who; null for an unknown user or the command line")
    action: Mapped[Word] = mapped_column(comment="such as camera.create")
    target_type: Mapped[Word] = mapped_column(comment="kind of object")
    target_id: Mapped[str | None] = mapped_column(ULID, comment="id of the object")
    outcome: Mapped[Word] = mapped_column(comment="done or refused")
    address: Mapped[str | None] = mapped_column(ascii_text(45), comment="network address of the caller")
    detail: Mapped[str | None] = mapped_column(String(500), comment="what changed, without secrets")
    created_at: Mapped[Moment] = mapped_column(comment="when")
    org_id: Mapped[Ulid | None] = mapped_column(comment="organisation of the object or actor then; null: unknown")
    previous_hash: Mapped[bytes | None] = mapped_column(HASH, comment="chain_hash of the row before it in the chain")
    chain_hash: Mapped[bytes | None] = mapped_column(
        HASH, comment="SHA-256 of this row and previous_hash; null: older than the chain, or not chained yet"
    )


class ClockRun(Base):
    """One chore done at its time."""

    __tablename__ = "clock_runs"
    __table_args__ = (
        UniqueConstraint("chore", "planned_at"),
        Index("ix_clock_runs_started_at", "started_at"),
        one_of("outcome", "running", "done", "failed", "missed"),
        table("One chore of the clock, done at its time or caught up: once among all replicas, with its result."),
    )

    run_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    chore: Mapped[Word] = mapped_column(comment="which chore")
    planned_at: Mapped[Moment] = mapped_column(comment="when it was due")
    started_at: Mapped[Moment] = mapped_column(comment="when it began")
    ended_at: Mapped[Moment | None] = mapped_column(comment="when it ended; null: not yet, or its process died")
    outcome: Mapped[Word] = mapped_column(comment="running, done, failed or missed (nobody was there)")
    detail: Mapped[str | None] = mapped_column(String(500), comment="what it did, or why it failed")
