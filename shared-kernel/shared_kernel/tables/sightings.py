"""Where faces were seen, who was searched and why, imports, and what was erased. Written by face-search."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import Base, Fraction, Hash, Moment, Ulid, Word, ascii_text, one_of, table


class Sighting(Base):
    """A face that was seen, recognised or not."""

    __tablename__ = "sightings"
    __table_args__ = (
        Index("ix_sightings_person_id", "person_id", "seen_at", "sighting_id"),
        Index("ix_sightings_camera_id", "camera_id", "seen_at", "sighting_id"),
        Index("ix_sightings_seen_at", "seen_at", "sighting_id"),
        Index("ix_sightings_source_id", "source_id"),
        one_of("source", "pass", "photo"),
        one_of("decision", "unknown", "auto", "near_tie", "confirmed", "rejected", "unusable"),
        one_of("mask_state", "with_mask", "without_mask", "mask_worn_incorrectly"),
        CheckConstraint("quality >= 0 AND quality <= 1", name="quality"),
        table("A face that was seen, recognised or not: one row a pass, or face of a photo. No foreign keys."),
    )

    sighting_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="derived from its source: a repeat is one row")
    source: Mapped[Word] = mapped_column(comment="pass (of a camera) or photo (of a patrol)")
    source_id: Mapped[Ulid] = mapped_column(comment="which pass or photo")
    face_no: Mapped[int] = mapped_column(comment="which face of the photo, from 0")
    camera_id: Mapped[Ulid | None] = mapped_column(comment="whoever may see this camera may see the sighting")
    taken_by: Mapped[Ulid | None] = mapped_column(comment="user who took the photo")
    seen_at: Mapped[Moment] = mapped_column(comment="when the face was seen")
    lon: Mapped[Decimal | None] = mapped_column(Numeric(9, 6), comment="longitude then, degrees, WGS-84")
    lat: Mapped[Decimal | None] = mapped_column(Numeric(8, 6), comment="latitude then, degrees, WGS-84")
    crop_key: Mapped[str] = mapped_column(ascii_text(255), comment="the face with some surroundings, JPEG")
    aligned_key: Mapped[str | None] = mapped_column(
        ascii_text(255), comment="the upright face, PNG; null: no face found"
    )
    mask_state: Mapped[Word] = mapped_column(comment="what the face wore")
    covered: Mapped[bool] = mapped_column(comment="mouth or nose cannot be seen: compared by another threshold")
    quality: Mapped[Fraction] = mapped_column(comment="0 to 1")
    quality_reasons: Mapped[str] = mapped_column(ascii_text(200), comment="codes of what is not good, comma separated")
    model: Mapped[Word] = mapped_column(comment="model that compared it")
    person_id: Mapped[Ulid | None] = mapped_column(comment="who it is; null: unknown")
    decision: Mapped[Word] = mapped_column(
        comment="unknown, auto, near_tie, confirmed, rejected (by a human) or unusable (too poor to compare)"
    )
    score: Mapped[float | None] = mapped_column(Double, comment="cosine to the nearest person, -1 to 1")
    threshold: Mapped[float | None] = mapped_column(Double, comment="what the score had to reach then")
    runner_up_id: Mapped[Ulid | None] = mapped_column(comment="the next nearest person, when near")
    runner_up_score: Mapped[float | None] = mapped_column(Double, comment="their cosine")
    decided_by: Mapped[Ulid | None] = mapped_column(comment="user who confirmed or rejected")
    decided_at: Mapped[Moment | None] = mapped_column(comment="when")
    recorded_at: Mapped[Moment] = mapped_column(comment="when the row was made")


class WatchAlert(Base):
    """Somebody on a list that wants to be told was seen."""

    __tablename__ = "watch_alerts"
    __table_args__ = (
        UniqueConstraint("sighting_id", "person_id"),
        Index("ix_watch_alerts_seen_at", "seen_at", "alert_id"),
        Index("ix_watch_alerts_person_id", "person_id"),
        table("Somebody on a list that wants to be told was seen: one row a sighting and person. Gone with either."),
    )

    alert_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="derived from sighting and person")
    sighting_id: Mapped[Ulid] = mapped_column(comment="which sighting; whoever may see it may see the alert")
    person_id: Mapped[Ulid] = mapped_column(comment="who is on the list")
    list_names: Mapped[str] = mapped_column(Text, comment="JSON: the lists that wanted to be told, as they were called")
    score: Mapped[float | None] = mapped_column(Double, comment="cosine to the person then, -1 to 1")
    threshold: Mapped[float | None] = mapped_column(Double, comment="what it had to reach then")
    near_tie: Mapped[bool] = mapped_column(comment="another person was about as near")
    seen_at: Mapped[Moment] = mapped_column(comment="when the face was seen")
    raised_at: Mapped[Moment] = mapped_column(comment="when the row was made")
    acknowledged_by: Mapped[Ulid | None] = mapped_column(comment="user who has seen to it first")
    acknowledged_at: Mapped[Moment | None] = mapped_column(comment="when; null: nobody yet")


class NotThisPerson(Base):
    """A human said: the face of this sighting is not this person."""

    __tablename__ = "face_negatives"
    __table_args__ = (
        Index("ix_face_negatives_sighting_id", "sighting_id"),
        table("A human said that a sighting is not this person; searches respect it for faces like that one."),
    )

    person_id: Mapped[Ulid] = mapped_column(
        ForeignKey("persons.person_id", ondelete="CASCADE"), primary_key=True, comment="who it is not"
    )
    sighting_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="whose face; its vector is the negative sample")
    created_by: Mapped[Ulid | None] = mapped_column(comment="user; null: command line")
    created_at: Mapped[Moment] = mapped_column(comment="when")


class FaceQuery(Base):
    """Who searched for whom, and why."""

    __tablename__ = "face_queries"
    __table_args__ = (
        Index("ix_face_queries_created_at", "created_at", "query_id"),
        Index("ix_face_queries_user_id", "user_id", "created_at"),
        one_of("kind", "search", "compare", "batch", "person", "trajectory", "export"),
        table("Every look for a face: who, why, with what, and what was shown. Only added to."),
    )

    query_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    user_id: Mapped[Ulid] = mapped_column(comment="who searched")
    kind: Mapped[Word] = mapped_column(comment="search, compare, batch, person, trajectory or export")
    purpose: Mapped[str] = mapped_column(String(200), comment="why, in the words of the user")
    subject: Mapped[str] = mapped_column(ascii_text(64), comment="photo, or the id of the person or sighting")
    parameters: Mapped[str] = mapped_column(Text, comment="JSON: filters, threshold, how many")
    shown: Mapped[str] = mapped_column(Text, comment="JSON: ids of persons and sightings that were shown")
    address: Mapped[str | None] = mapped_column(ascii_text(45), comment="network address of the caller")
    created_at: Mapped[Moment] = mapped_column(comment="when")


class FaceImport(Base):
    """A folder or ZIP of pictures that is being enrolled."""

    __tablename__ = "face_imports"
    __table_args__ = (
        Index("ix_face_imports_created_at", "created_at"),
        one_of("state", "waiting", "running", "done", "failed", "cancelled"),
        CheckConstraint("total >= 0 AND accepted >= 0 AND refused >= 0", name="counts"),
        table("A ZIP or folder of pictures that is being enrolled; resumed where it stopped."),
    )

    import_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    name: Mapped[str] = mapped_column(String(120), comment="file or folder, as it was called")
    object_key: Mapped[str] = mapped_column(ascii_text(255), comment="where the ZIP lies; removed when it is done")
    settings: Mapped[str] = mapped_column(Text, comment="JSON: list, basis, expiry for those whom it brings")
    state: Mapped[Word] = mapped_column(comment="waiting, running, done, failed or cancelled")
    total: Mapped[int] = mapped_column(comment="pictures in it")
    accepted: Mapped[int] = mapped_column(comment="enrolled")
    refused: Mapped[int] = mapped_column(comment="not enrolled, with a reason")
    detail: Mapped[str | None] = mapped_column(String(200), comment="why it failed")
    created_by: Mapped[Ulid | None] = mapped_column(comment="user; null: command line")
    created_at: Mapped[Moment] = mapped_column(comment="when it came")
    heard_at: Mapped[Moment] = mapped_column(comment="last progress; a silent one is taken over")
    ended_at: Mapped[Moment | None] = mapped_column(comment="when it was done, failed or cancelled")


class FaceImportLine(Base):
    """What became of one picture of an import."""

    __tablename__ = "face_import_lines"
    __table_args__ = (
        one_of("outcome", "accepted", "repeated", "refused"),
        table("What became of one picture of an import: the report, and where a resumed one goes on."),
    )

    import_id: Mapped[Ulid] = mapped_column(
        ForeignKey("face_imports.import_id", ondelete="CASCADE"), primary_key=True, comment="which import"
    )
    line_no: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="from 1")
    file: Mapped[str] = mapped_column(String(255), comment="path in the ZIP or folder")
    outcome: Mapped[Word] = mapped_column(comment="accepted, repeated (was enrolled already) or refused")
    reason: Mapped[str | None] = mapped_column(ascii_text(32), comment="code of why it was refused")
    detail: Mapped[str | None] = mapped_column(String(200), comment="the reason in words")
    person_id: Mapped[Ulid | None] = mapped_column(comment="whom it was enrolled for")
    sample_id: Mapped[Ulid | None] = mapped_column(comment="as which sample")


class FaceErasure(Base):
    """A receipt: what was removed for one person or photo. Holds nothing by which they could be recognised."""

    __tablename__ = "face_erasures"
    __table_args__ = (
        UniqueConstraint("subject_id"),
        Index("ix_face_erasures_requested_at", "requested_at"),
        one_of("cause", "request", "expiry", "retention"),
        one_of("state", "running", "done"),
        table("What was removed for one person or photo. Names ids and counts only; kept also beside the database."),
    )

    erasure_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID, printed on the receipt")
    subject_id: Mapped[Ulid] = mapped_column(comment="person that was erased, or derived from the photo")
    cause: Mapped[Word] = mapped_column(comment="request, expiry (of consent) or retention")
    reason: Mapped[str] = mapped_column(String(200), comment="in the words of who asked")
    state: Mapped[Word] = mapped_column(comment="running (goes on after a crash) or done")
    removed: Mapped[str] = mapped_column(Text, comment="JSON: how many rows, vectors, pictures; and their ids")
    requested_by: Mapped[Ulid | None] = mapped_column(comment="user; null: the clock or the command line")
    requested_at: Mapped[Moment] = mapped_column(comment="when it was asked")
    done_at: Mapped[Moment | None] = mapped_column(comment="when nothing was left")


class FaceAnswer(Base):
    """An answer of face-search that is given again when the same request comes again."""

    __tablename__ = "face_answers"
    __table_args__ = (
        Index("ix_face_answers_created_at", "created_at"),
        table("The answer to a creation, given again when the same key comes again. Written with what it created."),
    )

    user_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="whose key")
    route: Mapped[str] = mapped_column(ascii_text(64), primary_key=True, comment="for which request")
    idempotency_key: Mapped[str] = mapped_column(ascii_text(64), primary_key=True, comment="as the client sent it")
    request_hash: Mapped[Hash] = mapped_column(comment="keyed SHA-256 of the request: another one may not take the key")
    answer: Mapped[str] = mapped_column(Text, comment="JSON of the answer")
    created_at: Mapped[Moment] = mapped_column(comment="removed after a day")


class FloorPlan(Base):
    """A picture to draw movements on where no map can be loaded."""

    __tablename__ = "floor_plans"
    __table_args__ = (
        CheckConstraint("west < east AND south < north", name="corners"),
        table("A picture to draw movements on, laid between two corners."),
    )

    plan_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    name: Mapped[str] = mapped_column(String(64), comment="such as Building 2, ground floor")
    object_key: Mapped[str] = mapped_column(ascii_text(255), comment="where the picture lies")
    width: Mapped[int] = mapped_column(comment="pixels")
    height: Mapped[int] = mapped_column(comment="pixels")
    bytes: Mapped[int] = mapped_column(BigInteger, comment="size")
    west: Mapped[float] = mapped_column(Double, comment="longitude of the left edge, degrees, WGS-84")
    south: Mapped[float] = mapped_column(Double, comment="latitude of the lower edge")
    east: Mapped[float] = mapped_column(Double, comment="longitude of the right edge")
    north: Mapped[float] = mapped_column(Double, comment="latitude of the upper edge")
    created_at: Mapped[Moment] = mapped_column(comment="when it was added")
