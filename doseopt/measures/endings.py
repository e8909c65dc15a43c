"""Endings of trials and what is right under a truth, as arrays: what every measure is a function of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
import xarray as xr

from doseopt.core.definition import Definition
from doseopt.core.distinct import unique_rows
from doseopt.core.state import NONE, BoolArray, FloatArray, IntArray
from doseopt.scenarios import above_mtd
from doseopt.scenarios.mtd_rule import TIE

TOO_HIGH = 1 / 3
"""A true DLT rate above this is too high whatever the target: 3+3 gives a dose up at 2 DLTs in 6."""
ROOM = 1 << 23
"""Values of endings at a time: 64 MB."""


@dataclass(frozen=True, eq=False)
class Endings:
    """How trials can end; shared by all scenarios (L = 1), or each scenario's own (L = R).

    Parameters
    ----------
    n, y : int array [L, E, D]
        Patients and DLTs at each dose.
    selected : int array [L, E]
        The MTD declared, -1 for none.
    stop : int array [L, E]
        Why the trial stopped, of `reasons`.
    reasons : int
    weight : float array [R, E]
        How much each ending weighs in each scenario.
    trials : float
        Simulated in each scenario, or calendars that are drawn; infinite for the exact engine.
    by_calendar : float array [C, R or 1, E], optional
        Where calendars are drawn: how much it weighs given each, by its weight over all.
    """

    n: IntArray
    y: IntArray
    selected: IntArray
    stop: IntArray
    reasons: int
    weight: FloatArray
    trials: float
    by_calendar: FloatArray | None = None

    @classmethod
    def of(cls, outcomes: xr.Dataset) -> Endings:
        """Return the endings of labelled outcomes."""
        given = outcomes.variables  # several times as fast as the labelled arrays
        lead = ("scenario",) if "scenario" in given["n"].dims else ()

        def rows(name: str, *last: str) -> IntArray:
            found = given[name].transpose(*lead, "ending", *last).to_numpy()
            return np.asarray(found if lead else found[None])

        empty = np.zeros((1, outcomes.sizes["ending"]), np.int64)
        selected, stop = (rows(name) if name in given else empty for name in ("selected", "stop"))
        n = rows("n", "dose")
        y = rows("y", "dose") if "y" in given else np.zeros_like(n)
        weight = given["weight"].transpose("scenario", "ending").to_numpy()
        trials = float(outcomes.attrs["trials"])
        drawn = given["by_calendar"].to_numpy() if "by_calendar" in given else None
        drawn = drawn[:, None] if drawn is not None and drawn.ndim == 2 else drawn
        return cls(n, y, selected, stop, outcomes.sizes.get("stop_reason", 0), weight, trials, drawn)

    @property
    def exact(self) -> bool:
        """Whether the weights have no Monte Carlo error."""
        return bool(np.isinf(self.trials))

    @property
    def shared(self) -> bool:
        """Whether all scenarios have the same endings."""
        return len(self.n) == 1

    def parts(self) -> Iterator[Endings]:
        """Yield as many endings at a time as what is counted and a value a scenario have room; all, unless exact."""
        most, every = self.weight.shape[1], (len(self.weight) + 4) * (1 + self.n.shape[-1])
        step = max(ROOM // every, 1) if self.exact else most
        if step >= most:
            yield self
            return
        for first in range(0, most, step):
            e = slice(first, first + step)
            by_ending = {name: getattr(self, name)[:, e] for name in ("n", "y", "selected", "stop", "weight")}
            yield dataclasses.replace(self, **by_ending)

    def summed(self, linear: Callable[[Endings], Sequence[FloatArray]]) -> list[FloatArray]:
        """Return sums over the endings, from those over a part of them."""
        return [reduce(np.add, each) for each in zip(*map(linear, self.parts()), strict=True)]

    @cached_property
    def total(self) -> IntArray:
        """Patients of each trial, [L, E]."""
        return np.asarray(self.n.sum(axis=-1))

    @cached_property
    def chosen(self) -> BoolArray:
        """Whether none, and whether each dose, is selected, [L, E, 1 + D]."""
        return np.asarray(self.selected[..., None] == np.arange(-1, self.n.shape[-1]))

    @cached_property
    def declared(self) -> tuple[IntArray, IntArray, BoolArray]:
        """Patients and DLTs at the declared dose, and whether one is declared, [L, E] each."""
        named = self.selected != NONE
        at = np.where(named, self.selected, 0)[..., None]
        n, y = (np.take_along_axis(part, at, axis=-1)[..., 0] for part in (self.n, self.y))
        return n, y, named

    def named_on(self, definition: Definition) -> Endings:
        """Return the endings in which the dose selected is named only where its patients meet a definition."""
        n, y, named = self.declared
        return dataclasses.replace(self, selected=np.where(named & definition.met(n, y), self.selected, NONE))

    @cached_property
    def share(self) -> FloatArray:
        """Share of the patients at each dose, [L, E, D]."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.n / self.total[..., None])

    @property
    def counts(self) -> dict[str, FloatArray | BoolArray | IntArray]:
        """What linear measures may count, [L, E, X] each."""
        return {"chosen": self.chosen, "patients": self.n, "dlts": self.y, "share": self.share}

    @cached_property
    def means(self) -> dict[str, FloatArray]:
        """Means of what linear measures count, [R, X] each, in one product a part."""
        (mean,) = self.summed(lambda some: [some.mean(np.concatenate([*some.counts.values()], axis=-1, dtype=float))])
        ends = np.cumsum([part.shape[-1] for part in self.counts.values()])[:-1]
        return dict(zip(self.counts, np.split(mean, ends, axis=1), strict=True))

    def mean(self, value: FloatArray | BoolArray | IntArray, rows: slice | BoolArray = slice(None)) -> FloatArray:
        """Return the mean of a function of the ending in some scenarios, [L, E, ...] -> [R, ...]."""
        weight, value = self.weight[rows], np.asarray(value, float)
        if len(value) == 1:
            return product(weight, value[0].reshape(value.shape[1], -1)).reshape(len(weight), *value.shape[2:])
        return np.asarray(np.einsum("re,re...->r...", weight, value))

    def error(self, value: FloatArray | BoolArray | IntArray, mean: FloatArray) -> FloatArray:
        """Return the Monte Carlo standard error of the mean of a function of the ending, [R, ...]."""
        if self.exact:
            return np.zeros_like(mean)
        return np.asarray(self._spread(value, mean) / np.sqrt(self.trials))

    def _spread(self, value: FloatArray | BoolArray | IntArray, mean: FloatArray) -> FloatArray:
        """Return the standard deviation of a function of the ending, or of its means given calendars, [R, ...]."""
        if self.by_calendar is not None:
            return np.asarray(self._by_calendar(value).std(axis=0, ddof=1))
        off = np.asarray(value, float) - mean[:, None]
        return np.asarray(np.sqrt(np.einsum("re,re...->r...", self.weight, off * off)))

    def _by_calendar(self, value: FloatArray | BoolArray | IntArray) -> FloatArray:
        """Return the means of a function of the ending given each calendar, [C, R, ...]."""
        assert self.by_calendar is not None
        each = np.asarray(value, float) * self.weight.reshape(*self.weight.shape, *(1,) * (np.ndim(value) - 2))
        shared, given = self.by_calendar.shape[1] == 1, self.by_calendar
        return np.tensordot(given[:, 0], each, (1, 1)) if shared else np.einsum("cre,re...->cr...", given, each)

    def covariance(self, events: BoolArray, mean: FloatArray) -> FloatArray:
        """Return the Monte Carlo covariance of the means of events, [L, E, X] -> [R, X, X]."""
        if self.exact:
            return np.zeros((*mean.shape, mean.shape[1]))
        if self.by_calendar is not None:
            off = self._by_calendar(events) - mean
            return np.asarray(np.einsum("crx,cry->rxy", off, off) / (len(off) - 1) / self.trials)
        both = np.stack([self.mean(events & events[..., x, None]) for x in range(events.shape[-1])], axis=1)
        return np.asarray((both - mean[:, :, None] * mean[:, None, :]) / self.trials)

    def expect(self, value: FloatArray | BoolArray | IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the mean of a function of the ending, and its Monte Carlo standard error, [R, ...] each."""
        mean = self.mean(value)
        return mean, self.error(value, mean)


def product(weight: FloatArray, columns: FloatArray) -> FloatArray:
    """Return weight [R, E] times columns [E, X], [R, X]; the narrower one stands left, which takes half as long."""
    return (columns.T @ weight.T).T if len(weight) > columns.shape[1] else weight @ columns


def number_at(counts: IntArray, doses: BoolArray) -> IntArray:
    """Return how many are counted at some doses of each truth, counts [L, E, D], doses [R, D] -> [L or R, E]."""
    each = doses[:, None].astype(float) @ counts.swapaxes(1, 2)  # exact: no product of whole numbers is as quick
    return each[:, 0].astype(np.int64)


@dataclass(frozen=True, eq=False)
class Optimal:
    """What is true of efficacy in each of R scenarios.

    Parameters
    ----------
    p_eff, utility : float array [R, D]
        Efficacy rates, and the mean utility of a patient.
    obd : bool array [R, D]
        Which doses are the optimal biological dose.
    """

    p_eff: FloatArray
    utility: FloatArray
    obd: BoolArray


@dataclass(frozen=True, eq=False)
class Truth:
    """What is right in each of R scenarios, and what the study says of its trials.

    Parameters
    ----------
    p_dlt : float array [R, D]
    right : bool array [R, D], optional
        Which doses are acceptable; None if the outcomes were not judged, which is enough for what counts only.
    mtd : int array [R]
        -1 for none.
    target : float
    planned, registered : float
        Most patients by the design and by the registry, nan for none.
    per_evaluable : float array [R, D], optional
        Patients enrolled for one that is evaluable; None for one.
    of_efficacy : Optimal, optional
        Where the study says what the optimal biological dose is.
    """

    p_dlt: FloatArray
    right: BoolArray | None
    mtd: IntArray
    target: float
    planned: float = float("nan")
    registered: float = float("nan")
    per_evaluable: FloatArray | None = None
    of_efficacy: Optimal | None = None

    @classmethod
    def of(cls, outcomes: xr.Dataset) -> Truth:
        """Return the truth of labelled and judged outcomes."""
        known = outcomes.variables
        names = ("p_dlt", "acceptable", "per_evaluable", "p_eff", "utility", "obd_acceptable")
        rows = {name: known[name].transpose("scenario", "dose").to_numpy() for name in names if name in known}
        mtd = known["mtd"].to_numpy() if "mtd" in known else np.full(len(rows["p_dlt"]), -1)
        given = {name: float(outcomes.attrs[name]) for name in ("planned", "registered") if name in outcomes.attrs}
        optimal = Optimal(*(rows[name] for name in names[3:])) if "obd_acceptable" in rows else None
        target, each = float(outcomes.attrs.get("target", np.nan)), rows.get("per_evaluable")
        return cls(rows["p_dlt"], rows.get("acceptable"), mtd, target, **given, per_evaluable=each, of_efficacy=optimal)

    @property
    def optimal(self) -> Optimal:
        """What is true of efficacy."""
        if self.of_efficacy is None:
            raise ValueError("wanted outcomes that were judged by an [obd], got others")
        return self.of_efficacy

    @property
    def acceptable(self) -> BoolArray:
        """Which doses are right, [R, D]."""
        if self.right is None:
            raise ValueError("wanted outcomes that were judged (doseopt.judged), got others")
        return self.right

    @cached_property
    def nothing(self) -> BoolArray:
        """Whether no dose is right, [R]."""
        return np.asarray(~self.acceptable.any(axis=1))

    @cached_property
    def above(self) -> BoolArray:
        """Whether a dose is above the MTD, [R, D]."""
        return above_mtd(self.p_dlt, self.acceptable, self.target)

    @cached_property
    def below(self) -> BoolArray:
        """Whether a dose is below the lowest right one, [R, D]."""
        return np.asarray(
            ~np.logical_or.accumulate(self.acceptable, axis=1) & self.acceptable.any(axis=1, keepdims=True)
        )

    @cached_property
    def too_high(self) -> BoolArray:
        """Whether the rate of a dose is above `TOO_HIGH`, [R, D]."""
        return np.asarray(self.p_dlt > TOO_HIGH + TIE)

    @cached_property
    def distance(self) -> FloatArray:
        """Distance of the rates from the target, rho [R, D], as a share of their sum; nan if that is 0 or for one dose.

        With one dose an index would be the probability that none is selected.
        """
        rho = np.abs(self.p_dlt - self.target)
        total = rho.sum(axis=1, keepdims=True)
        return np.asarray(rho / np.where((total > 0) & (rho.shape[1] > 1), total, np.nan))

    @cached_property
    def alike(self) -> tuple[Truth, IntArray]:
        """One truth for all scenarios in which the same is right, U of them, and which of them each is, [R]."""
        if self.right is None:
            return self, np.arange(len(self.p_dlt))
        same = np.column_stack([self.right, self.above, self.too_high, self.mtd])
        first, which = unique_rows(same.T)
        rest = (self.target, self.planned, self.registered)
        return Truth(self.p_dlt[first], self.right[first], self.mtd[first], *rest), which
