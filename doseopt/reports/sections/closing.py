"""Attainable, sensitivity, limitations, example trials, reproduction."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from doseopt.amendment.dossier import Dossier
from doseopt.core.outcome_space import TOXICITY
from doseopt.display.labels import accuracy_words, listed, reason_words
from doseopt.display.numbers import NOTHING, bare, decimal, percent, points, rates
from doseopt.display.outlook import STUDY_BELIEF
from doseopt.display.readings import factor_words
from doseopt.plots.readings import silences_figure
from doseopt.reports.render.document import Block, Bullets, Code, Figure, Paragraph, Table
from doseopt.reports.sections.readings import combinations_sentence, silences_rows
from doseopt.reports.sections.section import Section
from doseopt.reports.sections.words import declared, so_far, statement

BESIDE = ("overdose %", "below the MTD")
"""Headings beside what is attained."""


def attainable(dossier: Dossier) -> list[Block]:
    """Set what the designs attain beside what is attainable."""
    ds = dossier.attainable
    tables: list[Block] = [_attained(dossier, "", "from the first patient")]
    if dossier.cohorts:
        tables.append(_attained(dossier, "_now", f"from the data so far on ({so_far(dossier)})"))
    regret = dossier.comparison["regret_to_benchmark"].mean("scenario")
    complete = [
        f"{name} {points(float(regret.sel(design=name)))}"
        for name in dossier.designs
        if regret.sel(design=name).notnull()
    ]
    beside = (
        "The complete-information benchmark, which sees every patient's outcome at every dose, beside the designs at "
        f"their expected size: benchmark minus correct selection, mean over the scenarios, {'; '.join(complete)} "
        "percentage points. It uses no prior, so that it is no bound for designs that do."
    )
    return [
        Paragraph(
            "Attainable is what the best of all designs attains that see the tally, treat one patient after the other "
            f"from the same first dose, {_skipping(dossier)}, have the same most patients and may stop at any time. It "
            f"is found by backward induction over all tallies and holds under one belief ({ds.attrs['belief']}) and "
            f"one utility ({ds.attrs['utility']}): it knows the belief, and in a single truth a design may exceed it."
        ),
        *tables,
        *(Paragraph(f"Not computed, because too large: {line}.") for line in ds.attrs["not_computed"].splitlines()),
        *([Paragraph(beside)] if complete else []),  # one dose has none
    ]


def _attained(dossier: Dossier, when: str, words: str) -> Table:
    """Set what is attained beside what is attainable."""
    share, rows = dossier.study.utility.is_correct_selection, []
    beside = _beside(dossier) if when or not dossier.cohorts else {}
    for name in dossier.designs:
        at = dossier.attainable.sel(design=name)
        got, best = float(at[f"attained{when}"]), float(at[f"attainable{when}"])
        numbers = (decimal(v, 3) for v in (got, best, best - got))
        cells = (bare(got), bare(best), points(best - got)) if share else tuple(numbers)
        rows.append((name, f"{float(at['most_patients']):.0f}", *cells, *beside.get(name, ())))
    head = ("", "most patients", "attained", "attainable", "regret", *(BESIDE if beside else ()))
    unit = "(%)" if share else "(expected utility)"
    accuracy = accuracy_words(dossier.attainable.attrs["error"]) or "exact"
    return Table(f"Attained and attainable {unit}, {words}; {accuracy}", head, tuple(rows))


def _beside(dossier: Dossier) -> dict[str, tuple[str, str]]:
    """Return overdose selection and patients below the MTD of each design under the study's belief, from here on."""
    average = dossier.amendment["average"].to_dataset().sel(belief=STUDY_BELIEF)
    each = ((name, average.sel(design=name)) for name in dossier.designs)
    return {
        name: (bare(float(at["overdose_selection"])), decimal(float(at["patients_below_mtd"]))) for name, at in each
    }


def _skipping(dossier: Dossier) -> str:
    """Say whether the designs of the class may skip a dose."""
    free = [name for name in dossier.designs if dossier.study.designs[name].facts.skips]
    return f"skip no dose ({listed(free)}: may skip doses)" if free else "skip no dose"


def sensitivity(dossier: Dossier) -> list[Block]:
    """Show what each reading of the registered protocol would change."""
    ds = dossier.silences
    if ds is None:
        return [Paragraph("The registered design has no parameter that a protocol could mean otherwise.")]
    head, rows = silences_rows(ds)
    return [
        Paragraph(
            f"{dossier.proposal.registered} from the first patient on, under every reading of what the protocol does "
            "not say, one at a time; means over the scenarios, exact. Where a reading looks at moderate toxicity and "
            f"a scenario states none, its probability without a DLT is {percent(float(ds.attrs['p_moderate']), 0)}."
        ),
        Figure.of(
            partial(silences_figure, ds),
            "What each silence of the protocol moves: mean over the scenarios under each reading.",
            "Bars for each silence, ranked by the effect on correct selection; the numbers are in the table below.",
        ),
        Table(
            "Operating characteristics under each reading; change from the reading in use in brackets",
            tuple(head),
            tuple(map(tuple, rows)),
            texts=(0, 1, 2),
        ),
        _ranking(ds),
        Paragraph(combinations_sentence(ds)),
    ]


def _ranking(ds: xr.Dataset) -> Table:
    """Rank the silences by the largest effect of a reading, on each measure."""
    shown = {
        "correct_selection": ("correct selection, points", 100),
        "overdose_selection": ("overdose, points", 100),
        "patients_below_mtd": ("patients below the MTD", 1),
        "total_dlts": ("DLTs", 1),
        "sample_size": ("patients", 1),
    }
    effect = {name: scale * ds[f"effect_{name}"].to_numpy() for name, (_, scale) in shown.items()}
    rank = {name: (-np.abs(value)).argsort(kind="stable").argsort() + 1 for name, value in effect.items()}
    rows = []
    for k in np.argsort(rank["correct_selection"]).tolist():
        cells = [f"{effect[name][k] + 0.0:+.2f} ({rank[name][k]})" for name in shown]
        rows.append((factor_words(str(ds["factor"].to_numpy()[k])), *cells))
    caption = "Largest change that a reading makes to the mean over the scenarios, and its rank"
    return Table(caption, ("silent on", *(head for head, _ in shown.values())), tuple(rows))


def limitations(dossier: Dossier) -> list[Block]:
    """Say what the numbers do not say."""
    return [
        Bullets(
            (
                "Exact is the evaluation: sums of finitely many products. Scenarios, beliefs and models are "
                "assumptions; a posterior is as accurate as its quadrature (tested to 1e-9 for one parameter).",
                "A DLT is seen before the next decision: late-onset toxicity, staggered entry and their effect on "
                "duration are not part of these numbers.",
                "Only DLTs count. Efficacy, lower-grade and cumulative toxicity, and differences between the "
                "populations enrolled are left to judgement.",
                "Patients are alike: one DLT rate a dose. Actual doses other than planned ones enter the posterior, "
                "and the designs only where the sensitivity section says so.",
                "Averages over a model are as good as the model: the table of beliefs says how far they move.",
                "The designs compared are those that the study names; others may do better.",
            )
        ),
        statement(dossier, "involvement"),
    ]


WHICH = {
    "typical": "A typical trial",
    "worst": "The trial with most DLTs",
    "earliest": "The earliest stop",
}


def examples(dossier: Dossier) -> list[Block]:
    """Tell three trials of each design."""
    if not dossier.examples:
        left_out = "Not told: patients who are left out have no place in trials that are told cohort by cohort."
        return [Paragraph(left_out)]
    first = next(iter(next(iter(dossier.examples.values())).values()))
    rows = []
    for name, trials in dossier.examples.items():
        for which, text in WHICH.items():
            none = ("none of them stops early", *[NOTHING] * 4)
            rows.append((name, text, *(_told(dossier, trials[which]) if which in trials else none)))
    more = "further " if dossier.cohorts else ""
    head = ("design", "which", f"{more}cohorts", f"{more}patients", f"{more}DLTs", "ends", "is that correct?")
    return [
        Paragraph(
            "Three of 1,000 simulated trials of each design, all with the same patients, under the scenario closest to "
            f'the posterior: "{dossier.truth}", true DLT rates {rates(first["p_dlt"])}. Typical: of the trials with '
            "the most frequent selection the one closest to the median numbers of patients and of DLTs."
        ),
        Table(f"Example trials, {so_far(dossier)}", head, tuple(rows), words=True),
    ]


def _told(dossier: Dossier, trial: Mapping[str, Any]) -> tuple[str, ...]:
    steps = trial["steps"]
    course = " ".join(f"{one['level']}{one['letters']}" for one in steps) or "none"
    patients, dlts = sum(one["size"] for one in steps), sum(TOXICITY.counts(one["letters"])[0] for one in steps)
    ends = f"{reason_words(trial['stop'])}: {declared(dossier, trial['mtd'])}"
    return course, str(patients), str(dlts), ends, "yes" if trial["correct"] else "no"


def reproduction(dossier: Dossier) -> list[Block]:
    """Say how to get the same numbers."""
    study, attrs = dossier.study, dossier.amendment.attrs
    versions = [f"Python {platform.python_version()}"] + [f"{p} {version(p)}" for p in ("numpy", "scipy", "xarray")]
    counts = dossier.comparison
    sizes = [
        f"{name} {int(at['states']):,} states, {int(at['endings']):,} of them endings"
        if np.isfinite(at.get("states", np.nan))
        else f"{name} simulated, {int(at['trials']):,} trials a scenario"
        for name, at in ((name, counts.sel(design=name)) for name in dossier.designs)
    ]
    sums = counts["selection"].sum("dose") + counts["no_selection"]
    return [
        Code(dossier.command),
        Paragraph(
            f"doseopt {attrs['version']}; {', '.join(versions)}. Study {study.name}, hash {study.hash}: a digest of "
            "everything that the study file says. The study file lies beside this report (study.toml)."
        ),
        Paragraph(
            f"Exact results need no seed. The paired comparison uses {int(attrs['trials']):,} trials a scenario, seed "
            f"{int(attrs['seed'])}; the example trials seed 1. Size of the exact calculation: {'; '.join(sizes)}. "
            f"Probabilities of all endings sum to 1 within {float(abs(sums - 1).max()):.0e}."
        ),
        *([Paragraph(f"The patients lie beside this report, too ({dossier.digest}).")] if dossier.digest else []),
    ]


ATTAINABLE = Section("Distance from what is attainable", attainable, answers=("attainable",))
SENSITIVITY = Section("Sensitivity to the readings of the protocol", sensitivity, answers=("silences",))
LIMITATIONS = Section(
    "Limitations",
    limitations,
    answers=("interpretation", "limitations"),
    stated={"involvement": ("involvement",)},
)
EXAMPLES = Section("Example trials", examples, answers=("examples",))
REPRODUCTION = Section("Reproduction", reproduction, answers=("software", "transparency"))
