"""What a subscriber wants to see: records of some entities, of all or of those about one user or one product."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from contract.entities import ENTITIES, Entity, Record
from workers.feed.errors import BadSubscription

ABOUT = {"user": "users", "product": "products"}
"""The parameters that name one record, and the entity it is of."""

Subject = tuple[str, UUID]
"""Whom a record is about: an entity's name and the id."""


class Filter(NamedTuple):
    """Records of these entities, and, where there is a *subject*, of those only what is about it."""

    entities: tuple[str, ...]
    """In the order of their declaration."""
    subject: Subject | None = None

    def shows(self, entity: str, subjects: tuple[Subject, ...]) -> bool:
        """Tell whether a record of *entity* about *subjects* is to be seen."""
        return entity in self.entities and (self.subject is None or self.subject in subjects)


def filter_of(entity: str | None, about: dict[str, str]) -> Filter:
    """Return the filter of a request; *entity* names some, with commas, *about* holds parameters named in `ABOUT`.

    Raises `BadSubscription`.
    """
    names = [name for name in (entity or "").split(",") if name]
    unknown = sorted(set(names) - set(ENTITIES))
    if unknown:
        raise BadSubscription(f"entity: unknown {', '.join(unknown)[:100]!r}, known are {', '.join(ENTITIES)}")
    if len(about) > 1:
        raise BadSubscription(f"{', '.join(about)}: name one of them")
    subject = None
    for name, text in about.items():
        try:
            subject = ABOUT[name], UUID(text)
        except ValueError:
            raise BadSubscription(f"{name}: no UUID") from None
    chosen = tuple(one for one in ENTITIES if not names or one in names)
    if subject is not None:
        chosen = tuple(one for one in chosen if one == subject[0] or subject[0] in ENTITIES[one].references.values())
        if not chosen:
            raise BadSubscription(f"entity: none of {', '.join(names)} is about a {next(iter(about))}")
    return Filter(chosen, subject)


def subjects_of(entity: Entity, record: Record) -> tuple[Subject, ...]:
    """Return whom *record* is about: itself, and what it refers to."""
    return (
        (entity.name, record.id),
        *((target, getattr(record, field)) for field, target in entity.references.items()),
    )
