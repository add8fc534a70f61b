"""Every table as a typed class; `sql/migrations` makes them and `sql/schema.sql` shows them as MySQL sees them.

One service writes a table: persons and sightings are written by face-search, all others by miniprogram-api. Ids are
ULIDs; times are UTC in milliseconds; closed lists of words are strings with a CHECK; boxes are fractions of the
picture. Tables that grow with every pass have no foreign keys, so that a pass is never lost over a camera that went,
and so that they can be partitioned.
MySQL and MariaDB decide; SQLite is the twin for one machine.
"""

from __future__ import annotations

from shared_kernel.tables.accounts import (
    ApiToken,
    AuthSession,
    LoginThrottle,
    OneTimeLink,
    User,
    UserCredential,
    UserIdentity,
)
from shared_kernel.tables.alerts import Alert, AlertComment, AlertRule, Delivery, DeliveryChannel
from shared_kernel.tables.archive import ArchivedFrame, FrameBatch
from shared_kernel.tables.cameras import (
    Camera,
    CameraGrant,
    CameraGroup,
    CameraHour,
    CameraInGroup,
    CameraOutage,
)
from shared_kernel.tables.chat import ChatMember, ChatMessage, ChatRoom
from shared_kernel.tables.columns import Base
from shared_kernel.tables.figures import PassRollup
from shared_kernel.tables.footage import Footage
from shared_kernel.tables.operations import AuditLog, ClockRun, EventLog, IdempotencyKey
from shared_kernel.tables.organisations import ROOT_ORG_ID, ROOT_PATH, Notice, Organisation, Role
from shared_kernel.tables.passes import Media, Pass, PassCount
from shared_kernel.tables.patrols import (
    CheckpointHit,
    DutyPhoto,
    Patrol,
    PatrolPhoto,
    PatrolRoute,
    RouteCheckpoint,
    TrackPoint,
)
from shared_kernel.tables.persons import (
    FaceList,
    FaceModel,
    FaceSample,
    FaceVector,
    GalleryChange,
    Person,
    PersonOnList,
)
from shared_kernel.tables.requests import Request
from shared_kernel.tables.sightings import (
    FaceAnswer,
    FaceErasure,
    FaceImport,
    FaceImportLine,
    FaceQuery,
    FloorPlan,
    NotThisPerson,
    Sighting,
    WatchAlert,
)

__all__ = [
    "ROOT_ORG_ID",
    "ROOT_PATH",
    "Alert",
    "AlertComment",
    "AlertRule",
    "ApiToken",
    "ArchivedFrame",
    "AuditLog",
    "AuthSession",
    "Base",
    "Camera",
    "CameraGrant",
    "CameraGroup",
    "CameraHour",
    "CameraInGroup",
    "CameraOutage",
    "ChatMember",
    "ChatMessage",
    "ChatRoom",
    "CheckpointHit",
    "ClockRun",
    "Delivery",
    "DeliveryChannel",
    "DutyPhoto",
    "EventLog",
    "FaceAnswer",
    "FaceErasure",
    "FaceImport",
    "FaceImportLine",
    "FaceList",
    "FaceModel",
    "FaceQuery",
    "FaceSample",
    "FaceVector",
    "FloorPlan",
    "Footage",
    "FrameBatch",
    "GalleryChange",
    "IdempotencyKey",
    "LoginThrottle",
    "Media",
    "NotThisPerson",
    "Notice",
    "OneTimeLink",
    "Organisation",
    "Pass",
    "PassCount",
    "PassRollup",
    "Patrol",
    "PatrolPhoto",
    "PatrolRoute",
    "Person",
    "PersonOnList",
    "Request",
    "Role",
    "RouteCheckpoint",
    "Sighting",
    "TrackPoint",
    "User",
    "UserCredential",
    "UserIdentity",
    "WatchAlert",
]
