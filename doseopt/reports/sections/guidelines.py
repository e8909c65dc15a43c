"""Items that guidelines ask of a report on a change of design, in our words."""

from __future__ import annotations

SPIRIT, CONSORT, FDA_BAYES = "SPIRIT-DEFINE", "CONSORT-DEFINE", "FDA Bayesian draft 2026"
FDA_CELLS = "FDA cell and gene therapy 2015"

ITEMS: dict[str, tuple[str, str]] = {
    "title": (f"{SPIRIT} 1, {CONSORT} 1a", "identified as a dose-finding trial in the title"),
    "version": (f"{SPIRIT} 3", "protocol version and date"),
    "communication": (f"{SPIRIT} 25", "how amendments are communicated"),
    "rationale": (
        f"{SPIRIT} 6a, {CONSORT} 2a",
        "rationale, benefits and harms known so far, preclinical results",
    ),
    "objective": (f"{SPIRIT} 7, {CONSORT} 2b", "objective: what is called the true MTD"),
    "elements": (f"{SPIRIT} 8, {CONSORT} 3a.1", "design elements: escalation, de-escalation, adaptations"),
    "transitions": (f"{CONSORT} 3a.2", "transition points: what follows each outcome of the next cohorts"),
    "changes": (f"{CONSORT} 3b", "important changes after the trial began, with reasons"),
    "eligibility": (f"{SPIRIT} 10, {FDA_CELLS}", "eligibility, and why the risk is acceptable in these patients"),
    "doses": (f"{SPIRIT} 11a, {CONSORT} 5, {FDA_CELLS}", "starting dose, dose levels with units, cohort sizes"),
    "interruption": (f"{SPIRIT} 11b", "dose modification or interruption for one patient"),
    "dlt": (f"{SPIRIT} 12, {CONSORT} 6a", "definition of a DLT and its observation period"),
    "enrolment": (f"{SPIRIT} 14, {CONSORT} 7a", "number of patients, planned and needed, with assumptions"),
    "allocation": (f"{SPIRIT} 16, {CONSORT} 8 to 10, {FDA_CELLS}", "allocation, staggering, sentinel patients"),
    "estimation": (f"{SPIRIT} 20a, {CONSORT} 12a", "estimation, models and priors"),
    "populations": (f"{SPIRIT} 20c", "analysis populations, missing data, replaced patients"),
    "oversight": (f"{SPIRIT} 21a", "who reviews safety data"),
    "rules": (f"{SPIRIT} 21b, {CONSORT} 7b, {FDA_CELLS}", "decision and stopping rules, and the data they use"),
    "decisions": (f"{CONSORT} 13, 14", "decisions taken, and departures from the rule"),
    "results": (f"{CONSORT} 17a, 19", "results at each dose level with their precision"),
    "interpretation": (f"{CONSORT} 20, 22", "limitations and interpretation"),
    "committees": (f"{SPIRIT} 5d, 24, 26", "committees, ethics approval and consent"),
    "follow-up": (FDA_CELLS, "monitoring and follow-up, long-term risks of the product among them"),
    "product": (FDA_CELLS, "the dose delivered against the dose planned, and what follows where it cannot be made"),
    "involvement": (SPIRIT, "involvement of patients and the public"),
    "aims": ("ADEMP, ICH E20, FDA 2019", "aims, and the designs compared"),
    "scenarios": ("ADEMP", "data-generating mechanisms: scenarios, with reasons"),
    "estimands": ("ADEMP", "estimands: definition of the true MTD, and what else counts"),
    "methods": ("ADEMP", "methods in replicable detail"),
    "measures": ("ADEMP", "performance measures, and their Monte Carlo error where simulated"),
    "comparator": ("ICH E20", "comparison with a well-understood design"),
    "configurations": ("ICH E20", "range of configurations, with the reason for each"),
    "examples": ("ICH E20, FDA 2019", "example trials with different outcomes"),
    "software": ("ICH E20, FDA 2019", "software, code, seeds, instructions to recreate"),
    "limitations": ("ICH E20", "limitations"),
    "discussion": ("ICH E20", "clinical discussion of results"),
    "prior": (FDA_BAYES, "prior stated, and what it is worth in patients"),
    "conflict": (FDA_BAYES, "prior-data conflict, sensitivity to other priors"),
    "success": (FDA_BAYES, "success criteria stated in advance"),
    "prespecified": (FDA_BAYES, "which changes were prespecified"),
    "transparency": (FDA_BAYES, "operating characteristics, computational transparency"),
    "attainable": ("this package", "distance from what is attainable"),
    "silences": ("this package", "sensitivity to what the protocol does not say"),
    "robustness": ("this package", "how wrong the assumptions may be before the decision changes"),
}
"""Guideline and item, by the name under which a section answers it."""
