"""Layers of a design: its rule, another selection, modifiers, a grid of more doses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from doseopt.core.definition import Definition
from doseopt.core.design import Design, Modifier, Tuned
from doseopt.core.parameters import declared
from doseopt.core.tunable import Tunable
from doseopt.designs.expanding import Expanding, Expansion
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients, TooToxic
from doseopt.designs.naming import Naming
from doseopt.designs.on_grid import OnGrid
from doseopt.designs.selecting import Selecting
from doseopt.designs.unfinished import Unfinished

WRAPPERS = (Expanding, Modified, Naming, OnGrid, Selecting, Unfinished)


@dataclass(frozen=True)
class Layers:
    """A design taken apart.

    Parameters
    ----------
    rule : Design
        The innermost design, which a protocol describes.
    selector : Design, optional
        The design that selects in its place.
    modifiers : tuple of Modifier
        Laid over the rule.
    grid : OnGrid, optional
        Where the rule's doses stand among more; its own base is what lies under it.
    over : tuple of Modifier
        Laid over the grid: the enrolment cap.
    names : Definition, optional
        What a dose must meet to be named.
    expansion : Expansion, optional
        What follows where a dose is selected.
    """

    rule: Design
    selector: Design | None = None
    modifiers: tuple[Modifier, ...] = ()
    grid: OnGrid | None = None
    over: tuple[Modifier, ...] = ()
    names: Definition | None = None
    expansion: Expansion | None = None

    @property
    def laid(self) -> tuple[Modifier, ...]:
        """All modifiers, those under the grid first."""
        return self.modifiers + self.over


def layers(design: Design) -> Layers:
    """Return a design's layers; the only place that looks inside a design."""
    if not isinstance(design, WRAPPERS):
        return Layers(design)
    inner = layers(design.base)
    if isinstance(design, Unfinished):
        return inner
    if isinstance(design, Expanding):
        return dataclasses.replace(inner, expansion=design.expansion)
    if isinstance(design, Naming):
        return dataclasses.replace(inner, names=design.definition)
    if isinstance(design, OnGrid):
        return dataclasses.replace(inner, grid=design)
    if isinstance(design, Selecting):
        return dataclasses.replace(inner, selector=design.selector)
    if inner.grid is not None:
        return dataclasses.replace(inner, over=inner.over + design.modifiers)
    return dataclasses.replace(inner, modifiers=inner.modifiers + design.modifiers)


def first_size(design: Design) -> int:
    """Return the patients of a design's first cohort as its rule gives it, before what is laid over all its doses."""
    parts = layers(design)
    return int((parts.grid or parts.rule).first().size[0])


def in_any_order(design: Design) -> Layers:
    """Return layers that are equal where two designs differ by the order of their modifiers only."""
    parts = layers(design)
    return dataclasses.replace(parts, modifiers=tuple(sorted(parts.modifiers, key=repr)))


def with_rule(design: Design, change: Callable[[Any], Design]) -> Design:
    """Return a design whose innermost rule is another, all else as it is."""
    return _over(design, with_rule(design.base, change)) if isinstance(design, WRAPPERS) else change(design)


def _over(design: Any, base: Design) -> Design:
    """Return a design with another base; itself where that is its own, as modifiers need not be bound again."""
    changed: Design = design if base is design.base else dataclasses.replace(design, base=base)
    return changed


def with_modifiers(design: Design, change: Callable[[Modifier], Modifier]) -> Design:
    """Return a design whose modifiers are others, one by one."""
    if not isinstance(design, WRAPPERS):
        return design
    base = with_modifiers(design.base, change)
    if isinstance(design, Modified):
        return Modified(base, tuple(map(change, design.modifiers)))
    return dataclasses.replace(design, base=base)


def with_names(design: Design, names: Definition | None) -> Design:
    """Return a design with another naming rule, or none."""
    if isinstance(design, Naming):
        return with_names(design.base, names)
    if isinstance(design, Expanding | Modified | OnGrid | Unfinished):
        return _over(design, with_names(design.base, names))
    base = _over(design, with_names(design.base, None)) if isinstance(design, Selecting) else design
    return base if names is None else Naming(base, names)


def course(design: Design) -> Design:
    """Return the design that gives the same cohorts after every outcome, and declares as the defaults have it.

    Designs of one course share the states that their trials can reach, and differ in the MTD at most. What is declared
    is given more patients where there is an expansion.
    """
    if layers(design).expansion is not None:
        return design

    def plain(rule: Any) -> Design:
        defaults = {n: field.default for n, field in declared(type(rule)).items() if field.metadata["domain"].declares}
        changed: Design = dataclasses.replace(rule, **defaults)
        return rule if changed == rule else changed

    return with_rule(with_names(design, None), plain)


def with_cap(design: Design, n: int | None) -> Design:
    """Return a design with another enrolment cap, or none; a cap that its rule has by itself stays."""
    return _with(design, MaxPatients, () if n is None else (MaxPatients(n=n),))


def with_stop(design: Design, confidence: float) -> Design:
    """Return a design that stops where the lowest dose is too toxic with another certainty."""
    return _with(design, TooToxic, (TooToxic(confidence=confidence),))


def _with(design: Design, kind: type[Modifier], instead: tuple[Modifier, ...]) -> Design:
    """Return a design with other modifiers of a kind laid over it, itself if nothing can be."""
    if design.facts.backfill is not None:
        return design
    if isinstance(design, Expanding | Naming):
        return dataclasses.replace(design, base=_with(design.base, kind, instead))
    base, laid = (design.base, design.modifiers) if isinstance(design, Modified) else (design, ())
    kept = (*(modifier for modifier in laid if not _is(modifier, kind)), *instead)
    return Modified(base, kept) if kept else base


def _is(modifier: Modifier, kind: type[Modifier]) -> bool:
    """Tell whether a modifier is of a kind; a safety stop, if it is one at the lowest dose."""
    return isinstance(modifier, kind) and not (isinstance(modifier, TooToxic) and modifier.dose != 1)


def tunable(design: Design) -> tuple[Tunable, ...]:
    """Return the parameters of a design that a calibration may tune."""
    rule = layers(design).rule
    return rule.tunable() if isinstance(rule, Tuned) else ()


def with_values(design: Design, values: Mapping[str, float]) -> Design:
    """Return a design with other values of its tunable parameters."""
    return with_rule(design, lambda rule: rule.tuned(values))
