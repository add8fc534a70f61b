"""PersonErased in; the evidence that shows this person goes: pictures, clips, passes, and what live clients were told.

face-search has found the passes and removed what it keeps itself. First the objects go, then the rows, so that nothing
is left that nobody knows of; a repeat finds nothing and is well. What stays, because it names nobody: the counts of the
hours. What stays until its time is over, because others are on it too and no row says who: continuous recordings with
their boxes (places and mask states), and archived frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from shared_kernel.blobs import Blobs
from shared_kernel.errors import Poison
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import PersonErased, derived_id, sighted_ids
from shared_kernel.wire import is_ulid

if TYPE_CHECKING:
    from miniprogram_api.adapters.store import Store

log = get_logger(__name__)

#: Values of one IN list at most.
_BATCH: Final = 200


def erase_person(store: Store, message: PersonErased, *, blobs: Blobs) -> None:
    """Remove what is kept of these passes and sightings.

    Raises:
        Poison: an id is none.
        Unavailable: the object store is away: nothing is forgotten about what it still holds.
    """
    for one in (*message.pass_ids, *message.sighting_ids):
        if not is_ulid(one):
            raise Poison(f"PersonErased {message.erasure_id[:40]}: expected ULIDs, got {one[:40]!r}")
    objects = 0
    for pass_ids in _batches(message.pass_ids):
        pictures, clips = store.media.of_passes(pass_ids), store.footage.of_passes(pass_ids)
        keys = [row.object_key for row in pictures]
        keys += [key for clip in clips for key in (clip.object_key, clip.boxes_key) if key is not None]
        for key in keys:
            blobs.delete(key)
        objects += len(keys)
        store.footage.delete(clip.footage_id for clip in clips)
        store.media.delete_of(pass_ids)
        store.passes.delete(pass_ids)
        store.events.delete_of(derived_id(one, phase) for one in pass_ids for phase in ("opened", "closed"))
    for sighting_ids in _batches(message.sighting_ids):
        store.events.delete_of(told for one in sighting_ids for told in sighted_ids(one))
    log.info("evidence of somebody erased", extra=fields(erasure_id=message.erasure_id, objects=objects))


def _batches(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH)]
