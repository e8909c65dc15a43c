"""The page Amendment: a change of design from the data so far, the ladder of smaller ones, the report to download."""

from __future__ import annotations

import dataclasses
from shlex import quote
from typing import Any

from doseopt.app.desk import Desk, Given, Tell
from doseopt.app.given import names, text
from doseopt.app.running import so_far_of


def first(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Compare a change, `registered` against `amended`, from the trial so far: the first page of its report."""
    from doseopt.amendment.amend import amend as run
    from doseopt.amendment.dossier import proposed
    from doseopt.reports.sections.amendment import amendment_document

    study = desk.known
    registered, amended = text(given, "registered", 200), names(given, "amended")
    so_far, asked = so_far_of(desk)
    proposal = proposed(study, registered, amended)
    tree = run(study, so_far, proposal.registered, proposal.amended, tell)
    command = f"doseopt amend {desk.command}{asked}{_named(registered, amended)}"
    return {"html": desk.page("first", amendment_document(tree)), "command": command}


def amend(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Make the whole report, to be downloaded."""
    from doseopt.amendment.dossier import gather, proposed
    from doseopt.reports.amendment import amendment_report

    study = desk.known
    registered, amended = text(given, "registered", 200), names(given, "amended")
    so_far, asked = so_far_of(desk)
    command = f"doseopt amend {desk.command}{asked}{_named(registered, amended)}"
    dossier = gather(study, so_far, proposed(study, registered, amended), tell)
    dossier = dataclasses.replace(dossier, digest=desk.digest, record=desk.record)
    tell("writing the report")
    return {"html": desk.page("amendment", amendment_report(dossier, command)), "command": command}


def smallest(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Search for the smallest change that reaches what is wanted, and show the ladder."""
    from doseopt.amendment.dossier import proposed
    from doseopt.amendment.ladder import search
    from doseopt.reports.sections.smallest import smallest_document

    study = desk.known
    registered, amended = text(given, "registered", 200), names(given, "amended")
    so_far, asked = so_far_of(desk)
    proposal = proposed(study, registered, amended)
    found = search(study, so_far, proposal.registered, progress=tell)
    command = f"doseopt amend {desk.command} --smallest{asked}{_named(registered, amended)}"
    return {"html": desk.page("ladder", smallest_document(found, proposal.wanted)), "command": command}


def _named(registered: str, amended: list[str]) -> str:
    """Return the options that name the designs."""
    first = f" --registered {quote(registered)}" if registered else ""
    return first + "".join(f" --amended {quote(name)}" for name in amended)
