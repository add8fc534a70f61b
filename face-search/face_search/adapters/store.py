"""One transaction's view of all tables of this service: the repositories side by side."""

from __future__ import annotations

from functools import cached_property

from sqlalchemy.orm import Session

from face_search.adapters.answers import Answers
from face_search.adapters.changes import Changes
from face_search.adapters.decisions import Decisions
from face_search.adapters.erasures import Erasures, Traces
from face_search.adapters.figures import Figures
from face_search.adapters.imports import Imports
from face_search.adapters.likeness import Likeness
from face_search.adapters.people import FaceLists, People
from face_search.adapters.places import Places
from face_search.adapters.plans import FloorPlans
from face_search.adapters.queries import FaceQueries
from face_search.adapters.samples import Samples
from face_search.adapters.sightings import Sightings
from face_search.adapters.tracks import Tracks
from face_search.adapters.vectors import Vectors
from face_search.adapters.watches import Watches


class Store:
    """Repositories that share one transaction. Made by `Database`, valid until its `with` ends.

    Each stands in a module named for it and is made when it is first asked for.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @cached_property
    def answers(self) -> Answers:
        return Answers(self._session)

    @cached_property
    def imports(self) -> Imports:
        return Imports(self._session)

    @cached_property
    def erasures(self) -> Erasures:
        return Erasures(self._session)

    @cached_property
    def figures(self) -> Figures:
        return Figures(self._session)

    @cached_property
    def traces(self) -> Traces:
        return Traces(self._session)

    @cached_property
    def queries(self) -> FaceQueries:
        return FaceQueries(self._session)

    @cached_property
    def plans(self) -> FloorPlans:
        return FloorPlans(self._session)

    @cached_property
    def likeness(self) -> Likeness:
        return Likeness(self._session)

    @cached_property
    def places(self) -> Places:
        return Places(self._session)

    @cached_property
    def tracks(self) -> Tracks:
        return Tracks(self._session)

    @cached_property
    def decisions(self) -> Decisions:
        return Decisions(self._session)

    @cached_property
    def lists(self) -> FaceLists:
        return FaceLists(self._session)

    @cached_property
    def people(self) -> People:
        return People(self._session)

    @cached_property
    def samples(self) -> Samples:
        return Samples(self._session)

    @cached_property
    def changes(self) -> Changes:
        return Changes(self._session)

    @cached_property
    def vectors(self) -> Vectors:
        return Vectors(self._session)

    @cached_property
    def sightings(self) -> Sightings:
        return Sightings(self._session)

    @cached_property
    def watches(self) -> Watches:
        return Watches(self._session)
