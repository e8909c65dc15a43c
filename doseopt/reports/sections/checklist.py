"""What guidelines ask of such a report, and the section that answers it."""

from __future__ import annotations

from doseopt.amendment.dossier import Dossier
from doseopt.reports.render.document import Block, Heading, Paragraph, Table

INVESTIGATORS = "for the investigators"
SUMMARY = "Summary"
REGISTERED = "The registered design, rule by rule"
PROPOSED = "The proposed designs"
KNOWN = "Data so far and DLT rate at each dose"
START = "Operating characteristics"
NOW = "Operating characteristics from the data so far"
ATTAINABLE = "Distance from what is attainable"
READINGS = "Sensitivity to the readings of the protocol"
LIMITATIONS = "Limitations"
EXAMPLES = "Example trials"
AGAIN = "Reproduction"

type Answer = tuple[str, str, str, str]
"""Guideline, what it asks in our words, the section that answers it or "", and the statement that does, or ""."""

ITEMS: tuple[Answer, ...] = (
    ("SPIRIT-DEFINE 1, CONSORT-DEFINE 1a", "identified as a dose-finding trial in the title", SUMMARY, ""),
    ("SPIRIT-DEFINE 3", "protocol version and date", "", "version"),
    ("SPIRIT-DEFINE 25", "how amendments are communicated", "", ""),
    ("SPIRIT-DEFINE 6a, CONSORT-DEFINE 2a", "rationale, benefits and harms known so far, preclinical results", "", ""),
    ("SPIRIT-DEFINE 7, CONSORT-DEFINE 2b", "objective: what is called the true MTD", START, ""),
    ("SPIRIT-DEFINE 8, CONSORT-DEFINE 3a.1", "design elements: escalation, de-escalation, adaptations", REGISTERED, ""),
    ("CONSORT-DEFINE 3a.2", "transition points: what follows each outcome of the next cohorts", REGISTERED, ""),
    ("CONSORT-DEFINE 3b", "important changes after the trial began, with reasons", PROPOSED, "reason"),
    ("SPIRIT-DEFINE 10", "eligibility", "", ""),
    ("SPIRIT-DEFINE 11a, CONSORT-DEFINE 5", "starting dose, dose levels with units, cohort sizes", REGISTERED, ""),
    ("SPIRIT-DEFINE 11b", "dose modification or interruption for one patient", "", ""),
    (
        "SPIRIT-DEFINE 12, CONSORT-DEFINE 6a",
        "definition of a DLT and its observation period",
        REGISTERED,
        "dlt_definition",
    ),
    ("SPIRIT-DEFINE 14, CONSORT-DEFINE 7a", "number of patients, planned and needed, with assumptions", NOW, ""),
    ("SPIRIT-DEFINE 16, CONSORT-DEFINE 8 to 10", "allocation, staggering, sentinel patients", REGISTERED, "accrual"),
    ("SPIRIT-DEFINE 20a, CONSORT-DEFINE 12a", "estimation, models and priors", KNOWN, ""),
    ("SPIRIT-DEFINE 20c", "analysis populations, missing data, replaced patients", KNOWN, "populations"),
    ("SPIRIT-DEFINE 21a", "who reviews safety data", REGISTERED, "oversight"),
    ("SPIRIT-DEFINE 21b, CONSORT-DEFINE 7b", "decision and stopping rules, and the data they use", REGISTERED, ""),
    ("CONSORT-DEFINE 13, 14", "decisions taken, and departures from the rule", KNOWN, "decisions"),
    ("CONSORT-DEFINE 17a, 19", "results at each dose level with their precision", KNOWN, ""),
    ("CONSORT-DEFINE 20, 22", "limitations and interpretation", LIMITATIONS, ""),
    ("SPIRIT-DEFINE 5d, 24, 26", "committees, ethics approval and consent", "", ""),
    ("SPIRIT-DEFINE", "involvement of patients and the public", LIMITATIONS, "involvement"),
    ("ADEMP, ICH E20, FDA 2019", "aims, and the designs compared", SUMMARY, ""),
    ("ADEMP", "data-generating mechanisms: scenarios, with reasons", START, ""),
    ("ADEMP", "estimands: definition of the true MTD, and what else counts", START, ""),
    ("ADEMP", "methods in replicable detail", PROPOSED, ""),
    ("ADEMP", "performance measures, and their Monte Carlo error where simulated", START, ""),
    ("ICH E20", "comparison with a well-understood design", START, ""),
    ("ICH E20", "range of configurations, with the reason for each", START, ""),
    ("ICH E20, FDA 2019", "example trials with different outcomes", EXAMPLES, ""),
    ("ICH E20, FDA 2019", "software, code, seeds, instructions to recreate", AGAIN, ""),
    ("ICH E20", "limitations", LIMITATIONS, ""),
    ("ICH E20", "clinical discussion of results", "", ""),
    ("FDA Bayesian draft 2026", "prior stated, and what it is worth in patients", KNOWN, ""),
    ("FDA Bayesian draft 2026", "prior-data conflict, sensitivity to other priors", KNOWN, ""),
    ("FDA Bayesian draft 2026", "success criteria stated in advance", "", ""),
    ("FDA Bayesian draft 2026", "which changes were prespecified", PROPOSED, "prespecified"),
    ("FDA Bayesian draft 2026", "operating characteristics, computational transparency", AGAIN, ""),
    ("this package", "distance from what is attainable", ATTAINABLE, ""),
    ("this package", "sensitivity to what the protocol does not say", READINGS, ""),
)


def checklist(dossier: Dossier) -> list[Block]:
    """Return the section that maps guideline items to sections."""
    rows = []
    for source, item, section, key in ITEMS:
        missing = bool(key) and not dossier.proposal.statements.get(key)
        answer = section or INVESTIGATORS
        if missing:
            answer = f"{section}; in part {INVESTIGATORS}" if section else INVESTIGATORS
        elif key and not section:
            answer = REGISTERED
        rows.append((source, item, answer))
    return [
        Heading("Checklist"),
        Paragraph(
            "Items in our words. Numbers are those of SPIRIT 2013 and CONSORT 2010, which the DEFINE extensions (2023) "
            "subdivide; ADEMP: Morris, White and Crowther 2019; ICH E20: draft of June 2025; FDA: guidance on adaptive "
            "designs 2019 and draft guidance on Bayesian methodology of January 2026."
        ),
        Table(
            "What guidelines ask for, and where it is answered",
            ("guideline", "item", "answered in"),
            tuple(rows),
            words=True,
        ),
    ]
