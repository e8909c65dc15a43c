"""The first page: what is recommended, what becomes of 100 trials, and the price."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import xarray as xr

from doseopt.amendment.dossier import Dossier
from doseopt.core.text import counted
from doseopt.display.labels import listed
from doseopt.display.numbers import decimal, percent, points, rates
from doseopt.display.outlook import STUDY_MODEL
from doseopt.plots.amendment import summary_figure
from doseopt.reports.render.document import Block, Bullets, Figure, Paragraph, Table
from doseopt.reports.sections.findings import in_vain
from doseopt.reports.sections.recommendation import recommended
from doseopt.reports.sections.section import Section
from doseopt.reports.sections.time import summary_sentences
from doseopt.reports.sections.words import decided, dose, dose_words, gains, shown_waiting, so_far, undeclarable

MANY = 5
"""From so many scenarios on they are counted and not named."""
PROPOSED = 2
"""Proposed designs of the first table: it is to be read at a glance."""
SPELLED = {
    "ATD": "accelerated titration design",
    "BLRM": "Bayesian logistic regression model",
    "BMA": "Bayesian model averaging",
    "BOIN": "Bayesian optimal interval design",
    "CRM": "continual reassessment method",
    "EWOC": "escalation with overdose control",
    "TITE": "time-to-event",
    "TPI": "toxicity probability interval",
    "mTPI": "modified toxicity probability interval",
}
"""Abbreviations in the names of designs."""


def summary(dossier: Dossier) -> list[Block]:
    """Say what is recommended, what becomes of 100 trials under each design, and what it costs."""
    mean = dossier.amendment["average"].to_dataset().sel(belief=STUDY_MODEL)
    question = f"What would a change do to patients and to the answer, {so_far(dossier)}?"
    return [
        Paragraph(f"{question} This report informs; it does not decide."),
        Paragraph(_spelled(dossier)),
        recommended(dossier),
        _table(dossier, mean),
        Figure.of(
            partial(summary_figure, dossier.amendment), "All designs; lines: how far the belief matters.", _alt(mean)
        ),
        Bullets((*_in_vain(dossier), *_believed(dossier), *_sentences(dossier, mean), *_in_time(dossier))),
    ]


def ahead(dossier: Dossier, mean: xr.Dataset) -> list[str]:
    """Return the proposed designs, the best first: by the criteria stated, then by correct selection.

    Parameters
    ----------
    dossier : Dossier
    mean : Dataset
        Averages over the study's model.
    """
    right = {name: float(mean["correct_selection"].sel(design=name)) for name in dossier.proposal.amended}
    within = [] if dossier.recommendation is None else dossier.recommendation.ranked
    place = {name: k for k, name in enumerate(within)}
    return sorted(right, key=lambda name: (place.get(name, len(place)), -right[name]))


def _believed(dossier: Dossier) -> list[str]:
    """Say what is believed of each dose, and of the dose declared under the registered design and the best proposed."""
    if dossier.decided is None:
        return []
    ds = dossier.decided.isel(model=0)
    chance = np.append(ds["p_right"].isel(definition=0).to_numpy(), ds["p_none_right"].isel(definition=0))
    best, (labels, unit) = int(chance.argmax()), dose_words(dossier)
    each = [
        f"{label}: {percent(float(mean), 0)} ({percent(float(low), 0)} to {percent(float(high), 0)})"
        for label, mean, low, high in zip(labels, ds["mean"], ds["lower"], ds["upper"], strict=True)
    ]
    most = "no dose is" if best == len(labels) else f"{labels[best]} is"
    over = (
        "" if best == len(labels) else f", with {percent(float(ds['p_over_third'][best]))} that its rate is above 1/3"
    )
    doses = f"each dose ({unit})" if unit else "each dose"
    believed = (
        f"What is believed of {doses} {so_far(dossier)}, posterior mean and 90% interval of the DLT rate: "
        f"{listed(each)}. Most probably {most} right to name as the MTD ({percent(chance[best])}{over})."
    )
    return [believed, *_of_the_declared(dossier)]


def _of_the_declared(dossier: Dossier) -> list[str]:
    """Say what will be believed of the dose declared, and how often that is so; nothing without posteriors."""
    if "declared_right" not in dossier.comparison:
        return []
    mean = dossier.amendment["average"].to_dataset().sel(belief=STUDY_MODEL)
    said = []
    for name in (dossier.proposal.registered, ahead(dossier, mean)[0]):
        at = dossier.comparison.sel(design=name)
        right, true, over, above = (
            percent(float(at[m].mean("scenario", skipna=True)), 0)
            for m in ("declared_p_right", "declared_right", "declared_p_over", "declared_over")
        )
        said.append(
            f"with {name} the posterior gives it {right} to be right (true in {true}) and {over} to have a rate above "
            f"1/3 (true in {above})"
        )
    return [
        "What will be believed of the dose declared, on average over the declarations of a whole trial and the "
        f"scenarios: {'; '.join(said)}."
    ]


def _spelled(dossier: Dossier) -> str:
    """Spell out every abbreviation of the page once."""
    found = {word for name in dossier.designs for word in re.findall(r"[A-Za-z]+", name)}
    words = {"DLT": "dose-limiting toxicity", "MTD": "maximum tolerated dose"}
    words |= {word: text for word, text in SPELLED.items() if word in found}
    return f"{'; '.join(f'{word}: {text}' for word, text in words.items())}."


def _table(dossier: Dossier, mean: xr.Dataset) -> Table:
    """Say what becomes of 100 trials under the registered design and the best of the proposed ones."""
    shown = [dossier.proposal.registered, *ahead(dossier, mean)[:PROPOSED]]
    more = "further " if dossier.cohorts else ""
    rows = []
    for name in shown:
        at = mean.sel(design=name)
        trials = [f"{100 * float(at[m]):.0f}" for m in ("correct_selection", "overdose_selection", "no_selection")]
        patients = [
            decimal(float(at[m]))
            for m in ("further_patients", "further_dlts", "patients_below_mtd", "patients_above_mtd")
        ]
        cap = float(dossier.comparison["planned_maximum"].sel(design=name))
        rows.append((name, *trials, *patients, "no cap" if np.isnan(cap) else f"{cap:.0f}"))
    by = (
        "in the order of the criteria, those out of bounds last"
        if dossier.recommendation
        else "the most often right first"
    )
    count = len(dossier.proposal.amended)
    which = f"the first {PROPOSED} of the {count} proposed" if count > PROPOSED else "the proposed"
    return Table(
        f"What becomes of 100 trials, and of the patients of one, {so_far(dossier)}",
        (
            "",
            "right",
            "dose too high",
            "no dose",
            f"{more}patients",
            f"{more}DLTs",
            "below MTD",
            "above MTD",
            "at most",
        ),
        tuple(rows),
        groups=(("of 100 trials", 3), ("expected patients of a trial", 4), ("enrolled", 1)),
        notes=(
            f"The registered design as it is read here, then {which}, {by}. Averages over what the study's model "
            "believes. Right: the MTD is named, or no dose where none is right. Below MTD: at doses below the lowest "
            "right one." + shown_waiting(dossier),
        ),
    )


def _alt(average: xr.Dataset) -> str:
    each = [
        f"{name}: {percent(float(at['correct_selection']))} correct, {percent(float(at['overdose_selection']))} "
        f"overdose, {percent(float(at['no_selection']))} no MTD, {decimal(float(at['further_dlts']))} further DLTs, "
        f"{decimal(float(at['patients_below_mtd']))} patients below the MTD"
        for name, at in ((str(n), average.sel(design=n)) for n in average["design"].to_numpy())
    ]
    return f"Four panels of points, one row a design. {'; '.join(each)}."


def _sentences(dossier: Dossier, mean: xr.Dataset) -> list[str]:
    """Say the results in plain words."""
    name = dossier.proposal.registered
    first, order = mean.sel(design=name), ahead(dossier, mean)
    none, right = (f"{100 * float(first[m]):.0f}" for m in ("no_selection", "correct_selection"))
    registered = (
        f"{_size(dossier)} names no dose in {none} of 100 trials and is right in {right}."
        f"{_in_the_closest(dossier)}{_never(dossier, name)}"
    )
    each = [_gain(other, mean.sel(design=other), first) for other in order[:PROPOSED]]
    compared = f"Compared with it, correct selection changes by {listed(each)}."
    return [registered, compared, _price(order[0], mean, first), _worse(dossier), *_next(dossier)]


def _in_vain(dossier: Dossier) -> list[str]:
    """Say after which patients without a DLT the registered design cannot name a dose any more, before the first."""
    return [] if dossier.cohorts else in_vain(dossier.comparison.sel(design=[dossier.proposal.registered]))


def _price(name: str, mean: xr.Dataset, first: xr.Dataset) -> str:
    """Say everything that the best of the proposed designs costs, or spares."""
    at = mean.sel(design=name)
    change = {
        m: float(at[m] - first[m]) for m in ("sample_size", "total_dlts", "patients_above_mtd", "patients_below_mtd")
    }
    before, after = (f"{100 * float(one['overdose_selection']):.0f}" for one in (first, at))
    instead = ", as before" if after == before else f" instead of {before}"
    return (
        f"What {name} changes of a trial: {_more(change['sample_size'], 'patients')}, "
        f"{_more(change['total_dlts'], 'DLTs')}, {_more(change['patients_above_mtd'], 'patients')} above the MTD and "
        f"{_more(change['patients_below_mtd'], 'patients')} below it. It names a dose that is too high in {after} of "
        f"100 trials{instead}."
    )


def _next(dossier: Dossier) -> list[str]:
    """Say what changes for the next patients, where it changes."""
    now, said = dossier.amendment["next"].to_dataset(), {}
    for name in dossier.designs:
        at = now.sel(design=name)
        said[name] = decided(dossier, int(at["level"]), int(at["size"]), int(at["mtd"]), str(at["stop"].item()))
        if at["pending"]:
            said[name] = f"wait for {counted(int(at['pending']), 'pending patient')}"
    if len(set(said.values())) == 1:
        return []
    return [f"For the next patients: {'; '.join(f'{name}: {text}' for name, text in said.items())}."]


def _in_time(dossier: Dossier) -> list[str]:
    """Say how long the registered design takes, and the best of the proposed ones, if the study has a clock."""
    mean = dossier.amendment["average"].to_dataset().sel(belief=STUDY_MODEL)
    return summary_sentences(dossier.comparison, [dossier.proposal.registered, *ahead(dossier, mean)[:1]])


def _size(dossier: Dossier) -> str:
    """Begin a sentence on the registered design with its cap, or with the trial being over."""
    name = dossier.proposal.registered
    if not int(dossier.amendment["next"].to_dataset()["level"].sel(design=name)):
        return "Under the registered design the trial is over; it"
    cap = float(dossier.comparison["planned_maximum"].sel(design=name))
    return f"{'Without an enrolment cap' if cap != cap else f'With at most {cap:.0f} patients'} the registered design"


def _never(dossier: Dossier, name: str) -> str:
    """Name the doses that a design cannot declare from here, under any truth."""
    out = [dose(dossier, j + 1) for j in undeclarable(dossier, name)]
    return f" From here it cannot declare {listed(out, 'or')} the MTD, whatever the truth." if out else ""


def _worse(dossier: Dossier) -> str:
    """Say in which scenarios a proposed design selects correctly less often, and how much at most."""
    right = dossier.amendment["now"].to_dataset()["correct_selection"]
    change = gains(dossier, right)
    low = change.min("design")
    worse = [str(s) for s in change["scenario"].to_numpy() if float(low.sel(scenario=s)) < -5e-4]
    if not worse:
        return "In no scenario does a proposed design select correctly less often than the registered one."
    named = listed([f'"{s}"' for s in worse]) if len(worse) < MANY else f"{len(worse)} scenarios"
    worst = str(low["scenario"].to_numpy()[low.to_numpy().argmin()])
    design = str(change["design"].to_numpy()[change.sel(scenario=worst).to_numpy().argmin()])
    where = f', "{worst}"' if len(worse) > 1 else ""
    before, after = (float(right.sel(design=d, scenario=worst)) for d in (dossier.proposal.registered, design))
    return (
        f"The price: in {named} a proposed design selects correctly less often than the registered one, at worst in "
        f"{percent(after)} instead of {percent(before)} ({design}{where})."
    )


def _gain(name: str, at: xr.Dataset, first: xr.Dataset) -> str:
    gain, dlts, patients = (float(at[m] - first[m]) for m in ("correct_selection", "further_dlts", "further_patients"))
    return f"{points(gain)} points with {name} ({_more(patients, 'patients')}, {_more(dlts, 'DLTs')})"


def _more(difference: float, what: str) -> str:
    size = decimal(abs(difference))
    return f"as many {what}" if not float(size) else f"{size} {'more' if difference > 0 else 'fewer'} {what}"


def _in_the_closest(dossier: Dossier) -> str:
    """Say how often it names none in the scenario that is closest to the posterior, unless that is never."""
    now = dossier.amendment["now"].to_dataset().sel(scenario=dossier.truth)
    none = percent(float(now["no_selection"].sel(design=dossier.proposal.registered)))
    if not float(none.removesuffix("%")):
        return ""
    return (
        f' If the true DLT rates are {rates(now["p_dlt"].to_numpy())} ("{dossier.truth}"), it declares none in {none}.'
    )


SUMMARY = Section("Summary", summary, answers=("title", "aims"))
