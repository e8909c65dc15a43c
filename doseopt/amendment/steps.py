"""Steps of a ladder of amendments: a registered design with less or more of its protocol changed."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from doseopt.amendment.library import at_cap, most_of, other_rules, same
from doseopt.comparison.window_readings import WindowReading, orders, window_silences
from doseopt.core.design import Design
from doseopt.core.parameters import Faults
from doseopt.designs.layers import in_any_order, layers, with_cap, with_names, with_rule, with_stop
from doseopt.designs.waiting import made_to_wait
from doseopt.display.labels import listed
from doseopt.display.readings import NAMES, factor_words
from doseopt.engines.graph import most_patients
from doseopt.study.study import Study

RUNGS = (
    "as read",
    "reading stated",
    "cap raised",
    "reading stated and cap raised",
    "titration",
    "safety stop",
    "another rule, as many patients",
    "another rule, more patients",
)
"""From the smallest change on."""
READING, CAP, BOTH, TITRATION, STOP, RULE, MORE = range(1, len(RUNGS))
STOPS = (0.95, 0.80)
"""Certainties that the lowest dose is too toxic from which a trial stops."""
COUNTED = ("death_in_window", "transplantation")
"""Silences of the DLT window that are about what is a DLT."""
COHORTS = (1, 2, 3)
"""By how many cohorts a cap is raised."""
FURTHER = (*COHORTS, 5)
"""The same, of another rule."""


@dataclass(frozen=True)
class Change:
    """One change of a protocol.

    Parameters
    ----------
    rung : int
        Place in `RUNGS`.
    name : str
    says : str
        What of the protocol it changes.
    to : callable
        Design -> the changed one.
    outcome : bool
        Whether it changes what is declared the MTD, and so a primary outcome that is registered.
    """

    rung: int
    name: str
    says: str
    to: Callable[[Design], Design]
    outcome: bool = False


@dataclass(frozen=True)
class Step:
    """A design that a registered one may be amended to.

    Parameters
    ----------
    rung : int
        Place in `RUNGS`.
    name : str
    design : Design
    changes : tuple of Change
    outcome : bool
        Whether it changes what is declared the MTD; not where it is by the study's definition before and after.
    window : WindowReading, optional
        What happens in the DLT window where it is evaluated, if that is not as in the study.
    """

    rung: int
    name: str
    design: Design
    changes: tuple[Change, ...] = ()
    outcome: bool = False
    window: WindowReading | None = None

    @property
    def says(self) -> str:
        """What of the protocol it changes."""
        if self.window is not None:
            return f"how an event in the DLT window counts: {self.window.words}"
        return "; ".join(change.says for change in self.changes) or "nothing"


def ladder_steps(study: Study, registered: str, amended: Sequence[str] = ()) -> list[Step]:
    """Return the steps of a ladder, one or two changes each: those that the design has the parameters for.

    Titration and safety stop come with the reading stated, where there is one: as read, a trial may declare nothing.
    How a death or a transplantation in the DLT window counts may be stated, too, as far as the study says how probable
    they are; such a step is evaluated with these events, the others as the study is.

    Parameters
    ----------
    study : Study
    registered : str
    amended : sequence of str
        Designs that are steps, too.
    """
    design = study.designs[registered]
    parts = changes_of(study, design)
    stated = parts["reading"][:1]
    chosen: list[Sequence[Change]] = [[], *([change] for change in parts["reading"] + parts["cap"])]
    chosen += [(*stated, change) for change in parts["cap"] if stated]
    chosen += [(*stated, change) for change in parts["titration"] + parts["stop"]]
    others = other_rules(study, design)
    most = most_patients(made_to_wait(design))
    raised = [most, *(most + k * cohort_of(design) for k in FURTHER)]
    for cap in raised:
        ruled = [_rule(name, other, most) for name, other in at_cap(study, others, cap).items()]
        chosen += [[change] for change in ruled]
        chosen += [(change, demand) for change in ruled for demand in _demands(study) if cap == most]
    found = _distinct(filter(None, (made(study, registered, each) for each in chosen)))
    left = (name for name in amended if not any(same(study.designs[name], step.design) for step in found))
    found += [Step(MORE, name, study.designs[name], (_rule(name, study.designs[name], most),)) for name in left]
    found += _window_steps(study, registered)
    return sorted(found, key=lambda step: step.rung)


def _window_steps(study: Study, registered: str) -> list[Step]:
    """Return the registered design with each way stated in which who dies or is transplanted may count.

    As a DLT in either order of the populations, too: it is no amendment who comes first, but moves what it attains.
    """
    silent = window_silences(study)
    each = [reading for name in COUNTED if name in silent for reading in silent[name][1:]] + orders(study)
    design = study.designs[registered]
    return [Step(READING, one.label, design, window=one) for one in each if not one.in_use(study)]


def all_steps(study: Study, registered: str, library: Mapping[str, Design]) -> list[Step]:
    """Return all combinations of the changes of a ladder, with the rules of the study and of a library.

    Parameters
    ----------
    study : Study
    registered : str
    library : mapping of str to Design
        Besides those of the study.
    """
    design = study.designs[registered]
    parts = changes_of(study, design)
    most = most_patients(made_to_wait(design))
    found = [made(study, registered, each) for each in _combined(parts.values())]
    raised = [most, *(most + k * cohort_of(design) for k in FURTHER)]
    for cap in raised:
        for name, other in at_cap(study, other_rules(study, design, library), cap).items():
            rule, over = _rule(name, other, most), [_demands(study), parts["stop"][-1:]]
            found += [made(study, registered, (rule, *each)) for each in _combined(over)]
    return _distinct(filter(None, found))


def _combined(parts: Iterable[Sequence[Change]]) -> list[tuple[Change, ...]]:
    """Return all choices of at most one change of each part."""
    each = itertools.product(*([None, *part] for part in parts))
    return [tuple(change for change in chosen if change is not None) for chosen in each]


def made(study: Study, registered: str, changes: Sequence[Change]) -> Step | None:
    """Return the step that some changes make; None if they exclude each other."""
    design = changed = study.designs[registered]
    try:
        for change in changes:
            changed = change.to(changed)
    except Faults:
        return None
    rungs = {change.rung for change in changes}
    rung = BOTH if rungs == {READING, CAP} else max(rungs, default=0)
    name = ", ".join(change.name for change in changes) or registered
    kept = _by_definition(study, design) and _by_definition(study, changed)
    return Step(rung, name, changed, tuple(changes), any(change.outcome for change in changes) and not kept)


def changes_of(study: Study, design: Design) -> dict[str, list[Change]]:
    """Return what may be changed of a design that stays itself otherwise, by what is changed.

    Parameters
    ----------
    study : Study
    design : Design
    """
    return {
        "reading": _readings(design),
        "names": [] if _by_definition(study, design) else _demands(study),
        "cap": _caps(design),
        "titration": _titrations(design),
        "stop": [_stop(confidence) for confidence in STOPS],
    }


def _readings(design: Design) -> list[Change]:
    """State that a trial which ends at its cap, or on little evidence, names a dose all the same."""
    parts = layers(design)
    capped = design.facts.cap is not None and getattr(parts.rule, "mtd_at_cap", None) == "definition"
    if parts.selector is not None or not (capped or parts.names is not None):
        return []

    def named(design: Design) -> Design:
        found = with_names(design, None)
        if not capped:
            return found
        return with_rule(found, lambda rule: dataclasses.replace(rule, mtd_at_cap="not_excluded"))

    silent = ["mtd_at_cap"] * capped + [NAMES] * (parts.names is not None)
    return [Change(READING, "reading stated", listed([factor_words(name) for name in silent]), named, outcome=True)]


def _demands(study: Study) -> list[Change]:
    """Name a dose only where its evidence meets the study's definition, if it has one."""
    if study.definition is None:
        return []
    named = partial(with_names, names=study.definition)
    return [Change(READING, "named by the definition", factor_words(NAMES), named, outcome=True)]


def _by_definition(study: Study, design: Design) -> bool:
    """Tell whether a design declares a dose by the study's definition: a naming rule, or what 3+3 does at a cap."""
    parts = layers(design)
    by_itself = getattr(parts.rule, "mtd_at_cap", None) == "definition" and parts.selector is None
    return study.definition is not None and (parts.names == study.definition or by_itself)


def _caps(design: Design) -> list[Change]:
    """Raise the cap, or do without one."""
    cap = design.facts.cap
    if cap is None or with_cap(design, cap + 1).facts.cap != cap + 1:
        return []
    found = []
    for n in (*(cap + k * cohort_of(design) for k in COHORTS), None):
        if n is not None or with_cap(design, None).facts.ends:
            said = f"the most patients, {'none' if n is None else n} instead of {cap}"
            name = "no cap" if n is None else f"cap {n}"
            found.append(Change(CAP, name, said, partial(with_cap, n=n)))
    return found


def _titrations(design: Design) -> list[Change]:
    """Titrate over more or fewer doses."""
    rule = layers(design).rule
    if not hasattr(rule, "titrate"):
        return []

    def over(titrate: int) -> Callable[[Design], Design]:
        return lambda design: with_rule(design, lambda rule: dataclasses.replace(rule, titrate=titrate))

    said = f"the doses that are titrated, {{}} instead of {rule.titrate}"
    others = [k for k in range(rule.facts.doses + 1) if k != rule.titrate]
    return [Change(TITRATION, f"titration over {k}", said.format(k), over(k)) for k in others]


def _stop(confidence: float) -> Change:
    """Stop where the lowest dose is too toxic."""
    said = f"a stop without an MTD from Pr(the lowest dose is above the target) > {confidence:.2f} on"
    return Change(STOP, f"stop at {confidence:.2f}", said, lambda design: with_stop(design, confidence))


def _rule(name: str, design: Design, most: int) -> Change:
    """Escalate, and select, by another rule."""
    more = most_of(design)
    said = "the rule of escalation, and what it declares" + (f"; {more} patients at most" if more != most else "")
    return Change(MORE if more > most else RULE, name, said, lambda _: design, outcome=True)


def _distinct(steps: Iterable[Step]) -> list[Step]:
    """Return steps without those of a design that a step before has."""
    found: dict[object, Step] = {}
    for step in steps:
        design = step.design
        if design.facts.cap is None and hasattr(layers(design).rule, "mtd_at_cap"):  # then it says nothing
            design = with_rule(design, lambda rule: dataclasses.replace(rule, mtd_at_cap="definition"))
        found.setdefault(in_any_order(design), step)
    return list(found.values())


def cohort_of(design: Design) -> int:
    """Return the patients of a cohort: 3, unless the rule says."""
    return int(getattr(layers(design).rule, "cohort", 3))
