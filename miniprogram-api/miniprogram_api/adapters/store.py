"""One transaction's view of all tables: the repositories side by side."""

from __future__ import annotations

from sqlalchemy.orm import Session

from miniprogram_api.adapters.accounts import AuthSessions, Throttles, Users
from miniprogram_api.adapters.archive import ArchivedFrames, FrameBatches
from miniprogram_api.adapters.availability import Hours, Outages
from miniprogram_api.adapters.cameras import Cameras, Grants
from miniprogram_api.adapters.events import Events
from miniprogram_api.adapters.footage import FootageFiles
from miniprogram_api.adapters.journal import Answers, Audit
from miniprogram_api.adapters.organisations import Organisations, Roles
from miniprogram_api.adapters.passes import Counts, MediaFiles, Passes


class Store:
    """Repositories that share one transaction. Made by `Database`, valid until its `with` ends."""

    def __init__(self, session: Session) -> None:
        self.organisations = Organisations(session)
        self.roles = Roles(session)
        self.users = Users(session)
        self.auth_sessions = AuthSessions(session)
        self.throttles = Throttles(session)
        self.cameras = Cameras(session)
        self.grants = Grants(session)
        self.hours = Hours(session)
        self.outages = Outages(session)
        self.passes = Passes(session)
        self.media = MediaFiles(session)
        self.counts = Counts(session)
        self.events = Events(session)
        self.footage = FootageFiles(session)
        self.batches = FrameBatches(session)
        self.frames = ArchivedFrames(session)
        self.answers = Answers(session)
        self.audit = Audit(session)
