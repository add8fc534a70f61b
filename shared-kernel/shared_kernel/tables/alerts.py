"""Alerts: what raises them, what becomes of them, and who is told where."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import Base, Moment, Ulid, Word, ascii_text, one_of, table


class AlertRule(Base):
    """What raises an alert."""

    __tablename__ = "alert_rules"
    __table_args__ = (
        Index("ix_alert_rules_org_id", "org_id"),
        Index("ix_alert_rules_camera_id", "camera_id"),
        Index("ix_alert_rules_group_id", "group_id"),
        one_of("kind", "state", "camera_down"),
        one_of("severity", "info", "warning", "critical"),
        CheckConstraint("camera_id IS NULL OR group_id IS NULL", name="scope"),
        CheckConstraint("hold_s >= 0 AND cooldown_s >= 0", name="times"),
        CheckConstraint("min_confidence IS NULL OR (min_confidence >= 0 AND min_confidence <= 1)", name="confidence"),
        table("What raises an alert: a state for some time, in a zone, at some hours, then a pause."),
    )

    rule_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    org_id: Mapped[Ulid] = mapped_column(
        ForeignKey("organisations.org_id"), comment="whose cameras it watches, with those below"
    )
    camera_id: Mapped[Ulid | None] = mapped_column(ForeignKey("cameras.camera_id"), comment="only this camera")
    group_id: Mapped[Ulid | None] = mapped_column(
        ForeignKey("camera_groups.group_id", ondelete="CASCADE"), comment="only cameras of this group"
    )
    name: Mapped[str] = mapped_column(String(64), comment="what people call it")
    kind: Mapped[Word] = mapped_column(comment="state (of a person who passes) or camera_down")
    states: Mapped[str | None] = mapped_column(ascii_text(120), comment="JSON: which mask states; null for cameras")
    hold_s: Mapped[int] = mapped_column(Integer, comment="for how long it has to be so, seconds")
    zone: Mapped[str | None] = mapped_column(String(64), comment="name of a zone of the camera; null: everywhere")
    hours: Mapped[str | None] = mapped_column(Text, comment="JSON: when it counts, by weekday; null: always")
    cooldown_s: Mapped[int] = mapped_column(Integer, comment="after an alert this camera raises none for so long")
    min_confidence: Mapped[float | None] = mapped_column(Double, comment="how sure the verdict has to be, 0 to 1")
    severity: Mapped[Word] = mapped_column(comment="info, warning or critical")
    enabled: Mapped[bool] = mapped_column(comment="false: raises nothing")
    created_by: Mapped[Ulid | None] = mapped_column(comment="which user made it; null: came with the installation")
    created_at: Mapped[Moment] = mapped_column(comment="when")
    updated_at: Mapped[Moment] = mapped_column(comment="when it last changed")
    deleted_at: Mapped[Moment | None] = mapped_column(comment="removed; the row stays because its alerts do")


class Alert(Base):
    """Something that somebody has to look at."""

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("cause"),
        Index("ix_alerts_org_id", "org_id", "raised_at", "alert_id"),
        Index("ix_alerts_state", "state", "raised_at", "alert_id"),
        Index("ix_alerts_camera_id", "camera_id", "raised_at", "alert_id"),
        Index("ix_alerts_assigned_to", "assigned_to", "state"),
        Index("ix_alerts_rule_id", "rule_id", "raised_at"),
        one_of("kind", "state", "camera_down"),
        one_of("state", "new", "acknowledged", "assigned", "resolved", "false_alarm"),
        one_of("severity", "info", "warning", "critical"),
        CheckConstraint("state <> 'assigned' OR assigned_to IS NOT NULL", name="assigned_to"),
        CheckConstraint("repeats >= 0", name="repeats"),
        table("Something that somebody has to look at. The same cause makes one."),
    )

    alert_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="derived from its cause")
    cause: Mapped[str] = mapped_column(ascii_text(120), comment="rule and what it saw: a repeated message is no second")
    rule_id: Mapped[Ulid] = mapped_column(comment="which rule raised it")
    org_id: Mapped[Ulid] = mapped_column(ForeignKey("organisations.org_id"), comment="the camera's organisation then")
    camera_id: Mapped[Ulid | None] = mapped_column(comment="whoever may see this camera may see the alert")
    pass_id: Mapped[Ulid | None] = mapped_column(comment="the pass that raised it, with its pictures")
    outage_id: Mapped[Ulid | None] = mapped_column(comment="the outage that raised it")
    kind: Mapped[Word] = mapped_column(comment="state or camera_down, as the rule said")
    severity: Mapped[Word] = mapped_column(comment="info, warning or critical, as the rule said")
    detail: Mapped[str] = mapped_column(Text, comment="JSON: what was seen, for people and messages")
    state: Mapped[Word] = mapped_column(comment="new, acknowledged, assigned, resolved or false_alarm")
    repeats: Mapped[int] = mapped_column(Integer, comment="what came during the pause and raised no alert of its own")
    assigned_to: Mapped[Ulid | None] = mapped_column(comment="which user sees to it")
    raised_at: Mapped[Moment] = mapped_column(comment="when it happened")
    acknowledged_at: Mapped[Moment | None] = mapped_column(comment="when somebody first said to have seen it")
    acknowledged_by: Mapped[Ulid | None] = mapped_column(comment="by which user")
    closed_at: Mapped[Moment | None] = mapped_column(comment="when it was resolved or called false")
    closed_by: Mapped[Ulid | None] = mapped_column(comment="by which user; null: the cause ended by itself")
    kept_key: Mapped[str | None] = mapped_column(
        ascii_text(255), comment="of a false alarm: where its pictures are kept for training"
    )
    updated_at: Mapped[Moment] = mapped_column(comment="when the row last changed")


class AlertComment(Base):
    """What somebody said or did about an alert."""

    __tablename__ = "alert_comments"
    __table_args__ = (
        Index("ix_alert_comments_alert_id", "alert_id", "comment_id"),
        table("What somebody said about an alert, and every change of its state."),
    )

    comment_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    alert_id: Mapped[Ulid] = mapped_column(
        ForeignKey("alerts.alert_id", ondelete="CASCADE"), comment="about which alert"
    )
    user_id: Mapped[Ulid | None] = mapped_column(comment="who; null: the system")
    body: Mapped[str] = mapped_column(String(1000), comment="plain text; may be empty with a change of state")
    state: Mapped[Word | None] = mapped_column(comment="what the alert became with it; null: only words")
    created_at: Mapped[Moment] = mapped_column(comment="when")


class DeliveryChannel(Base):
    """Where alerts are sent."""

    __tablename__ = "delivery_channels"
    __table_args__ = (
        Index("ix_delivery_channels_org_id", "org_id"),
        one_of("kind", "webhook", "email", "wecom", "dingtalk", "feishu"),
        one_of("min_severity", "info", "warning", "critical"),
        table("Where alerts of an organisation are sent: a webhook, an e-mail address, a robot of a group."),
    )

    channel_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    org_id: Mapped[Ulid] = mapped_column(ForeignKey("organisations.org_id"), comment="whose alerts, with those below")
    name: Mapped[str] = mapped_column(String(64), comment="what people call it")
    kind: Mapped[Word] = mapped_column(comment="webhook, email, wecom, dingtalk or feishu")
    address_cipher: Mapped[str] = mapped_column(
        ascii_text(4096), comment="web or e-mail address, Fernet: addresses of robots are secrets"
    )
    shown_address: Mapped[str] = mapped_column(String(200), comment="what people see of it")
    secret_cipher: Mapped[str | None] = mapped_column(ascii_text(1024), comment="what signs its messages, Fernet")
    min_severity: Mapped[Word] = mapped_column(comment="less severe alerts are not sent")
    enabled: Mapped[bool] = mapped_column(comment="false: nothing is sent")
    created_by: Mapped[Ulid] = mapped_column(comment="which user made it")
    created_at: Mapped[Moment] = mapped_column(comment="when")
    updated_at: Mapped[Moment] = mapped_column(comment="when it last changed")
    deleted_at: Mapped[Moment | None] = mapped_column(comment="removed; the row stays because its deliveries do")


class Delivery(Base):
    """One message to one channel."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("channel_id", "cause"),
        Index("ix_deliveries_next_at", "state", "next_at"),
        Index("ix_deliveries_alert_id", "alert_id"),
        Index("ix_deliveries_created_at", "created_at"),
        one_of("state", "waiting", "sent", "failed"),
        CheckConstraint("attempts >= 0", name="attempts"),
        table("One message to one channel: tried again with growing pauses, then failed; it can be sent anew."),
    )

    delivery_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="derived from channel and cause: sent along")
    channel_id: Mapped[Ulid] = mapped_column(ForeignKey("delivery_channels.channel_id"), comment="to which channel")
    alert_id: Mapped[Ulid | None] = mapped_column(comment="about which alert; null: a test or a digest")
    cause: Mapped[str] = mapped_column(ascii_text(120), comment="alert and what became of it: told once a channel")
    payload: Mapped[str] = mapped_column(Text, comment="JSON that is sent, made when the cause happened")
    state: Mapped[Word] = mapped_column(comment="waiting, sent or failed")
    attempts: Mapped[int] = mapped_column(Integer, comment="how often it was tried")
    next_at: Mapped[Moment | None] = mapped_column(comment="when it is tried next; null: not any more")
    last_answer: Mapped[str | None] = mapped_column(String(200), comment="what came back last, without secrets")
    created_at: Mapped[Moment] = mapped_column(comment="when it was due first")
    sent_at: Mapped[Moment | None] = mapped_column(comment="when it was accepted")
