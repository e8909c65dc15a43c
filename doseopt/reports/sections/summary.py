"""The first page: what changes for the next patient, the numbers that matter, and what they rest on."""

from __future__ import annotations

from functools import partial

import xarray as xr

from doseopt.amendment.dossier import Dossier
from doseopt.core.text import counted
from doseopt.display.labels import listed
from doseopt.display.numbers import decimal, percent, points, rates, typeset
from doseopt.display.outlook import STUDY_MODEL
from doseopt.plots.amendment import summary_figure
from doseopt.reports.render.document import Block, Bullets, Figure, Paragraph, Table
from doseopt.reports.sections.section import Section
from doseopt.reports.sections.time import summary_sentences
from doseopt.reports.sections.words import decided, dose, gains, measured, so_far, undeclarable

MANY = 5
"""From so many scenarios on they are counted and not named."""
SHARES = ("correct_selection", "overdose_selection", "no_selection")


def summary(dossier: Dossier) -> list[Block]:
    """Say what changes for the next patient, the numbers that matter, and what they rest on."""
    average = dossier.amendment["average"].to_dataset()
    mean = average.sel(belief=STUDY_MODEL)
    registered, amended = dossier.proposal.registered, dossier.proposal.amended
    question = (
        f"{registered} is registered; {listed(amended)} {'is' if len(amended) == 1 else 'are'} proposed. What would "
        f"the change do to patients and to the answer, {so_far(dossier)}? This report informs; it does not decide."
    )
    return [
        Paragraph(question),
        _table(dossier, mean),
        Figure.of(
            partial(summary_figure, dossier.amendment),
            "Under the study's model; lines: the range over the other beliefs examined.",
            _alt(mean),
        ),
        Bullets(tuple(map(typeset, [*_sentences(dossier, average), *_in_time(dossier), *_footing(dossier)]))),
    ]


def _table(dossier: Dossier, mean: xr.Dataset) -> Table:
    """Say what each design does now, and the numbers that matter."""
    now = dossier.amendment["next"].to_dataset()
    rows = []
    for name in dossier.designs:
        at, value = now.sel(design=name), mean.sel(design=name)
        said = decided(dossier, int(at["level"]), int(at["size"]), int(at["mtd"]), str(at["stop"].item()))
        if at["pending"]:
            said = f"wait for {counted(int(at['pending']), 'pending patient')}"
        shares = [percent(float(value[measure])) for measure in SHARES]
        rows.append((name, said, *shares, *measured(value, "further_dlts", "further_patients")))
    head = ("", "next patients", "correct", "overdose", "no MTD", "further DLTs", "further patients")
    caption = f"The next patients, and what matters: averages over what the study's model believes {so_far(dossier)}"
    return Table(caption, head, tuple(rows), texts=(0, 1))


def _alt(average: xr.Dataset) -> str:
    each = [
        f"{name}: {percent(float(at['correct_selection']))} correct, {percent(float(at['no_selection']))} no MTD, "
        f"{decimal(float(at['further_dlts']))} further DLTs"
        for name, at in ((str(n), average.sel(design=n)) for n in average["design"].to_numpy())
    ]
    return f"Three panels of points, one row a design. {'; '.join(each)}."


def _sentences(dossier: Dossier, average: xr.Dataset) -> list[str]:
    """Say the results in plain words."""
    mean = average.sel(belief=STUDY_MODEL)
    name = dossier.proposal.registered
    first = mean.sel(design=name)
    registered = (
        f"{_size(dossier)} declares no MTD in {percent(float(first['no_selection']))} of trials and selects correctly "
        f"in {percent(float(first['correct_selection']))}. {_in_the_closest(dossier)}{_never(dossier, name)}"
    )
    each = [_gain(str(other), mean.sel(design=other), first) for other in dossier.proposal.amended]
    compared = f"Compared with it, correct selection changes by {', '.join(each)}."
    return [registered, compared, _worse(dossier), _over_beliefs(dossier, average)]


def _in_time(dossier: Dossier) -> list[str]:
    """Say how long the registered design takes, if the study has a clock."""
    return summary_sentences(dossier.comparison, dossier.proposal.registered)


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
    return f"{points(gain)} points with {name} ({_more(patients, 'patient')}, {_more(dlts, 'DLT')})"


def _more(difference: float, what: str) -> str:
    return f"{decimal(abs(difference))} {'more' if difference >= 0 else 'fewer'} {what}s"


def _in_the_closest(dossier: Dossier) -> str:
    """Say it for the scenario that is closest to the posterior."""
    now = dossier.amendment["now"].to_dataset().sel(scenario=dossier.truth)
    none = percent(float(now["no_selection"].sel(design=dossier.proposal.registered)))
    return (
        f'If the true DLT rates are {rates(now["p_dlt"].to_numpy())} ("{dossier.truth}"), it declares none in {none}.'
    )


def _over_beliefs(dossier: Dossier, average: xr.Dataset) -> str:
    """Say how far the averages depend on the belief."""
    right = average["correct_selection"]
    ranges = [
        f"{percent(float(right.sel(design=name).min()))} to {percent(float(right.sel(design=name).max()))} ({name})"
        for name in dossier.designs
    ]
    change = gains(dossier, right)
    less = [n for n in dossier.proposal.amended if bool((change.sel(design=n) < -5e-4).any())]
    order = (
        f"Under at least one of these beliefs {listed(less)} select{'s' * (len(less) == 1)} correctly less often than "
        "the registered design."
        if less
        else "Under each of these beliefs every proposed design selects correctly "
        f"{'more often than' if bool((change > 5e-4).all()) else 'at least as often as'} the registered one."
    )
    return (
        f"Sensitivity: over the study's model and {counted(average.sizes['belief'] - 1, 'alternative')} to it correct "
        f"selection is {listed(ranges)}. {order}"
    )


def _footing(dossier: Dossier) -> list[str]:
    """Say what is right, how exact the numbers are, and how to reproduce them."""
    return [
        f"True MTD. {dossier.comparison.attrs['mtd_rule']}{_planned(dossier)}",
        "How exact: in a scenario every probability is a sum over all ways the trial can go; averages over a model "
        "weigh such sums by quadrature. Scenario and model remain assumptions. Simulated are only the paired "
        'comparisons and the example trials. "Reproduction" says how to get every number again.',
    ]


def _planned(dossier: Dossier) -> str:
    """Say that inserted doses are not right, and that designs of another target are judged by the study's."""
    study = dossier.study
    others = [name for name in dossier.designs if abs(study.designs[name].facts.target - study.target) > 1e-9]
    inserted = " Only planned doses can be right, not inserted ones." if study.doses.plan is not None else ""
    return inserted + (f" {listed(others)}, of another target, judged by the same." if others else "")


SUMMARY = Section("Summary", summary, answers=("title", "aims"))
