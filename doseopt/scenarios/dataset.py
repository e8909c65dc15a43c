"""Scenarios as a labelled Dataset: the true DLT rates that trials are weighed with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import BoolArray, FloatArray

LONG_NAMES = {
    "p_dlt": "true probability of a drug-caused DLT",
    "p_observed": "probability that a DLT is recorded",
    "p_moderate": "probability of a moderate toxicity, given no DLT",
    "p_eff": "probability of efficacy, whether or not there is a DLT",
}

MAY_LACK = ("p_moderate", "p_eff")
"""What some scenarios may leave open, as NaN."""

type Rows = FloatArray | list[FloatArray]
"""Rates of scenarios, [S, D], or a row each where they may be of different lengths."""


def make_scenarios(
    p_dlt: npt.ArrayLike,
    names: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    *,
    p_observed: npt.ArrayLike | None = None,
    p_moderate: npt.ArrayLike | None = None,
    p_eff: npt.ArrayLike | None = None,
    reason: str | Sequence[str] | None = None,
    source: str | Sequence[str] | None = None,
) -> xr.Dataset:
    """Make a set of scenarios.

    Parameters
    ----------
    p_dlt : float array [S, D]
        Drug-caused DLT rates; the MTD, overdose and correct selection are always judged by them. They need not rise
        with the dose.
    names : sequence of str, optional
        One for each scenario, all different; "S1", "S2", ... when left out.
    labels : sequence of str, optional
        One for each dose, all different; "1", "2", ... when left out.
    p_observed : float array [S, D], optional
        The rates that the engine weighs with; those of `p_dlt` unless events are misattributed.
    p_moderate : float array [S, D], optional
        P(moderate toxicity | no DLT); NaN where it is not given.
    p_eff : float array [S, D], optional
        P(efficacy), which is taken to be independent of the DLT.
    reason, source : str or sequence of str, optional
        Why the scenario is there, and where it comes from; one for all, or one each.

    Returns
    -------
    Dataset
        Variables ``p_dlt``, ``p_observed``, ``p_moderate``, and ``p_eff`` if given, (scenario, dose); coordinates
        ``scenario``, ``dose``, ``reason`` and ``source``.

    Raises
    ------
    Faults
        With everything that is wrong, each fault under its scenario's name.

    Examples
    --------
    >>> make_scenarios([[0.05, 0.15, 0.30]], ["mild"])["p_dlt"].sel(scenario="mild", dose="3").item()
    0.3
    """
    beside = {"p_observed": p_observed, "p_moderate": p_moderate, "p_eff": p_eff}
    return checked_rates(p_dlt, beside, names, labels, {"reason": reason, "source": source}).labelled()


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates of scenarios that were checked, before they are labelled.

    Attributes
    ----------
    arrays : dict of str to float array [S, D]
    scenarios, labels : list of str
        Names of scenarios and doses.
    texts : dict of str to list of str
    planned : bool array [D], optional
        Doses that are not merely insertable; left out if all are.
    """

    arrays: dict[str, FloatArray]
    scenarios: list[str]
    labels: list[str]
    texts: dict[str, list[str]]
    planned: BoolArray | None = None

    def labelled(self) -> xr.Dataset:
        """Return the scenarios as a Dataset."""
        variables = {
            name: (("scenario", "dose"), rates, {"long_name": LONG_NAMES[name], "units": "1"})
            for name, rates in self.arrays.items()
        }
        coords = {
            "scenario": ("scenario", np.array(self.scenarios, np.str_), {"long_name": "scenario"}),
            "dose": ("dose", np.array(self.labels, np.str_), {"long_name": "planned dose"}),
        }
        about = {"reason": "why the scenario is there", "source": "where the scenario comes from"}
        for name, words in about.items():
            coords[name] = ("scenario", np.array(self.texts[name], np.str_), {"long_name": words})
        made = xr.Dataset(variables, coords)
        if self.planned is None:
            return made
        return made.assign_coords(planned=("dose", self.planned, {"long_name": "dose is planned, not only insertable"}))


def checked_rates(
    p_dlt: npt.ArrayLike,
    beside: Mapping[str, npt.ArrayLike | None],
    names: Sequence[str] | None,
    labels: Sequence[str] | None,
    texts: Mapping[str, str | Sequence[str] | None],
) -> Rates:
    """Check DLT rates, and what rates and texts stand beside them, by name; see `make_scenarios`."""
    faults: list[Fault] = []
    rows = _rows(p_dlt, "p_dlt", faults)
    numbered = [f"S{k + 1}" for k in range(len(rows))]
    scenarios = numbered if names is None else [str(name) for name in names]
    faults += _naming("names", scenarios, len(rows), "scenario")
    doses = max(_lengths(rows), default=0)
    dose_labels = [str(k + 1) for k in range(doses)] if labels is None else [str(label) for label in labels]
    faults += _naming("labels", dose_labels, doses, "dose")
    given = {"p_dlt": rows} | {name: _rows(each, name, faults) for name, each in beside.items() if each is not None}
    for name, part in given.items():
        faults += _rate_faults(name, part, scenarios if len(scenarios) == len(rows) else numbered, doses)
    said = {name: _texts(name, text, len(rows), faults) for name, text in texts.items()}
    if faults:
        raise Faults(faults, "scenarios")
    p = np.array(rows)
    arrays = {"p_dlt": p, "p_observed": p, "p_moderate": np.full_like(p, np.nan)}
    arrays |= {name: np.array(part) for name, part in given.items()}
    return Rates(arrays, scenarios, dose_labels, said)


def names_faults(names: list[str]) -> list[Fault]:
    """Return what is wrong with the names of scenarios that are to stand together."""
    return _naming("scenario", names, len(names), "scenario")


def concat_scenarios(sets: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join sets of scenarios over the same doses.

    Parameters
    ----------
    sets : sequence of Dataset
        Each as made by :func:`make_scenarios`.

    Returns
    -------
    Dataset
        The scenarios in the order given; attributes on which the sets differ are dropped.

    Raises
    ------
    Faults
        If there is nothing to join, the doses differ, or two scenarios have the same name.
    """
    if not sets:
        raise Faults([Fault("", "wanted at least one set of scenarios, got none")], "scenarios")
    doses = sets[0]["dose"].values.tolist()
    wanted = f"wanted the doses of the first set ({', '.join(doses)})"
    faults = [
        Fault(f"[{k}].dose", f"{wanted}, got {', '.join(map(str, part['dose'].values))}")
        for k, part in enumerate(sets)
        if part["dose"].values.tolist() != doses
    ]
    names = [name for part in sets for name in part["scenario"].values.tolist()]
    faults += names_faults(names)
    if faults:
        raise Faults(faults, "scenarios")
    if any("p_eff" in part for part in sets):  # those that do not state it leave it open
        blank = [part["p_dlt"].copy(data=np.full(part["p_dlt"].shape, np.nan)) for part in sets]
        about = {"long_name": LONG_NAMES["p_eff"], "units": "1"}
        sets = [p if "p_eff" in p else p.assign(p_eff=b.assign_attrs(about)) for p, b in zip(sets, blank, strict=True)]
    return xr.concat(
        sets,
        dim="scenario",
        data_vars="all",
        coords="minimal",
        compat="equals",
        join="exact",
        combine_attrs="drop_conflicts",
    )


def lacking(scenarios: xr.Dataset, name: str) -> list[str]:
    """Return the names of the scenarios that do not state some rates at every dose; none where the name is empty.

    >>> lacking(make_scenarios([[0.1, 0.2]], ["mild"]), "p_moderate")
    ['mild']
    """
    if not name:
        return []
    missing = np.isnan(scenarios[name].to_numpy()).any(axis=1) if name in scenarios else slice(None)
    names: list[str] = scenarios["scenario"].to_numpy()[missing].tolist()
    return names


def _rows(rates: npt.ArrayLike, name: str, faults: list[Fault]) -> Rows:
    """Read rates [S, D] that may be ragged or no numbers at all; a fault is noted and its row left out."""
    if isinstance(rates, np.ndarray) and rates.dtype.kind in "fiu" and rates.ndim == 2 and rates.size:
        return rates.astype(np.float64)  # thousands of points of a belief, which take long one by one
    given: list[object] = []
    if hasattr(rates, "__array__"):
        given = list(np.atleast_1d(np.asarray(rates)))
    elif isinstance(rates, Sequence) and not isinstance(rates, str):
        given = list(rates)
    if not given:
        faults.append(Fault(name, f"wanted rates by scenario and dose, got {rates!r}"))
    rows = []
    for k, row in enumerate(given):
        try:
            values = np.asarray(row, np.float64)
        except (TypeError, ValueError):
            values = np.empty(())
        if values.ndim != 1 or values.size == 0:
            faults.append(Fault(f"{name}[{k}]", f"wanted one rate for each dose, got {row!r}"))
            values = np.empty(0)
        rows.append(values)
    return rows


def _naming(where: str, names: list[str], count: int, noun: str) -> list[Fault]:
    """Faults of names: one for each thing, all different, none empty."""
    faults = []
    if len(names) != count:
        faults.append(Fault(where, f"wanted one name for each {noun} ({count}), got {len(names)}"))
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        faults.append(Fault(where, f"wanted a different name for each {noun}, got {', '.join(map(repr, twice))} twice"))
    if "" in names:
        faults.append(Fault(where, f"wanted a name for each {noun}, got an empty one"))
    return faults


def _lengths(rows: Rows) -> set[int]:
    """Return how many rates rows have."""
    return {rows.shape[1]} if isinstance(rows, np.ndarray) else {len(row) for row in rows}


def _rate_faults(name: str, rows: Rows, scenarios: list[str], doses: int) -> list[Fault]:
    """Faults of rates: a row for each scenario, a rate for each dose, all of them probabilities."""
    if len(rows) != len(scenarios):
        return [Fault(name, f"wanted one row for each scenario ({len(scenarios)}), got {len(rows)}")]
    if _lengths(rows) <= {doses}:
        every = np.asarray(rows)
        missing = np.isnan(every) & (name in MAY_LACK)
        if np.all(missing | (every >= 0) & (every <= 1)):
            return []
    faults = []
    for scenario, row in zip(scenarios, rows, strict=True):
        if row.size and len(row) != doses:
            faults.append(Fault(f"{scenario}.{name}", f"wanted {doses} rates, one for each dose, got {len(row)}"))
        for k, rate in enumerate(row):
            if not (0 <= rate <= 1 or (name in MAY_LACK and np.isnan(rate))):
                faults.append(Fault(f"{scenario}.{name}[{k}]", f"wanted a rate in [0, 1], got {rate:g}"))
    return faults


def _texts(name: str, text: str | Sequence[str] | None, count: int, faults: list[Fault]) -> list[str]:
    """Return one text for each scenario."""
    if text is None or isinstance(text, str):
        return [text or ""] * count
    if len(text) != count:
        faults.append(Fault(name, f"wanted one text for all or one for each scenario ({count}), got {len(text)}"))
    return [str(t) for t in text]
