"""The first page: what changes for the next patient, the numbers that matter, and what they rest on."""

from __future__ import annotations

import xarray as xr

from doseopt.dossier import Dossier
from doseopt.plots.amendment import summary_figure
from doseopt.prospects import STUDY_MODEL
from doseopt.report.document import Block, Bullets, Figure, Heading, Paragraph, Table
from doseopt.report.words import decided, decimal, many, percent, points, rates, so_far, typeset
from doseopt.tables.findings import findings
from doseopt.tables.labels import listed


def summary(dossier: Dossier) -> list[Block]:
    """Return the first section."""
    average = dossier.amendment["average"].to_dataset()
    mean = average.sel(belief=STUDY_MODEL)
    registered, amended = dossier.proposal.registered, dossier.proposal.amended
    question = (
        f"{registered} is registered; {listed(amended)} {'is' if len(amended) == 1 else 'are'} proposed instead. This "
        f"report says what the change does to patients and to the answer, {so_far(dossier)}. It does not decide."
    )
    return [
        Heading("Summary"),
        Paragraph(question),
        _table(dossier, mean),
        Figure.of(
            summary_figure(dossier.amendment),
            "The numbers that matter under the study's model; lines: their range over the other beliefs examined.",
            _alt(mean),
        ),
        Bullets(tuple(map(typeset, [*_sentences(dossier, average), *_footing(dossier)]))),
    ]


def _table(dossier: Dossier, mean: xr.Dataset) -> Table:
    """Say what each design does now, and the numbers that matter."""
    now = dossier.amendment["next"].to_dataset()
    rows = []
    for name in dossier.designs:
        at, value = now.sel(design=name), mean.sel(design=name)
        said = decided(dossier, int(at["level"]), int(at["size"]), int(at["mtd"]), str(at["stop"].item()))
        shares = [percent(float(value[measure])) for measure in ("correct_selection", "no_selection")]
        counts = [decimal(float(value[measure])) for measure in ("further_dlts", "further_patients")]
        rows.append((name, said, *shares, *counts))
    head = ("", "next patients", "correct selection", "no MTD", "further DLTs", "further patients")
    caption = (
        "What changes for the next patients, and the numbers that matter: exact, averaged over what the study's model "
        f"believes {so_far(dossier)}; the registered design first"
    )
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
    cap = float(dossier.comparison["planned_maximum"].sel(design=name))
    size = "Without an enrolment cap" if cap != cap else f"With at most {cap:.0f} patients"
    registered = (
        f"{size} the registered design declares no MTD in {percent(float(first['no_selection']))} of trials and "
        f"selects correctly in {percent(float(first['correct_selection']))}. {_in_the_closest(dossier)}"
    )
    never = [text.split(". ")[0] + "." for text in findings(dossier.comparison) if text.startswith(name)]
    each = [_gain(str(other), mean.sel(design=other), first) for other in dossier.proposal.amended]
    compared = f"Compared with it, correct selection changes by {'; '.join(each)}."
    return [" ".join([registered, *never]), compared, _over_beliefs(dossier, average)]


def _gain(name: str, at: xr.Dataset, first: xr.Dataset) -> str:
    gain, dlts, patients = (float(at[m] - first[m]) for m in ("correct_selection", "further_dlts", "further_patients"))
    change = f"{_more(patients, 'patient')}, {_more(dlts, 'DLT')} on average"
    return f"{points(gain)} percentage points with {name} ({change})"


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
    first = right.sel(design=dossier.proposal.registered)
    worse = [n for n in dossier.proposal.amended if bool((right.sel(design=n) < first).any())]
    order = (
        "Under each of them every proposed design selects correctly more often than the registered one."
        if not worse
        else f"Under at least one of them {listed(worse)} select{'s' * (len(worse) == 1)} correctly less often than "
        "the registered design."
    )
    return (
        f"Sensitivity: over the study's model and {many(average.sizes['belief'] - 1, 'alternative')} to it correct "
        f"selection is {listed(ranges)}. {order}"
    )


def _footing(dossier: Dossier) -> list[str]:
    """Say what is right, how exact the numbers are, and how to reproduce them."""
    return [
        f"True MTD. {dossier.comparison.attrs['mtd_rule']}",
        "How exact: every probability is a sum over all ways the trial can go, without simulation, under a scenario or "
        "belief that remains an assumption; only the paired comparison and the example trials are simulated. The "
        'section "Reproduction" gives the command, versions and hash that reproduce every number.',
    ]
