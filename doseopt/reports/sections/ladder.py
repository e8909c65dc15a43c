"""The smallest amendment: the ladder of changes, the first that reaches what is wanted, and what costs no patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import xarray as xr

from doseopt.amendment.dossier import Dossier
from doseopt.amendment.ladder import MEASURES, SCENARIOS, first_reaching, reaching
from doseopt.amendment.larger import WORSE, Larger
from doseopt.core.text import counted
from doseopt.display.labels import listed
from doseopt.display.numbers import bare, decimal, percent, points
from doseopt.display.outlook import STUDY_MODEL
from doseopt.measures.operating_characteristics import METRICS
from doseopt.plots.ladder import ladder_figure
from doseopt.reports.render.document import Block, Bullets, Figure, Paragraph, Table
from doseopt.reports.sections.section import Section
from doseopt.reports.sections.words import dose, dose_words

HEADS = {
    "correct_selection": "correct",
    "overdose_selection": "overdose",
    "no_selection": "no MTD",
    "sample_size": "patients",
    "patients_below_mtd": "<MTD",
    "dlts_above_mtd": "DLTs >MTD",
}
"""Of columns, by measure."""
LEAST_PATIENTS = 0.05
"""Expected patients that a table shows."""
OUTCOME = (
    "*: changes what is declared the MTD, a primary outcome where it is registered. Caps are enrolment, no outcome."
)


def smallest(dossier: Dossier) -> list[Block]:
    """Show the ladder from the registered design."""
    ds = dossier.amendment["ladder"].to_dataset()
    called = [dose(dossier, k + 1) for k in range(len(dose_words(dossier)[0]))]
    return [
        Paragraph(
            f"From {ds.attrs['registered']} as it is read: what could be changed instead of everything, the smallest "
            "change first. Patients below the MTD are treated below the lowest right dose, where one is right; DLTs "
            "above the MTD at doses that are too toxic."
        ),
        Bullets(tuple(larger_sentences(dossier.larger, called))),
        Figure.of(
            partial(ladder_figure, ds, dossier.proposal.wanted),
            "Gain against change: each step of the ladder; averages over the study's model, exact for each truth.",
            "Rows of points, a step each; the numbers are in the table below.",
        ),
        curve_table(ds),
        ladder_table(ds, range(ds.sizes["step"]), STUDY_MODEL),
        ladder_table(ds, range(ds.sizes["step"]), SCENARIOS),
        changes_table(ds, range(ds.sizes["step"])),
    ]


def named(ds: xr.Dataset, k: int) -> str:
    """Return what a step is called, marked if it changes what is declared the MTD."""
    return str(ds["step"].to_numpy()[k]) + "*" * bool(ds["outcome"].to_numpy()[k])


def ladder_table(ds: xr.Dataset, steps: Sequence[int], average: str) -> Table:
    """Return what steps attain.

    Parameters
    ----------
    ds : Dataset
        Of `ladder`.
    steps : sequence of int
        Positions of those that are shown.
    average : str
        Which average.
    """
    at, rows = ds.sel(average=average), []
    for k in steps:
        one = at.isel(step=k)
        cells = [(bare if METRICS[name].units == "1" else decimal)(float(one[name])) for name in MEASURES]
        rows.append((named(ds, k), *cells[:4], f"{int(one['most_patients'])}", *cells[4:]))
    heads = [HEADS[name] for name in MEASURES]
    caption = (
        f"The ladder of amendments, {average if average == SCENARIOS else f'averages over {average}'}: % of trials"
    )
    head = ("step", *heads[:4], "at most", *heads[4:])
    return Table(
        f"{caption}; patients expected and at most, below the MTD; DLTs above it",
        head,
        tuple(rows),
        notes=(OUTCOME, *_in_window(ds), *_left_out(ds)),
        labels=True,
        short_heads=False,
    )


def _in_window(ds: xr.Dataset) -> list[str]:
    """Say with what the steps are evaluated that state how an event in the DLT window counts."""
    names = [str(name) for name, window in zip(ds["step"].to_numpy(), ds["window"].to_numpy(), strict=True) if window]
    what = "with such events as elicited or stated, the other steps as the study is: no gain or loss of the amendment"
    return [f"{listed(names)}: the registered design {what}."] if names else []


def _left_out(ds: xr.Dataset) -> list[str]:
    """Name the steps that cannot be evaluated exactly from these data."""
    names = ds.attrs["left_out"].splitlines()
    why = "as too large to be evaluated exactly, or without rules for these data"
    return [f"Left out, {why}: {listed(names)}."] if names else []


def changes_table(ds: xr.Dataset, steps: Sequence[int]) -> Table:
    """Return what steps change of the protocol.

    Parameters
    ----------
    ds : Dataset
        Of `ladder`.
    steps : sequence of int
    """
    rows = [(str(ds["rung_name"].to_numpy()[k]), named(ds, k), str(ds["says"].to_numpy()[k])) for k in steps]
    return Table("What each step changes of the protocol", ("rung", "step", "changes"), tuple(rows), words=True)


def curve_table(ds: xr.Dataset) -> Table:
    """Return the first step that reaches each probability of correct selection.

    Parameters
    ----------
    ds : Dataset
        Of `ladder` or `search`.
    """
    steps = first_reaching(ds)
    right = ds["correct_selection"].sel(average=STUDY_MODEL).to_numpy()
    overdose = ds["overdose_selection"].sel(average=STUDY_MODEL).to_numpy()
    patients = ds["sample_size"].sel(average=STUDY_MODEL).to_numpy()
    below = ds["patients_below_mtd"].sel(average=STUDY_MODEL).to_numpy()
    rung, most = ds["rung_name"].to_numpy(), ds["most_patients"].to_numpy()
    rows = [
        (
            f"up to {percent(right[k])}",
            named(ds, k),
            str(rung[k]),
            bare(overdose[k]),
            decimal(patients[k]),
            str(most[k]),
            decimal(below[k]),
        )
        for k in steps
    ]
    head = ("wanted", "first step", "rung", "overdose %", "patients", "at most", "below MTD")
    return Table("The first step for each wanted probability of correct selection", head, tuple(rows), texts=(0, 1, 2))


def sentences(ds: xr.Dataset, wanted: float, amended: Sequence[str] = ()) -> list[str]:
    """Say which step is the first to reach what is wanted, and how much of what amended designs gain costs no patient.

    Parameters
    ----------
    ds : Dataset
        Of `ladder` or `search`.
    wanted : float
    amended : sequence of str
        Steps of it.
    """
    return [_first(ds, wanted), *_free(ds, amended)]


def _first(ds: xr.Dataset, wanted: float) -> str:
    """Say which step is the first to reach what is wanted."""
    at, first = ds.sel(average=STUDY_MODEL), reaching(ds, wanted)
    right = at["correct_selection"].to_numpy()
    if first is None:
        best = int(right.argmax())
        most = f'the most is {percent(right[best])} ("{_step(ds, best)}")'
        return f"No step selects correctly in {percent(wanted, 0)} of trials; {most}."
    one = at.isel(step=first)
    outcome = (
        " It changes what is declared the MTD: a primary outcome, where that is registered."
        if bool(one["outcome"])
        else " It leaves what is declared the MTD as it is registered." * bool(first)
    )
    enough = f"select correctly in {percent(wanted, 0)} of trials"
    which = (
        f'The first step to {enough} is "{_step(ds, first)}" ({one["says"].item()})'
        if first
        else f'To {enough} takes no change of "{_step(ds, first)}"'
    )
    return (
        f"{which}: correct {percent(right[first])}, overdose "
        f"{percent(float(one['overdose_selection']))}, no MTD {percent(float(one['no_selection']))}, "
        f"{decimal(float(one['sample_size']))} patients expected, {int(one['most_patients'])} at most, "
        f"{decimal(float(one['patients_below_mtd']))} below the MTD.{outcome}"
    )


def _free(ds: xr.Dataset, amended: Sequence[str]) -> list[str]:
    """Say how much of the largest gain of an amended design a smaller change has that takes no more patients."""
    at, names = ds.sel(average=STUDY_MODEL), ds["step"].to_numpy().tolist()
    right, size = at["correct_selection"].to_numpy(), at["sample_size"].to_numpy()
    rung, most = ds["rung"].to_numpy(), ds["most_patients"].to_numpy()
    says = ds["says"].to_numpy()
    alike = (rung == 1) & (ds["window"].to_numpy() == "")
    free = np.flatnonzero((most <= most[0]) & (size <= size[0] + LEAST_PATIENTS) & alike)
    told = [k for k in map(names.index, (name for name in amended if name in names)) if right[k] > right[0]]
    if not free.size or not told:
        return []
    best = int(free[right[free].argmax()])
    gain, over = right[best] - right[0], percent(float(at["overdose_selection"][best]))
    shares = listed([f"{points(right[k] - right[0])} with {names[k]}" for k in told])
    if gain <= 0:
        return []
    return [
        f'Without one more patient, "{_step(ds, best)}" ({says[best]}) gains {points(gain)} points of correct '
        f"selection, of {shares}; overdose {over}."
    ]


def _step(ds: xr.Dataset, k: int) -> str:
    """Return what a step is called in a sentence."""
    return str(ds["step"].to_numpy()[k])


def larger_sentences(found: Mapping[str, Larger], doses: Sequence[str]) -> list[str]:
    """Say where a larger cap is worse, why as far as it can be derived, and which cap mends it.

    Parameters
    ----------
    found : mapping of str to Larger
    doses : sequence of str
        What doses are called.
    """
    return [f"{_less(name, each)}{_why(each, doses)}{_mended(each)}" for name, each in found.items()]


def _less(name: str, each: Larger) -> str:
    low = each.change.to_numpy()
    worst = str(each.change["scenario"].to_numpy()[low.argmin()])
    return (
        f"{name} selects correctly less often than the same design with at most {each.smaller} patients in "
        f"{int((low < -WORSE).sum())} of {counted(len(low), 'scenario')}, by up to {bare(-low.min())} points "
        f'("{worst}").'
    )


def _why(each: Larger, doses: Sequence[str]) -> str:
    """Say which trials lose most, and what their rule does with so many patients."""
    loss = each.loss
    if loss is None:
        return ""
    at = "no dose" if loss.named < 0 else f"{doses[loss.named]} ({counted(loss.y, 'DLT')} in {loss.n} there)"
    text = (
        f" Of the right selections lost there, {percent(loss.share, 0)} are of trials that after {each.smaller} "
        f"patients name {at} and treat the next {counted(loss.size, 'patient')} at {doses[loss.given]}."
    )
    if loss.moves is None:
        return text
    up, down, stays = loss.moves
    moves = [f"up with at most {up}"] * (up >= 0) + [f"down from {down} on"] * (down >= 0)
    none = "" if stays else ": no number lets it stay"
    return f"{text} With {loss.n} patients at a dose the rule goes {' and '.join(moves)} (DLTs){none}."


def _mended(each: Larger) -> str:
    if each.mended is None:
        return ""
    cap, change = each.mended
    low = change.to_numpy()
    worse = int((low < -WORSE).sum())
    left = f"in {worse} (by up to {bare(-low.min())} points)" if worse else "in none"
    return f" With at most {cap} patients it is {left}."


LADDER = Section("The ladder of amendments", smallest)
