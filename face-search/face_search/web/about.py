"""What this service works with: the model, the map, the limits. For clients that show it."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from face_search.parts import Parts
from face_search.web.access import allow


class AboutOut(BaseModel):
    model: str = Field(description="embedding model of new vectors")
    dimension: int
    index_type: str = Field(description="FLAT finds exactly")
    map_tiles_url: str = Field(description="tile address of the map; empty: a floor plan or a plain grid")
    searches_per_minute: int = Field(description="looks for a face that one user may take")
    reporting_limit: int = Field(description="enrolled persons from which the law wants a report")


def blueprint(parts: Parts) -> APIBlueprint:
    """Route /faces/about."""
    routes = APIBlueprint("about", __name__, tag="About")

    @routes.get("/about")
    @allow("face.view")
    @routes.output(AboutOut)
    @routes.doc(summary="What faces are compared with")
    def about() -> AboutOut:
        settings = parts.settings
        return AboutOut(
            model=parts.reader.model,
            dimension=parts.reader.dimension,
            index_type=settings.index_type,
            map_tiles_url=settings.map_tiles_url,
            searches_per_minute=settings.searches_per_minute,
            reporting_limit=settings.reporting_limit,
        )

    return routes
