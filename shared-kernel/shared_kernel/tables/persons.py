"""Whom the installation knows by face, on what basis, and by which pictures. Written by face-search.

What somebody would have to be told about (name, lists, consent, pictures) is here; where a face was seen is in
`sightings`. Erasing a person removes rows, it marks none: what stays is a receipt, `FaceErasure`.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import MYSQL, Base, Fraction, Hash, Moment, Ulid, Word, ascii_text, one_of, table

#: Up to 1,024 dimensions of float32.
VECTOR = LargeBinary(4096).with_variant(mysql.VARBINARY(4096), *MYSQL)
#: A merge may move thousands of sightings, whose ids it keeps: 64 KiB would not do.
LONG_JSON = Text().with_variant(mysql.MEDIUMTEXT(), *MYSQL)


class FaceList(Base):
    """A list that persons are on; it decides whether seeing them is an alert and how long sightings are kept."""

    __tablename__ = "face_lists"
    __table_args__ = (
        UniqueConstraint("code"),
        one_of("kind", "staff", "visitor", "watch", "own"),
        CheckConstraint("keep_days IS NULL OR keep_days >= 1", name="keep_days"),
        table("A list that persons are on: staff, visitors, those to watch for, and own ones."),
    )

    list_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    code: Mapped[Word] = mapped_column(comment="short name for imports and filters")
    name: Mapped[str] = mapped_column(String(64), comment="what people call it")
    kind: Mapped[Word] = mapped_column(comment="staff, visitor, watch or own")
    alerts: Mapped[bool] = mapped_column(comment="true: seeing somebody of it raises an alert")
    keep_days: Mapped[int | None] = mapped_column(comment="sightings older than this go; null: as the service is set")
    created_at: Mapped[Moment] = mapped_column(comment="when it was made")


class Person(Base):
    """Somebody who is enrolled."""

    __tablename__ = "persons"
    __table_args__ = (
        UniqueConstraint("external_ref"),
        Index("ix_persons_created_at", "created_at", "person_id"),
        Index("ix_persons_name", "name"),
        Index("ix_persons_expires_at", "expires_at"),
        Index("ix_persons_merged_into", "merged_into"),
        one_of("basis", "consent", "contract", "duty", "safety"),
        table("Somebody who is enrolled, on what legal basis, and until when. Erasing removes the row."),
    )

    person_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    name: Mapped[str] = mapped_column(String(64), comment="what people call them")
    external_ref: Mapped[str | None] = mapped_column(String(64), comment="number in another system, such as staff no.")
    note: Mapped[str] = mapped_column(String(500), comment="what guards should know")
    basis: Mapped[Word] = mapped_column(comment="consent, contract, duty (of law) or (public) safety")
    basis_detail: Mapped[str] = mapped_column(String(200), comment="such as where the signed consent lies")
    consented_at: Mapped[Moment | None] = mapped_column(comment="when consent was given")
    expires_at: Mapped[Moment | None] = mapped_column(comment="after this the person is erased; null: no end")
    merged_into: Mapped[Ulid | None] = mapped_column(comment="who this turned out to be; null: a person of their own")
    created_by: Mapped[Ulid | None] = mapped_column(comment="user; null: command line")
    created_at: Mapped[Moment] = mapped_column(comment="when the row was made")
    updated_at: Mapped[Moment] = mapped_column(comment="when the row last changed")


class PersonOnList(Base):
    """A person is on a list."""

    __tablename__ = "person_lists"
    __table_args__ = (
        Index("ix_person_lists_list_id", "list_id"),
        table("Who is on which list."),
    )

    person_id: Mapped[Ulid] = mapped_column(
        ForeignKey("persons.person_id", ondelete="CASCADE"), primary_key=True, comment="who"
    )
    list_id: Mapped[Ulid] = mapped_column(
        ForeignKey("face_lists.list_id", ondelete="CASCADE"), primary_key=True, comment="on which list"
    )
    added_at: Mapped[Moment] = mapped_column(comment="since when")


class FaceSample(Base):
    """A picture by which a person is recognised."""

    __tablename__ = "face_samples"
    __table_args__ = (
        UniqueConstraint("person_id", "content_sha256"),
        Index("ix_face_samples_sighting_id", "sighting_id"),
        one_of("source", "upload", "import", "sighting"),
        one_of("mask_state", "with_mask", "without_mask", "mask_worn_incorrectly"),
        CheckConstraint("quality >= 0 AND quality <= 1", name="quality"),
        table("A picture by which a person is recognised: the cut face, from which vectors can be made again."),
    )

    sample_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    person_id: Mapped[Ulid] = mapped_column(ForeignKey("persons.person_id"), comment="whose face")
    content_sha256: Mapped[Hash] = mapped_column(comment="of the picture as it was sent: a repeat is no second sample")
    crop_key: Mapped[str] = mapped_column(ascii_text(255), comment="the face with some surroundings, JPEG")
    aligned_key: Mapped[str] = mapped_column(ascii_text(255), comment="the upright face as the network reads it, PNG")
    quality: Mapped[Fraction] = mapped_column(comment="0 to 1")
    quality_reasons: Mapped[str] = mapped_column(ascii_text(200), comment="codes of what is not good, comma separated")
    mask_state: Mapped[Word] = mapped_column(comment="what the face wears")
    covered: Mapped[bool] = mapped_column(comment="mouth or nose cannot be seen")
    source: Mapped[Word] = mapped_column(comment="upload, import or sighting")
    sighting_id: Mapped[Ulid | None] = mapped_column(comment="the sighting it was taken from")
    created_by: Mapped[Ulid | None] = mapped_column(comment="user; null: command line")
    created_at: Mapped[Moment] = mapped_column(comment="when it was enrolled")


class FaceModel(Base):
    """An embedding model that has, had or will have vectors here."""

    __tablename__ = "face_models"
    __table_args__ = (
        one_of("state", "building", "serving", "retired"),
        CheckConstraint("dimension >= 16 AND dimension <= 1024", name="dimension"),
        table("An embedding model whose vectors are kept. One is serving; another may be building beside it."),
    )

    model: Mapped[Word] = mapped_column(primary_key=True, comment="name and version, such as sface-2021dec")
    dimension: Mapped[int] = mapped_column(comment="of its vectors")
    state: Mapped[Word] = mapped_column(comment="building, serving or retired")
    created_at: Mapped[Moment] = mapped_column(comment="when the first vector was asked of it")
    served_at: Mapped[Moment | None] = mapped_column(comment="since when it answers searches")


class FaceVector(Base):
    """The vector of one face by one model. The truth; the vector index is a cache of these rows."""

    __tablename__ = "face_vectors"
    __table_args__ = (
        UniqueConstraint("subject_id", "model"),
        Index("ix_face_vectors_index_state", "index_state", "model"),
        Index("ix_face_vectors_model", "model", "vector_id"),
        one_of("kind", "sample", "sighting"),
        one_of("index_state", "pending", "indexed", "removing"),
        table("The vector of one face by one model: the truth, of which the vector index is a cache."),
    )

    vector_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="derived from subject and model; id in the index")
    kind: Mapped[Word] = mapped_column(comment="sample or sighting")
    subject_id: Mapped[Ulid] = mapped_column(comment="which sample or sighting")
    model: Mapped[Word] = mapped_column(comment="which model made it")
    vector: Mapped[bytes] = mapped_column(VECTOR, comment="float32, little-endian, length 1")
    index_state: Mapped[Word] = mapped_column(
        comment="pending: not in the index yet; indexed; removing: to be taken out"
    )
    updated_at: Mapped[Moment] = mapped_column(comment="when the row last changed")


class GalleryChange(Base):
    """A decision about who is who that can be taken back."""

    __tablename__ = "gallery_changes"
    __table_args__ = (
        Index("ix_gallery_changes_person_id", "person_id", "created_at"),
        Index("ix_gallery_changes_created_at", "created_at"),
        one_of("kind", "merge", "split", "not_this_person", "confirm", "lists"),
        table("A decision about who is who, with what is needed to take it back."),
    )

    change_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    kind: Mapped[Word] = mapped_column(comment="merge, split, not_this_person, confirm or lists")
    person_id: Mapped[Ulid] = mapped_column(comment="about whom")
    other_id: Mapped[str | None] = mapped_column(ascii_text(26), comment="the other person or the sighting")
    before: Mapped[str] = mapped_column(LONG_JSON, comment="JSON: ids and links as they were, never names or pictures")
    created_by: Mapped[Ulid | None] = mapped_column(comment="user; null: command line")
    created_at: Mapped[Moment] = mapped_column(comment="when")
    undone_at: Mapped[Moment | None] = mapped_column(comment="when it was taken back")
    undone_by: Mapped[Ulid | None] = mapped_column(comment="by which user")
