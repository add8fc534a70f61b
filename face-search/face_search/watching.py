"""Somebody on a list that wants to be told was seen: an alert that stays, and who has seen to it.

The alert is a row of the transaction that writes the sighting, so that it is there whoever was listening. What live
clients are told goes out with `PersonSighted`. Routes: `web.watch_alerts`.
"""

from __future__ import annotations

import json

from face_search.adapters.likeness import Viewer
from face_search.adapters.store import Store
from face_search.adapters.watches import Watched
from shared_kernel.clock import now
from shared_kernel.errors import NotFound
from shared_kernel.messages import derived_id
from shared_kernel.tables import Sighting, WatchAlert


def raise_alerts(store: Store, row: Sighting) -> None:
    """Keep an alert for whoever a sighting may be and who is on such a list: with a near tie either may be the one."""
    moment = now()
    for person_id, score in ((row.person_id, row.score), (row.runner_up_id, row.runner_up_score)):
        person = None if person_id is None else store.sightings.recognised(person_id, moment)
        if person is None or not person.alerts:
            continue
        alert = WatchAlert(
            alert_id=derived_id(row.sighting_id, f"watch/{person.person_id}"), person_id=person.person_id
        )
        alert.sighting_id, alert.seen_at, alert.raised_at = row.sighting_id, row.seen_at, moment
        alert.list_names = json.dumps(person.alerting, ensure_ascii=False)
        alert.score, alert.threshold, alert.near_tie = score, row.threshold, row.decision == "near_tie"
        store.watches.add(alert)


def acknowledge(store: Store, alert_id: str, viewer: Viewer, author: str | None) -> Watched:
    """Keep that somebody has seen to an alert; the first who did stays. `author`: the user; None: another service.

    Raises:
        NotFound: no such alert for this viewer.
    """
    found = of_viewer(store, alert_id, viewer, lock=True)
    if found.alert.acknowledged_at is None:
        found.alert.acknowledged_by, found.alert.acknowledged_at = author, now()
    return found


def of_viewer(store: Store, alert_id: str, viewer: Viewer, *, lock: bool = False) -> Watched:
    """Give an alert.

    Raises:
        NotFound: no such alert, or none for this viewer: one cannot tell which.
    """
    found = store.watches.one(alert_id, viewer, lock=lock)
    if found is None:
        raise NotFound(f"alert {alert_id}: expected one that you may see, found none", code="no_alert")
    return found
