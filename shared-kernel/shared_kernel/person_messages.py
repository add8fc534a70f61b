"""What is said about persons: photos that wait to be searched, who was seen, who was erased. Part of `messages`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared_kernel.wire import Fraction, Message, Moment, Retention, derived_id

#: Who a face is, and who said so. `near_tie`: two persons are about equally near; `unusable`: too poor to compare.
Decision = Literal["unknown", "auto", "near_tie", "confirmed", "rejected", "unusable"]
#: What a list of persons is for.
ListKind = Literal["staff", "visitor", "watch", "own"]


class PatrolPhotoTaken(Message):
    """A patrol photo waits in object storage under `key`: everybody on it becomes a sighting."""

    topic = "patrol_photo.taken.v1"
    retention = Retention(max_len=None, groups=("face-search",))

    photo_id: str
    key: str
    taken_at: Moment
    taken_by: str = Field(description="user")
    lon: float | None = Field(None, ge=-180, le=180, description="longitude, degrees, WGS-84")
    lat: float | None = Field(None, ge=-90, le=90, description="latitude, degrees, WGS-84")
    patrol_id: str | None = None


class PersonSighted(Message):
    """A face was compared with everybody who is enrolled. Sent for each picture of a sighting, known or not."""

    topic = "person.sighted.v1"
    retention = Retention(max_len=None, groups=("miniprogram-api",))

    sighting_id: str
    picture: Literal[0, 1] = Field(0, description="1: a better picture of the pass, from its end")
    source: Literal["pass", "photo"]
    source_id: str = Field(description="which pass or photo")
    camera_id: str | None = Field(None, description="whoever may see this camera may see the sighting")
    taken_by: str | None = Field(None, description="user who took the photo, and may see the sighting")
    seen_at: Moment
    decision: Decision
    person_id: str | None = Field(None, description="who it is, or with a near tie the nearer one")
    person_name: str | None = None
    list_kinds: tuple[ListKind, ...] = Field((), description="of the lists the person is on")
    list_names: tuple[str, ...] = ()
    alerts: bool = Field(default=False, description="one of the lists wants to be told")
    alert_id: str | None = Field(None, description="the alert that face-search keeps, to be acknowledged there")
    score: float | None = Field(None, ge=-1, le=1, description="cosine to the nearest person")
    threshold: float | None = Field(None, ge=-1, le=1, description="what it had to reach")
    covered: bool = Field(default=False, description="mouth or nose could not be seen")
    quality: Fraction = 0.0
    crop_key: str = Field(description="object key of the face as it was seen, JPEG")
    sample_id: str | None = Field(None, description="the nearest picture of the person")
    sample_crop_key: str | None = Field(None, description="object key of that picture, JPEG")
    lon: float | None = Field(None, ge=-180, le=180, description="longitude then, degrees, WGS-84")
    lat: float | None = Field(None, ge=-90, le=90, description="latitude then, degrees, WGS-84")

    @property
    def message_id(self) -> str:
        return sighted_ids(self.sighting_id)[self.picture]


def sighted_ids(sighting_id: str) -> tuple[str, str]:
    """Give the message ids that a sighting can have, one for each picture."""
    return derived_id(sighting_id, "sighted"), derived_id(sighting_id, "sighted again")


class PersonErased(Message):
    """Somebody was erased: the evidence of these passes, their clips and what was told of them must go."""

    topic = "person.erased.v1"
    retention = Retention(max_len=None, groups=("miniprogram-api",))

    erasure_id: str
    erased_at: Moment
    person_id: str | None = Field(None, description="who; null: somebody who was not enrolled")
    pass_ids: tuple[str, ...] = Field((), max_length=500, description="a long list comes in several messages")
    sighting_ids: tuple[str, ...] = Field((), max_length=500, description="of which live clients were told")
