"""The public standard: designs and scenarios whose exact operating characteristics any package can be tested on.

`benchmarks/exact-oc.csv` is this table, written out; `benchmarks/exact-oc.md` says what each column and design means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import xarray as xr

from doseopt.clock.lattice import Lattice
from doseopt.engines.exact import Exact
from doseopt.engines.exact_pending import ExactPending
from doseopt.engines.outcomes import judged
from doseopt.measures.operating_characteristics import measure
from doseopt.scenarios import PUBLISHED, MTDRule, make_scenarios
from doseopt.study.file import load_study
from doseopt.verify.trials import design_of

FORMAT = "exact-oc/1"
"""Of the table; a change of a column, a design, a scenario or a number makes another."""
DOSES = range(1, 5)
TARGETS, CAPS = (0.20, 0.25, 0.30), (12, 24, 30)
MARGIN = 0.10
"""Where the lowest dose is more than this above the target, naming none is right by "closest"."""
KEY = ("design", "scenario")
RATES = tuple(f"p_{j}" for j in DOSES)
SELECTION = ("select_none", *(f"select_{j}" for j in DOSES))
PATIENTS, DLTS = (tuple(f"{what}_{j}" for j in DOSES) for what in ("patients", "dlts"))
DEFINITIONS = ("closest", "highest")
JUDGED = tuple(f"{what}_{name}" for name in DEFINITIONS for what in ("correct", "overdose"))
DURATION = "duration"
ANSWERS = (*SELECTION, *PATIENTS, *DLTS, *JUDGED, DURATION)
COLUMNS = ("format", *KEY, "target", *RATES, *(f"right_{name}" for name in DEFINITIONS), *ANSWERS)
MORE_SCENARIOS = {
    "A": (0.05, 0.10, 0.20, 0.30),
    "B": (0.02, 0.04, 0.06, 0.08),
    "C": (0.05, 0.15, 0.30, 0.45),
    "D": (0.25, 0.35, 0.50, 0.60),
    "E": (0.08, 0.25, 0.40, 0.55),
    "F": (0.10, 0.20, 0.30, 0.40),
}
"""On which designs for pending patients were computed elsewhere."""


@dataclass(frozen=True)
class Entry:
    """A design of the standard.

    Attributes
    ----------
    settings : mapping
        As a table of a study file.
    lattice : Lattice, optional
        When patients arrive, of a design that decides while some are pending.
    """

    settings: Mapping[str, Any]
    lattice: Lattice | None = None

    @property
    def target(self) -> float:
        """The target DLT rate, also of a rule that has none: by it is judged what is right."""
        return float(self.settings["target"])

    def outcomes(self, scenarios: xr.Dataset) -> xr.Dataset:
        """Return how trials of the design end."""
        design = design_of(self.settings)
        return Exact()(design, scenarios) if self.lattice is None else ExactPending(self.lattice)(design, scenarios)


@cache
def scenarios() -> dict[str, tuple[float, ...]]:
    """Return the true DLT rates at four doses, by the name of the scenario."""
    bundled = load_study("renji-elo").scenarios
    elicited = dict(zip(bundled["scenario"].to_numpy().tolist(), bundled["p_dlt"].to_numpy().tolist(), strict=True))
    peers = {name: rates for name, rates in PUBLISHED["peers"].rates.items() if rates not in MORE_SCENARIOS.values()}
    return {name: tuple(rates) for name, rates in {**elicited, **peers, **MORE_SCENARIOS}.items()}


@cache
def designs() -> dict[str, Entry]:
    """Return the designs of the standard, by name."""
    return {**_rules(), **_interval_designs(), **_models(), **_pending()}


def _capped(n: int, kind: str, *before: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """Return a design of four doses with at most n patients."""
    return {"kind": kind, "doses": len(DOSES), **options, "modifiers": [*before, {"kind": "max_patients", "n": n}]}


def _rules() -> dict[str, Entry]:
    """Return variants of 3+3."""
    variants: dict[str, dict[str, Any]] = {
        "3+3 up only": {"on_descent": "declare", "confirm_top": False},
        "3+3 top on 3": {"confirm_top": False},
        "3+3 six": {},
        "3+3 six at once": {"on_descent": "six"},
        "ATD+3+3": {"titrate": 1},
        "ATD+3+3 two doses": {"titrate": 2},
        "ATD+3+3 N10": {"titrate": 1, "modifiers": [{"kind": "max_patients", "n": 10}]},
        "ATD+3+3 N10 naming": {
            "titrate": 1,
            "mtd_at_cap": "not_excluded",
            "modifiers": [{"kind": "max_patients", "n": 10}],
        },
    }
    return {
        name: Entry(
            {
                "kind": "accelerated_titration" if "titrate" in options else "three_plus_three",
                "doses": len(DOSES),
                "target": 0.25,
                **options,
            }
        )
        for name, options in variants.items()
    }


def _interval_designs() -> dict[str, Entry]:
    """Return interval designs."""
    found: dict[str, Entry] = {}
    kinds = {"BOIN": "boin", "Keyboard": "keyboard", "mTPI-2": "mtpi2", "i3+3": "i3p3"}
    for phi in TARGETS:
        for name, kind in kinds.items():
            found |= {f"{name} {phi:.2f} N{n}": Entry(_capped(n, kind, target=phi)) for n in CAPS}
        alone: dict[str, tuple[int, dict[str, Any]]] = {
            "single": (12, {"cohort": 1}),
            "titration": (24, {"titration": True}),
            "extra safe": (24, {"extra_safe": True}),
        }
        for words, (n, options) in alone.items():
            found[f"BOIN {phi:.2f} N{n} {words}"] = Entry(_capped(n, "boin", target=phi, **options))
    return found


def _models() -> dict[str, Entry]:
    """Return CRMs, plain but for skipping, and one with the usual restrictions."""
    found: dict[str, Entry] = {}
    skips = {"kind": "no_skipping"}
    usual = (skips, {"kind": "coherent"}, {"kind": "too_toxic", "confidence": 0.95})
    for phi in TARGETS:
        options = {"target": phi, "skeleton": {"prior_mtd": 2, "halfwidth": 0.05}}
        for n in CAPS[:2]:
            found[f"CRM {phi:.2f} N{n}"] = Entry(_capped(n, "crm", skips, **options))
            found[f"CRM logistic {phi:.2f} N{n}"] = Entry(_capped(n, "crm", skips, model="logistic", **options))
        found[f"CRM {phi:.2f} N12 single"] = Entry(_capped(12, "crm", skips, cohort=1, **options))
        found[f"CRM {phi:.2f} N24 restricted"] = Entry(_capped(24, "crm", *usual, select_untried=False, **options))
    return found


def _pending() -> dict[str, Entry]:
    """Return designs that decide while patients are pending, DLTs being uniform over the window."""
    found: dict[str, Entry] = {}
    n = CAPS[0]
    for phi, rates in ((0.20, (2,)), (0.25, (1, 2, 3, 4)), (0.30, (2,))):
        options = {"target": phi, "skeleton": {"prior_mtd": 2, "halfwidth": 0.05}, "cohort": 1}
        plain = _capped(n, "tite_crm", {"kind": "no_skipping"}, **options)
        found |= {f"TITE-CRM {phi:.2f} N{n} k{r}": Entry(plain, Lattice(float(r))) for r in rates}
    for phi, slots in ((0.20, (3,)), (0.25, (1, 2, 3, 4)), (0.30, (3,))):
        for estimate in ("imputed", "ess"):
            table = _capped(n, "tite_boin", target=phi, estimate=estimate)
            name = f"TITE-BOIN {estimate} {phi:.2f} N{n}"
            found |= {f"{name} k{k}": Entry(table, Lattice(float(k))) for k in slots}
    six = {"kind": "rolling_six", "doses": len(DOSES), "target": 0.25}
    found |= {f"rolling six k{k}": Entry(six, Lattice(float(k))) for k in (1, 2, 3, 4)}
    found |= {f"rolling six k{k} q0.5": Entry(six, Lattice(float(k), arrival=0.5)) for k in (2, 3)}
    return found


def rule_of(definition: str, target: float) -> MTDRule:
    """Return a definition of right: the dose closest to the target, or the highest at most at it."""
    if definition == "closest":
        return MTDRule(target, none_above=target + MARGIN)
    return MTDRule(target, "highest_below", none_above=target)


def answers(name: str, chosen: Sequence[str]) -> list[dict[str, float | int | None]]:
    """Return what a design attains in some scenarios, and which dose is right there (0 for none), a row each.

    Examples
    --------
    Of 3+3 without de-escalation the first dose is passed with probability q^3 + 3 p q^5, q = 1 - p:

    >>> (row,) = answers("3+3 up only", ["A"])
    >>> abs(row["select_none"] - (1 - 0.95**3 - 3 * 0.05 * 0.95**5)) < 1e-12
    True
    """
    entry = designs()[name]
    rates = scenarios()
    outcomes = entry.outcomes(make_scenarios([rates[each] for each in chosen], list(chosen)))
    weight, n, y = (outcomes[part].to_numpy() for part in ("weight", "n", "y"))
    choice = outcomes["selected"].to_numpy()[:, None] == np.arange(-1, len(DOSES))
    found = np.column_stack([weight @ choice, weight @ n, weight @ y])
    rows: list[dict[str, float | int | None]] = [
        dict(zip((*SELECTION, *PATIENTS, *DLTS), values, strict=True)) for values in found.tolist()
    ]
    for definition in DEFINITIONS:
        truth = judged(outcomes, rule_of(definition, entry.target))
        part = {what: measure(truth, f"{what}_selection")[0].to_numpy() for what in ("correct", "overdose")}
        for k, row in enumerate(rows):
            row |= {f"right_{definition}": int(truth["mtd"][k]) + 1}
            row |= {f"{what}_{definition}": float(value[k]) for what, value in part.items()}
    time = (weight * outcomes["time"].to_numpy()).sum(axis=1).tolist() if entry.lattice else [None] * len(rows)
    return [row | {DURATION: windows} for row, windows in zip(rows, time, strict=True)]


def table(told: Callable[[str], object] = lambda name: None) -> list[dict[str, Any]]:
    """Return the whole standard, a row for each design and scenario."""
    rows = []
    for name, entry in designs().items():
        told(name)
        for scenario, found in zip(scenarios(), answers(name, list(scenarios())), strict=True):
            rates = dict(zip(RATES, scenarios()[scenario], strict=True))
            about = {"format": FORMAT, "design": name, "scenario": scenario, "target": entry.target, **rates}
            rows.append({column: (about | found)[column] for column in COLUMNS})
    return rows
