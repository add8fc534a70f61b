"""Who decides about who is who, made of a request."""

from __future__ import annotations

from face_search.gallery import Author
from face_search.web.access import author
from face_search.web.sighted import viewer


def decider() -> Author:
    """The caller, with what they may see."""
    return Author(author(), viewer())
