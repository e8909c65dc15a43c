"""The page Running trial: what each design does next and why, what is known of the doses, and what may come."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Any

import numpy as np

from doseopt.app.desk import Desk, Given, Tell
from doseopt.app.given import files, number, passing_folder, text, whole
from doseopt.conduct.decision_table import table_design
from doseopt.conduct.in_hand import read_trial, record_so_far
from doseopt.conduct.next_dose import next_dose
from doseopt.core.cohort import MOST
from doseopt.core.design import Design, Estimates
from doseopt.core.parameters import Fault, Faults
from doseopt.designs.interval import DOWN, STAY, UP, IntervalDesign
from doseopt.designs.layers import layers
from doseopt.records.trial import Trial
from doseopt.reports.files import digest_of
from doseopt.reports.sections.next_dose import decision_words, next_document

MOVES = {UP: "up", STAY: "stay", DOWN: "down"}
RULES = ("decision", "next dose", "escalation", "elimination", "too toxic", "titration")
"""Lines of a description that say how the next dose is found."""


def trial(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Take a trial, `outcomes` or uploaded `files`, with `cutoff` and `window`, and say what each design does next."""
    study = desk.known
    desk.trial, desk.record, desk.digest = None, None, ""
    outcomes, cutoff = text(given, "outcomes", MOST), text(given, "cutoff", 10) or None
    window, tables = number(given, "window"), files(given)
    if outcomes.strip() and tables:
        raise Faults([Fault("outcomes", "wanted outcomes or a file, got both")])
    if tables:
        with passing_folder() as folder:
            for name, content in tables.items():
                (folder / name).write_text(content, encoding="utf-8")
            one = folder / next(iter(tables)) if len(tables) == 1 else folder
            desk.trial = read_trial(study, "", one, cutoff, window, named=False)
            desk.record = None if len(tables) == 1 else record_so_far(study, folder, cutoff, window)
            desk.digest = digest_of({name: folder / name for name in tables})
    else:
        desk.trial = read_trial(study, outcomes, None, None, window)
    answer = next_dose(study, desk.trial)
    asked = _options(outcomes, tables, cutoff, window)
    desk.asked = asked
    return {
        "designs": {name: _said(study.designs[name], one, answer) for name, one in answer["designs"].items()},
        "html": desk.page("next", next_document(answer)),
        "doses": answer["doses"],
        "command": f"doseopt next {desk.command}{asked}",
    }


def _options(outcomes: str, tables: Mapping[str, str], cutoff: str | None, window: float | None) -> str:
    """Return the options of a command that say the trial; a file by its name alone."""
    data = "" if not tables else next(iter(tables)) if len(tables) == 1 else "FOLDER"
    given = {"--outcomes": outcomes.strip(), "--data": data, "--cutoff": cutoff if tables else None}
    days = "" if window is None else f" --window {window:g}"
    return "".join(f" {name} {quote(value)}" for name, value in given.items() if value) + days


def _said(design: Design, one: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Say what a design does next, and why."""
    then: dict[str, list[str]] = {}
    for outcome, found in one["if"].items():
        then.setdefault(decision_words(found, answer), []).append(outcome)
    return {
        "action": one["action"],
        "says": decision_words(one, answer),
        "why": reasons(design, one, answer),
        "if": [f"if {' or '.join(map(_outcome, outcomes))}: {said}" for said, outcomes in then.items()],
        "level": one["level"],
    }


def _outcome(letters: str) -> str:
    """Say how pending patients may turn out: those of one cohort in numbers, those of several by their letters."""
    if " " in letters or set(letters) - {"N", "T"}:
        return letters
    dlts, of = letters.count("T"), len(letters)
    if of == 1:
        return "the pending patient has a DLT" if dlts else "the pending patient has no DLT"
    return f"{dlts or 'none'} of the {of} pending patients has a DLT" if dlts < 2 else f"{dlts} of the {of} have a DLT"


def reasons(design: Design, one: Mapping[str, Any], answer: Mapping[str, Any]) -> list[str]:
    """Return why a design does what it does: what was seen, what it makes of it, and its rule.

    Parameters
    ----------
    design : Design
    one : mapping
        Of `next_dose`, the answer of this design.
    answer : mapping
        The whole answer.
    """
    seen = [d for d in answer["doses"] if d["n"]]
    told = [f"{d['y']} of {d['n']} at {d['label']} ({100 * d['y'] / d['n']:.0f}%)" for d in seen]
    found = (
        [f"Patients with a dose-limiting toxicity so far: {', '.join(told)}."] if told else ["Nobody was treated yet."]
    )
    labels = [d["label"] for d in answer["doses"]]
    known = [f"{100 * p:.0f}% at {label}" for p, label in zip(one["estimated"], labels, strict=True) if p is not None]
    if known and told:
        found.append(f"The design's own estimate: {', '.join(known)}; the target is {100 * answer['target']:.3g}%.")
    found += _verdict(design, one, answer)
    if one["inadmissible"]:
        out = ", ".join(d["label"] for d in one["inadmissible"])
        found.append(f"Excluded: {out} ({one['inadmissible'][0]['why']}).")
    found += [f"Rule, {row.rule}: {row.reading}." for row in design.describe() if row.rule in RULES]
    return found + [f"The trial departed from it: {each}; answered from the tallies." for each in one["departures"]]


def _verdict(design: Design, one: Mapping[str, Any], answer: Mapping[str, Any]) -> list[str]:
    """Say what the rule makes of the last dose, or which dose its estimates are for; nothing where patients pend."""
    doses, given = answer["doses"], str(one["cohorts"]).split()
    if one["pending"] or not given:
        return []
    last, rule = doses[int("".join(filter(str.isdigit, given[-1]))) - 1], table_design(design)
    if isinstance(rule, IntervalDesign):
        move = int(rule.moves(np.array([last["n"]]), np.array([last["y"]]))[0])
        seen = f"{last['y']} of {last['n']} with a DLT at {last['label']}, the last dose given"
        return [f"By its boundaries {seen}, says: {MOVES[move]}."]
    known = [(abs(p - answer["target"]), d["label"], p) for p, d in zip(one["estimated"], doses, strict=True) if p]
    if isinstance(layers(design).rule, Estimates) and len(known) == len(doses):
        _, label, p = min(known)
        return [f"Of its estimates that at {label} ({100 * p:.0f}%) is closest to the target."]
    return []


def so_far_of(desk: Desk) -> tuple[Trial, str]:
    """Return the trial, nobody yet if none was given, and the options that say it."""
    if desk.trial is None:
        return Trial(desk.known.doses), ""
    return desk.trial, desk.asked


def posterior(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Return what is known of the DLT rate at each dose, as a page."""
    from doseopt.conduct.decided_on import decided_on, next_steps, side_by_side
    from doseopt.conduct.posterior import analyse
    from doseopt.plots.posterior import posterior_drawings
    from doseopt.reports.sections.posterior import posterior_document

    study = desk.known
    so_far, asked = so_far_of(desk)
    result = analyse(study, so_far)
    decided = decided_on(study, result.question, next_steps(study, so_far), result.draws)
    beside = side_by_side([str(result.summary.attrs["model"])], [decided], [result.summary])
    drawings = posterior_drawings(result.summary, lambda: result.density)
    document = posterior_document(result.summary, drawings, "", beside, None)
    return {"html": desk.page("posterior", document), "command": f"doseopt posterior {desk.command}{asked}"}


def pathways(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Return the pathways of a design, `cohorts` ahead, as a page."""
    from doseopt.conduct.pathways import paths
    from doseopt.reports.sections.pathways import paths_document

    so_far, asked = so_far_of(desk)
    name, ahead = text(given, "design", 200), whole(given, "cohorts", 1, 4) or 2
    found = paths(desk.known, so_far, name, ahead)
    command = f"doseopt paths {desk.command} --design {quote(name)} --cohorts {ahead}{asked}"
    return {"html": desk.page("pathways", paths_document(found)), "command": command}


def table(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Return the decision table of a design as a page; its PDF is one to hang on a wall."""
    from doseopt.conduct.decision_table import chosen, decision_table, weighs_efficacy
    from doseopt.conduct.pending_table import pending_table
    from doseopt.conduct.scores_table import scores_table
    from doseopt.plots.decision_page import decision_pages, save_pages
    from doseopt.reports.sections.decision_table import decision_table_document
    from doseopt.reports.sections.pending_table import pending_table_document
    from doseopt.reports.sections.scores_table import scores_table_document

    study, name = desk.known, text(given, "design", 200)
    command = f"doseopt table {desk.command} --design {quote(name)}"
    if study.designs[chosen(study, name)].facts.pending:
        return {"html": desk.page("table", pending_table_document(pending_table(study, name))), "command": command}
    if weighs_efficacy(study.designs[chosen(study, name)]):
        return {"html": desk.page("table", scores_table_document(scores_table(study, name))), "command": command}
    found = decision_table(study, name)
    page = desk.page("table", decision_table_document(found))

    def drawn(_: str) -> bytes:
        with passing_folder() as folder:
            return save_pages(decision_pages(found), folder, "table").read_bytes()

    desk.writers["table"] = drawn
    return {"html": page, "command": command}
