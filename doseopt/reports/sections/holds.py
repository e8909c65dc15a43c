"""The second page: what less than the whole change would do, and how wrong the study may be before the answer turns."""

from __future__ import annotations

import xarray as xr

from doseopt.amendment.dossier import Dossier
from doseopt.core.text import counted
from doseopt.display.break_even import WORDS, where_ahead
from doseopt.display.labels import listed, names
from doseopt.display.numbers import decimal, percent
from doseopt.display.outlook import STUDY_MODEL
from doseopt.reports.render.document import Block, Bullets, Paragraph
from doseopt.reports.sections.designs import REGISTERED
from doseopt.reports.sections.ladder import sentences
from doseopt.reports.sections.section import Section
from doseopt.reports.sections.summary import ahead
from doseopt.reports.sections.window import window_ranges, window_sentences
from doseopt.reports.sections.words import gains
from doseopt.study.protocol import TAKEN


def holds(dossier: Dossier) -> list[Block]:
    """Say what a smaller change would do, what would change the decision, and what all of it rests on."""
    average, ladder = dossier.amendment["average"].to_dataset(), dossier.amendment["ladder"].to_dataset()
    order = ahead(dossier, average.sel(belief=STUDY_MODEL))
    return [
        Bullets(
            (
                *sentences(ladder, dossier.proposal.wanted, dossier.proposal.amended),
                *_break_even(dossier, order[0]),
                *_definitions(dossier),
                *window_sentences(dossier.comparison),
                _over_beliefs(dossier, average),
                *_footing(dossier),
                *_left_out(dossier),
            )
        ),
        *window_ranges(dossier.comparison, dossier.proposal.registered, order[0]),
        Paragraph("So far for the decision. What follows is the appendix that it rests on."),
    ]


def _break_even(dossier: Dossier, name: str) -> list[str]:
    """Say how wrong the study may be before a proposed design is no better on average than the registered one."""
    if dossier.break_even is None or name not in names(dossier.break_even, "design"):
        return []
    at = dossier.break_even.sel(design=name, criterion="mean")
    each = {kind: where_ahead(at.sel(perturbation=kind)) for kind in names(dossier.break_even, "perturbation")}
    said = [f"{WORDS[kind][0]} ({WORDS[kind][1]}): {where}" for kind, where in each.items()]
    return [
        f"What would change the decision: {name} selects correctly more often than {dossier.proposal.registered}, on "
        f"average over the scenarios, where the study is wrong by {'; '.join(said)}."
    ]


def _definitions(dossier: Dossier) -> list[str]:
    """Say which design is ahead under each definition of what is right."""
    ds = dossier.comparison
    if "definition" not in ds.dims:
        return []
    right = ds["correct_by_definition"].mean("scenario").sel(design=dossier.designs)
    over, below = (ds[f"{name}_by_definition"].mean("scenario") for name in ("overdose", "below"))
    said = []
    for name, words in zip(names(ds, "definition"), ["the study's own", *names(ds, "definition")[1:]], strict=True):
        one = right.sel(definition=name)
        best = str(one["design"].to_numpy()[int(one.to_numpy().argmax())])
        price = percent(float(over.sel(definition=name, design=best)))
        few = decimal(float(below.sel(definition=name, design=best)))
        said.append(f"{words}: {best} ({percent(float(one.max()))}, overdose {price}, {few} patients below the MTD)")
    return [
        f"What counts as right: of these designs the one that is right most often, on average over the scenarios, by "
        f"{counted(len(said), 'definition')}: {'; '.join(said)}."
    ]


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


def _left_out(dossier: Dossier) -> list[str]:
    """Say what of the registered protocol is not in the numbers; nothing if the study does not list what it says."""
    said = dossier.proposal.protocol
    if not said:
        return []
    each = {word: [one.says for one in said if one.taken == taken] for taken, word in TAKEN.items()}
    counts = [f"{len(which)} {word}" for word, which in each.items() if which]
    out = "; ".join(each[TAKEN["not_modelled"]]) or "nothing"
    return [
        f"The registered protocol: of {counted(len(said), 'statement')} {listed(counts)}; {REGISTERED.title!r} lists "
        f"them. Not in these numbers: {out}."
    ]


def _planned(dossier: Dossier) -> str:
    """Say that inserted doses are not right, and that designs of another target are judged by the study's."""
    study = dossier.study
    others = [name for name in dossier.designs if abs(study.designs[name].facts.target - study.target) > 1e-9]
    inserted = " Only planned doses can be right, not inserted ones." if study.doses.plan is not None else ""
    return inserted + (f" {listed(others)}, of another target, judged by the same." if others else "")


HOLDS = Section("How far this holds", holds)
