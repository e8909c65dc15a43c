"""What is to be expected from here: averages over beliefs, paired comparisons, the enrolment needed, interims."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from doseopt.amendment.dossier import Dossier
from doseopt.amendment.interims import MEASURES as AT_INTERIMS
from doseopt.amendment.outlook import MOST, enrolment_needed
from doseopt.display.labels import accuracy_words
from doseopt.display.numbers import bare, percent, points
from doseopt.display.outlook import STUDY_MODEL
from doseopt.plots.amendment import enrolment_needed_figure
from doseopt.reports.render.document import Block, Figure, Heading, Paragraph, Table
from doseopt.reports.sections.words import by_scenario, dose_words, measured, so_far

AVERAGES = {
    "correct_selection": "correct %",
    "no_selection": "no MTD %",
    "overdose_selection": "overdose %",
    "further_patients": "further patients",
    "further_dlts": "further DLTs",
    "patients_below_mtd": "below the MTD",
    "patients_above_mtd": "above the MTD",
}
"""Averages: heading of the column."""


def outlook(dossier: Dossier) -> list[Block]:
    """Return what the section on operating characteristics from the data so far ends with."""
    return [
        _beliefs(dossier),
        _averages(dossier),
        _ends(dossier),
        *_paired(dossier),
        *_needed(dossier),
        *_interims(dossier),
    ]


def _beliefs(dossier: Dossier) -> Table:
    """Say what each of the beliefs is."""
    ds = dossier.amendment["average"].to_dataset()
    rows = tuple(zip(map(str, ds["belief"].to_numpy()), map(str, ds["source"].to_numpy()), strict=True))
    return Table(f"What may be believed {so_far(dossier)}", ("belief", "what it is"), rows, words=True)


def _averages(dossier: Dossier) -> Table:
    """Show the averages over all beliefs."""
    ds = dossier.amendment["average"].to_dataset()
    rows = []
    for belief in ds["belief"].to_numpy().tolist():
        for name in dossier.designs:
            at = ds.sel(design=name, belief=belief)
            rows.append((f"{belief}: {name}", *measured(at, *AVERAGES)))
    caption = f"Averages over what may be believed {so_far(dossier)}; the trial is evaluated exactly under each belief"
    accuracy = accuracy_words(float(ds["error"].max()))
    caption += f"; averages are {accuracy}" if accuracy else ""
    return Table(caption, ("", *AVERAGES.values()), tuple(rows))


def _ends(dossier: Dossier) -> Table:
    """Show with which dose the trial will end, averaged over all beliefs."""
    ds = dossier.amendment["average"].to_dataset()
    rows = []
    for belief in ds["belief"].to_numpy().tolist():
        for name in dossier.designs:
            at = ds.sel(design=name, belief=belief)
            chances = (float(at["no_selection"]), *at["selection"].to_numpy().tolist())
            rows.append((f"{belief}: {name}", *map(bare, chances)))
    caption = (
        f"Probability (%) that the trial ends with each dose, averaged over what may be believed {so_far(dossier)}"
    )
    return Table(caption, ("", "none", *dose_words(dossier)[0]), tuple(rows))


def _paired(dossier: Dossier) -> list[Block]:
    """Show the simulated paired comparisons, with their errors."""
    ds = dossier.amendment["paired"].to_dataset()
    trials, seed = int(dossier.amendment.attrs["trials"]), int(dossier.amendment.attrs["seed"])
    registered = dossier.proposal.registered
    texts: dict[str, tuple[str, Callable[[float], str]]] = {
        "selects_differently": (
            f"probability (%) that the design declares otherwise than {registered} for the same patients - another "
            "dose, or one against none",
            bare,
        ),
        "correct_selection_gain": (
            f"correct selection on the same patients, minus that of {registered}, percentage points",
            points,
        ),
    }
    blocks: list[Block] = [
        Paragraph(
            "Simulated, not exact, are the paired comparisons. They depend on how the patients of two trials are "
            "coupled: here a patient has one tolerance under both designs, and the k-th of one trial is the k-th of "
            f"the other. {trials:,} trials a scenario, seed {seed}."
        )
    ]
    for name, (text, show) in texts.items():
        error = bare(float(ds[f"{name}_mcse"].max()), 2)
        caption = f"Simulated, not exact: {text}; Monte Carlo standard error at most {error} points"
        blocks.append(by_scenario(dossier, caption, ds[name], show))
    return blocks


def _needed(dossier: Dossier) -> list[Block]:
    """Say how many patients each design needs for the wanted probability of correct selection."""
    curve = dossier.amendment["enrolment"].to_dataset()["correct_selection"]
    wanted = dossier.proposal.wanted
    needed = enrolment_needed(curve, wanted)
    going = dossier.amendment["next"].to_dataset()["level"] > 0
    each = []
    for name, n in needed.items():
        enough = f"not with {MOST} or fewer" if n is None else str(n)
        each.append(f"{name} {enough if going.sel(design=name) else '(the trial is over)'}")
    text = (
        f"Patients needed, those so far included, for a correct selection with probability {percent(wanted, 0)}, "
        f"averaged over the study's model: {'; '.join(each)}. Tried were caps in steps of "
        "3 patients, and the designs' own."
    )
    figure = Figure.of(
        partial(enrolment_needed_figure, dossier.amendment),
        "Correct selection against the most patients a trial may have, averaged over the study's model; exact.",
        text,
    )
    return [Heading("Enrolment needed", 2), Paragraph(text), figure]


def _interims(dossier: Dossier) -> list[Block]:
    """Show the interims that the study file works through."""
    ds = dossier.interims
    if ds is None:
        return []
    rows = []
    for i, name in enumerate(ds["interim"].to_numpy().tolist()):
        for design in dossier.designs:
            at = ds.isel(interim=i).sel(design=design)
            rows.append((f"{name} ({at['outcomes'].item()}): {design}", *measured(at, *AT_INTERIMS)))
    head = ("", *(AVERAGES[name] for name in AT_INTERIMS))
    caption = f"At interims that the study names, averaged over {STUDY_MODEL} after the data; exact"
    return [Heading("Worked interims", 2), Table(caption, head, tuple(rows))]
