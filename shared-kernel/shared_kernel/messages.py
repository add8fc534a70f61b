"""The vocabulary of the bus, in the order a frame meets it. Read this first.

stream-service     FrameCaptured  ->  inference-service
inference-service  FrameAnalysed  ->  stream-service (the instance that owns the camera)
stream-service     PassObserved   ->  miniprogram-api (rows, alerts, live events) and face-search
face-search        PersonSighted  ->  miniprogram-api (alerts, live events)

Beside that way: single photos (PhotoSubmitted, answered with PhotoAnalysed) and the pictures of live sessions in a
browser or a phone (LiveFrameSubmitted, LiveFrameAnalysed), both from the web to the workers of inference-service.

Kept beside the passes: single frames in order (FramesArchived) and video (FootageRecorded), both to miniprogram-api.
About persons (`person_messages`): PatrolPhotoTaken, PersonSighted, PersonErased.

Messages are frozen. Within a version changes are additive: unknown fields are ignored, new fields have defaults, and
every example ever kept in `contracts/` still parses. Boxes and points are fractions of the picture, times are UTC.
"""

from __future__ import annotations

import enum
from typing import Literal

from pydantic import Field

from shared_kernel.person_messages import Decision as Decision
from shared_kernel.person_messages import ListKind as ListKind
from shared_kernel.person_messages import PatrolPhotoTaken as PatrolPhotoTaken
from shared_kernel.person_messages import PersonErased as PersonErased
from shared_kernel.person_messages import PersonSighted as PersonSighted
from shared_kernel.person_messages import sighted_ids as sighted_ids
from shared_kernel.wire import NAMESPACE_XUNSHI as NAMESPACE_XUNSHI
from shared_kernel.wire import Box as Box
from shared_kernel.wire import Fraction as Fraction
from shared_kernel.wire import Message as Message
from shared_kernel.wire import Moment as Moment
from shared_kernel.wire import Retention as Retention
from shared_kernel.wire import Wire as Wire
from shared_kernel.wire import derived_id as derived_id
from shared_kernel.wire import new_id as new_id


class MaskState(enum.StrEnum):
    """What a face wears. Only `WITH_MASK` counts as protected."""

    WITH_MASK = "with_mask"
    WITHOUT_MASK = "without_mask"
    MASK_WORN_INCORRECTLY = "mask_worn_incorrectly"

    @property
    def protected(self) -> bool:
        return self is MaskState.WITH_MASK


class Face(Wire):
    """One face and its verdict. Landmarks: right eye, left eye, nose, right, left mouth corner (the person's own)."""

    box: Box
    score: Fraction
    state: MaskState
    state_score: Fraction
    landmarks: tuple[tuple[float, float], ...] = ()


class FrameCaptured(Message):
    """A sampled frame at analysis size. `width` and `height` are those of the full frame, in pixels."""

    topic = "frame.captured.v1"
    retention = Retention(max_len=128, groups=("inference-service",))
    attachment = "jpeg"

    frame_id: str
    camera_id: str
    owner: str
    seq: int
    captured_at: Moment
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    jpeg: bytes = Field(exclude=True, repr=False, description="JPEG, long side at most the analysis size")


class FrameAnalysed(Message):
    """The faces of one frame. Routed to `owner`, because only the camera's owner still holds the full frame."""

    topic = "frame.analysed.v1"
    retention = Retention(max_len=256, groups=("stream-service",))

    frame_id: str
    camera_id: str
    owner: str
    seq: int
    captured_at: Moment
    analysed_at: Moment
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    faces: tuple[Face, ...]


class Evidence(Wire):
    """A stored picture: its key in object storage, pixel size and size in bytes."""

    key: str
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    bytes: int = Field(gt=0)


class PassObserved(Message):
    """One person's visit before one camera: `opened` when the decision falls, `closed` when the person is gone.

    Both carry the whole state of the pass, so either alone makes a correct row; `pass_id` is the row.
    """

    topic = "pass.observed.v1"
    retention = Retention(max_len=None, groups=("miniprogram-api", "face-search"))

    pass_id: str
    phase: Literal["opened", "closed"]
    camera_id: str
    opened_at: Moment
    last_seen_at: Moment
    closed_at: Moment | None = None
    state: MaskState
    confidence: Fraction = Field(description="share of the votes for `state`")
    frames: int = Field(ge=1, description="frames in which the person was seen")
    box: Box
    face: Evidence
    scene: Evidence

    @property
    def message_id(self) -> str:
        return derived_id(self.pass_id, self.phase)


class CameraChanged(Message):
    """Somebody added, changed or removed a camera: owners load their list again. Broadcast."""

    topic = "camera.changed.v1"
    retention = Retention(max_len=1000, groups=())

    camera_id: str


#: How a camera is. `connecting`: no picture yet, or just lost; `degraded`: pictures, but fewer or worse than promised;
#: `stale`: connected, without a new picture; `paused`: nobody wants it now, by its plan.
CameraState = Literal["connecting", "online", "degraded", "stale", "offline", "paused"]


class CameraReported(Message):
    """How a camera is: on each change of state and every ten seconds, so that a lost one heals itself."""

    topic = "camera.reported.v1"
    retention = Retention(max_len=5000, groups=("miniprogram-api",))

    camera_id: str
    at: Moment
    state: CameraState | Literal["live", "down"] = Field(description="`live` and `down`: former words, see `condition`")
    since: Moment | None = Field(None, description="since when it is in this state")
    reason: str | None = Field(None, description="code of the reason when it is not online, see CameraReason")
    detail: str | None = Field(None, description="the reason in plain words, without credentials")
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    codec: str | None = None
    transport: Literal["tcp", "udp"] | None = Field(None, description="over what an RTSP camera sends its pictures")
    last_frame_at: Moment | None = None
    skipped_frames: int = Field(0, ge=0, description="sampled frames that were never analysed, since start")
    analysed_frames: int = Field(0, ge=0, description="frames whose analysis came, since start")
    decoded_per_s: float | None = Field(None, ge=0, description="pictures decoded per second, lately")
    analysed_per_s: float | None = Field(None, ge=0, description="frames sent to be analysed per second, lately")
    cpu_share: float | None = Field(None, ge=0, description="processor time of decoding and sampling; 1 is one core")
    fence: int = Field(0, ge=0, description="token of the sender's lease: a later holder's is greater")
    picture_since: Moment | None = Field(None, description="since when pictures come without a break; null: none come")
    outage_since: Moment | None = Field(
        None, description="when the pictures went, while this is more than a blink; null: they are there for good"
    )
    resumes_at: Moment | None = Field(None, description="when its plan wants it again, while it is paused")

    @property
    def condition(self) -> CameraState:
        """The state in the words of today."""
        if self.state == "live":
            return "online"
        return "offline" if self.state == "down" else self.state


class CameraReason(enum.StrEnum):
    """Why a camera gives no picture, or not all of them."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNAUTHORISED = "unauthorised"
    NOT_FOUND = "not_found"
    NO_VIDEO = "no_video"
    UNSUPPORTED_CODEC = "unsupported_codec"
    FROZEN = "frozen"
    CLOSED = "closed"
    INVALID_DATA = "invalid_data"
    BLOCKED_ADDRESS = "blocked_address"
    FILE_MISSING = "file_missing"
    FILE_OUTSIDE = "file_outside"
    DEVICE_BUSY = "device_busy"
    NO_RIGHTS = "no_rights"
    FEW_PICTURES = "few_pictures"
    DAMAGED = "damaged"
    OVERLOADED = "overloaded"
    NOT_ANALYSED = "not_analysed"
    NO_ROOM = "no_room"
    UNSTEADY = "unsteady"
    PLAN = "plan"


#: What a model does with a picture: faces and their mask state, things and their boxes, or one verdict on the whole.
Task = Literal["state", "detect", "classify"]


class FoundObject(Wire):
    """One thing a model found. A verdict on the whole picture has the whole picture as its box."""

    label: str = Field(description="name of one of the model's labels")
    score: Fraction
    box: Box


class PhotoSubmitted(Message):
    """A photo waits in object storage under `key`; the sender waits for the reply until `deadline_at`."""

    topic = "photo.submitted.v1"
    retention = Retention(max_len=1000, groups=("inference-service",))

    photo_id: str
    key: str
    deadline_at: Moment
    model: str = Field("", description="name of the model; empty: the default of `task`")
    version: str = Field("", description="version of the model; empty: the newest")
    task: Task = "state"
    urgency: Literal["interactive", "job"] = Field("interactive", description="whether a person waits")
    min_score: Fraction | None = Field(
        None, description="boxes below are left out, and those below the model's own threshold always"
    )
    annotate: bool = Field(default=False, description="store the photo with boxes and labels drawn, as a JPEG")
    language: Literal["zh", "en"] = Field("zh", description="of the labels that are drawn")

    @property
    def route(self) -> str | None:
        """Where to publish it: jobs have a stream of their own, so that no person waits behind a thousand of them."""
        return "jobs" if self.urgency == "job" else None


class PhotoError(Wire):
    """Why a photo has no verdict. `code` is stable, `detail` is for people."""

    code: str
    detail: str


class PhotoAnalysed(Wire):
    """The reply to one PhotoSubmitted: what was found, or an error. Sent to the waiting caller, not to a topic."""

    photo_id: str
    width: int = 0
    height: int = 0
    model: str = ""
    version: str = Field("", description="of the model that answered")
    faces: tuple[Face, ...] = Field((), description="of a model of the task `state`")
    objects: tuple[FoundObject, ...] = Field((), description="whatever the task: everything found, best score first")
    elapsed_ms: float = Field(0.0, ge=0.0, description="from the photo in the worker's hand to the verdict")
    annotated_key: str = Field("", description="where the annotated JPEG is stored, if it was asked for")
    error: PhotoError | None = None


class LiveFrameSubmitted(Message):
    """One picture of a live session, from the web process `owner` that holds the socket. `seq` counts up from 0."""

    topic = "live.submitted.v1"
    retention = Retention(max_len=256, groups=("inference-service",))
    attachment = "jpeg"

    session_id: str
    owner: str
    seq: int = Field(ge=0)
    sent_at: Moment
    model: str = Field("", description="name of the model; empty: the default of the task `state`")
    version: str = Field("", description="version of the model; empty: the newest")
    min_score: Fraction | None = Field(
        None, description="boxes below are left out, and those below the model's own threshold always"
    )
    jpeg: bytes = Field(exclude=True, repr=False, description="a stranger's bytes, meant to be a JPEG")


class LiveFrameAnalysed(Message):
    """What was found in one LiveFrameSubmitted, or why nothing (`skipped`: too late). Routed to `owner`.

    Every frame that a worker took is answered; several workers may answer out of order, and one frame more than once.
    """

    topic = "live.analysed.v1"
    retention = Retention(max_len=256, groups=("inference-service",))

    session_id: str
    owner: str
    seq: int = Field(ge=0)
    width: int = 0
    height: int = 0
    model: str = ""
    version: str = ""
    objects: tuple[FoundObject, ...] = ()
    faces: tuple[Face, ...] = ()
    infer_ms: float = Field(0.0, ge=0.0, description="from the picture in the worker's hand to the verdict")
    error: PhotoError | None = None


class FrameSettled(Wire):
    """What became of one archived frame: stored under `key`, or given up for a reason. `seq` orders a batch."""

    seq: int = Field(ge=0, le=2**53)
    captured_at: Moment
    key: str | None = Field(None, description="object key; null: given up")
    bytes: int = Field(0, ge=0)
    attempts: int = Field(0, ge=0, description="uploads that were tried")
    took_ms: float = Field(0.0, ge=0.0, description="from taken to settled")
    reason: str | None = Field(None, description="code of why it was given up, see LostFrame")
    detail: str | None = Field(None, description="the reason in words, where there are more")


class LostFrame(enum.StrEnum):
    """Why a place in the order has no picture."""

    NO_PICTURE = "no_picture"
    QUEUE_FULL = "queue_full"
    DISK_FULL = "disk_full"
    STORE_AWAY = "store_away"
    STORE_SLOW = "store_slow"
    TOO_LATE = "too_late"
    STOPPED = "stopped"
    DEFECT = "defect"
    ABSENT = "absent"


class FramesArchived(Message):
    """Some frames of one batch are settled, in any order; several of these make a batch, and each may come twice."""

    topic = "frames.archived.v1"
    retention = Retention(max_len=None, groups=("miniprogram-api",))

    batch_id: str
    source: Literal["camera", "job", "client"]
    source_id: str = Field(description="which camera, job or user")
    started_at: Moment
    expected: int = Field(0, ge=0, description="frames the batch will have; 0: nobody said")
    frames: tuple[FrameSettled, ...] = Field((), max_length=500)
    ended: bool = Field(default=False, description="no more frames come")


class FootageRecorded(Message):
    """A file of video is stored: the clip of a pass, or a piece of a continuous recording. May come twice."""

    topic = "footage.recorded.v1"
    retention = Retention(max_len=None, groups=("miniprogram-api",))

    footage_id: str
    camera_id: str
    kind: Literal["clip", "recording"]
    pass_id: str | None = Field(None, description="the pass that a clip shows")
    started_at: Moment = Field(description="time of its first picture")
    ended_at: Moment = Field(description="time of its last picture")
    key: str = Field(description="object key of the MP4")
    boxes_key: str | None = Field(None, description="object key of the JSON with its boxes; null: nobody was in it")
    mime: str = Field(description="content type with codecs, for the player")
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    bytes: int = Field(gt=0, description="size of both files")


#: Every topic of the bus; contracts and reference pages are made from this list.
MESSAGES: tuple[type[Message], ...] = (
    FrameCaptured,
    FrameAnalysed,
    PassObserved,
    PersonSighted,
    CameraChanged,
    CameraReported,
    PhotoSubmitted,
    LiveFrameSubmitted,
    LiveFrameAnalysed,
    FramesArchived,
    FootageRecorded,
    PatrolPhotoTaken,
    PersonErased,
)
