"""Gains of not waiting: what designs that decide on pending patients save and cost, beside those that wait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.clock.arrivals import MONTH
from doseopt.display.labels import listed, names
from doseopt.reports.render.document import MARK, Block, Table

SAVES, COSTS = 3.0, 2.0
"""Months saved from which on not waiting pays, if it costs less than these points of correct and overdose selection."""
RULE = (
    f"saves at least {SAVES:g} months and costs less than {COSTS:g} points, in correct selection lost and in overdose "
    "selection won"
)


@dataclass(frozen=True)
class Gain:
    """What a design gains on the one that waits and is the same otherwise, means over the scenarios.

    Attributes
    ----------
    design, waits_as : str
    pace : float
        Patients a month; nan for the study's own clock.
    saved, of : float
        Days that a trial is shorter, and that one takes which waits.
    correct, overdose : float
        Percentage points by which correct and overdose selection are higher.
    error : float
        The larger Monte Carlo standard error of the two; 0 if exact.
    """

    design: str
    waits_as: str
    pace: float
    saved: float
    of: float
    correct: float
    overdose: float
    error: float

    @property
    def pays(self) -> bool:
        """Whether not waiting pays by `RULE`."""
        return self.saved >= SAVES * MONTH and -self.correct < COSTS and self.overdose < COSTS


def gains(ds: xr.Dataset) -> list[Gain]:
    """Return the gains of each design that has one to be compared with, by pace where the study names several.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    """
    if "correct_gain" not in ds or "duration" not in ds:
        return []
    end = "_at_pace" if "correct_selection_at_pace" in ds else ""
    paces = ds["pace"].to_numpy().tolist() if end else [np.nan]
    label, waits_as = names(ds, "design"), ds["waits_as"].to_numpy().tolist()
    found = []
    for name, other in zip(label, waits_as, strict=True):
        for k, pace in enumerate(paces):
            if other:
                at = ds.isel(pace=k) if end else ds
                found.append(_gain(at, name, str(other), pace, end))
    return [gain for gain in found if not np.isnan(gain.saved)]


def _gain(ds: xr.Dataset, name: str, other: str, pace: float, end: str) -> Gain:
    days, waiting = (
        float(ds[f"duration{end}"].sel(design=which).mean("scenario", skipna=False)) for which in (name, other)
    )
    at = ds.sel(design=name)
    correct, overdose = (100 * float(at[f"{which}_gain{end}"]) for which in ("correct", "overdose"))
    error = max(100 * float(at[f"{which}_gain{end}_mcse"]) for which in ("correct", "overdose"))
    return Gain(name, other, pace, waiting - days, waiting, correct, overdose, error)


def own_pace(ds: xr.Dataset) -> float:
    """Return the patients a month of a study's own clock; nan where arrivals have no pace that goes on."""
    come = ds.attrs.get("arrivals_per_window", np.nan)
    return round(float(come) / float(ds.attrs["window"]) * MONTH, 9)


def not_waiting(ds: xr.Dataset) -> list[str]:
    """Say what is gained by not waiting, and at which of the paces it pays; nothing where no pair can be compared.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    """
    found = gains(ds)
    return told(found, own_pace(ds)) if found else []


def told(found: list[Gain], own: float) -> list[str]:
    """Say what is gained at a study's own pace, and at which of the paces it pays.

    Parameters
    ----------
    found : list of Gain
    own : float
        Patients a month, or nan.
    """
    each = [_sentence(gain) for gain in found if np.isnan(gain.pace) or gain.pace == own]
    if not each:
        return _paying(found)
    text = "; ".join(each)
    text = f"{text[0].upper()}{text[1:]}" if np.isnan(own) else f"At {own:.3g} patients a month {text}"
    return [f"{text}.", *_paying(found)]


def _sentence(gain: Gain) -> str:
    error = f" (of the same simulated patients, standard error {gain.error:.1g})" if gain.error else ""
    points = f"{_points(gain.correct)} correct and {_points(gain.overdose)} overdose selection{error}"
    return f"{gain.design}, which does not wait, {_time(gain)}, with {points}"


def _time(gain: Gain) -> str:
    """Say how much shorter a trial is."""
    time = f"{abs(gain.saved) / MONTH:.1f} months ({100 * abs(gain.saved) / gain.of:.0f}%)"
    if time.startswith("0.0 "):
        return f"takes as long as {gain.waits_as}"
    if gain.saved < 0:
        return f"takes {time} more than {gain.waits_as}"
    return f"saves {time} over {gain.waits_as}"


def _points(value: float) -> str:
    """Say a difference in percentage points."""
    shown = f"{abs(value):.1f}"
    return "as much" if shown == "0.0" else f"{shown} points {'more' if value > 0 else 'less'}"


def _paying(found: list[Gain]) -> list[str]:
    """Say at which paces it pays, and how the time saved depends on the pace."""
    paces = sorted({gain.pace for gain in found if not np.isnan(gain.pace)})
    if len(paces) < 2:
        return []
    each, saved = [], []
    for name in dict.fromkeys(gain.design for gain in found):
        own = [gain for gain in found if gain.design == name]
        each.append(f"for {name} {_where([gain.pace for gain in own if gain.pays], paces)}")
        first, last = (f"{months(g)} ({share(g)}%)" for g in (own[0], own[-1]))
        saved.append(f"{name} {first} at {paces[0]:.3g} and {last} at {paces[-1]:.3g}")
    shown = listed([f"{pace:.3g}" for pace in paces])
    return [
        f"Of {shown} patients a month, not waiting pays {', '.join(each)}. It pays where it {RULE}. Months saved: "
        f"{'; '.join(saved)}."
    ]


def months(gain: Gain) -> str:
    """Return the months saved."""
    return f"{round(gain.saved / MONTH, 1) + 0:.1f}"


def signed(value: float) -> str:
    """Return percentage points with their sign, none where they are 0."""
    return "0.0" if f"{abs(value):.1f}" == "0.0" else f"{value:+.1f}"


def share(gain: Gain) -> str:
    """Return the percentage of the time that is saved."""
    return f"{round(100 * gain.saved / gain.of) + 0:.0f}"


def _where(pays: list[float], paces: list[float]) -> str:
    """Say which of the paces are meant."""
    if not pays or pays == paces:
        return "at none" if not pays else "at all"
    if pays == paces[-len(pays) :]:
        return f"from {pays[0]:.3g} on"
    return f"up to {pays[-1]:.3g}" if pays == paces[: len(pays)] else f"at {listed([f'{pace:.3g}' for pace in pays])}"


def pace_blocks(ds: xr.Dataset) -> list[Block]:
    """Return how designs select by pace, and what not waiting gains, for a reader to apply another rule to.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    """
    found = gains(ds)
    return [*_selection_by_pace(ds), *([_gain_table(ds, found)] if found else [])]


def _selection_by_pace(ds: xr.Dataset) -> list[Block]:
    """Return correct and overdose selection of all designs at each pace that the study names."""
    if "correct_selection_at_pace" not in ds:
        return []
    paces = [f"{pace:.3g}" for pace in ds["pace"].to_numpy().tolist()]
    parts = {which: 100 * ds[f"{which}_selection_at_pace"].mean("scenario") for which in ("correct", "overdose")}
    values = np.concatenate([part.transpose("design", "pace").to_numpy() for part in parts.values()], axis=1)
    rows = tuple((name, *(f"{v:.1f}" for v in row)) for name, row in zip(names(ds, "design"), values, strict=True))
    title = "Selection by patients a month, % of trials, mean over the scenarios; only designs that do not wait differ"
    groups = tuple((which, len(paces)) for which in parts)
    return [Table(title, ("", *paces, *paces), rows, labels=True, groups=groups)]


def _gain_table(ds: xr.Dataset, found: list[Gain]) -> Table:
    own = own_pace(ds)
    rows, pays = [], set()
    for row, gain in enumerate(found):
        pace = own if np.isnan(gain.pace) else gain.pace
        cells = [f"{gain.of / MONTH:.1f}", months(gain), share(gain), signed(gain.correct), signed(gain.overdose)]
        rows.append((gain.design, gain.waits_as, "-" if np.isnan(pace) else f"{pace:.3g}", *cells))
        pays |= {(row, 4)} if gain.pays else set()
    error = max(gain.error for gain in found)
    same = f"Points of the same patients, simulated with both designs: standard error at most {error:.1g}."
    notes = (f"Pays where it {RULE}.", *([same] if error else []))
    title = f"What not waiting gains, means over the scenarios: months, and points of selection; {MARK} it pays"
    head = ("", "waits", "a month", "months", "saved", "%", "correct", "overdose")
    groups = (("patients", 1), ("a trial", 1), ("by not waiting", 4))
    return Table(
        title, head, tuple(rows), texts=(0, 1), labels=True, marked=frozenset(pays), groups=groups, notes=notes
    )
