"""Study files: a fault with its place, or a study that runs."""

import contextlib

import numpy as np
import pytest
from fuzz.guard import INPUTS, MANY, check_shown, failures
from fuzz.hostile import pick
from fuzz.studies import study_text

from doseopt.beliefs import StatedBelief
from doseopt.comparison.break_even import break_even
from doseopt.comparison.compare import compare
from doseopt.comparison.definition_map import definition_map
from doseopt.comparison.weighable import unweighed
from doseopt.conduct.next_dose import next_dose
from doseopt.core.parameters import Faults
from doseopt.engines.budget import TooManyStates
from doseopt.engines.exact import Exact
from doseopt.engines.graph import build_graph
from doseopt.records.trial import Trial
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.break_even import break_even_blocks
from doseopt.reports.sections.comparison import comparison_document
from doseopt.reports.sections.definition_map import definition_map_document
from doseopt.reports.sections.next_dose import next_document
from doseopt.study.file import parse_study

STATES = 300
"""Of the graphs that are made: a design with more is not followed to its end."""
ASKED, FOLLOWED, JUDGED = 0.3, 0.1, 0.2
"""Part of the accepted studies that are asked for the next dose, part of those whose designs are followed to the end,
and part of those that are judged in every way: a hundred files are read in the time of one comparison."""


def outcomes(rng, doses):
    """A few cohorts at any doses."""
    cohorts = int(rng.integers(0, 5))
    letters = [pick(rng, ("N", "NN", "NNN", "NNT", "NTT", "T", "NMN.")) for _ in range(cohorts)]
    return " ".join(f"{int(rng.integers(1, doses + 1))}{each}" for each in letters)


def study_file(rng):
    """Read a study file, and run what is accepted."""
    text = study_text(rng)
    try:
        study = parse_study(text)
    except Faults as faults:
        check_shown(str(faults), text)
        return
    try:
        run(rng, study)
    except BaseException as error:
        error.add_note(text)
        raise


def run(rng, study):
    """Ask for the next dose, and compare the designs that are small."""
    assert len(study.hash) == len("h2:") + 16
    if rng.random() >= ASKED:
        return
    data = Trial.from_outcomes(outcomes(rng, len(study.doses.labels)), study.doses)
    try:
        answer = next_dose(study, data)
    except Faults as faults:  # the data may contradict a design
        check_shown(str(faults), "the data")
    else:
        assert terminal_text(next_document(answer))
    if rng.random() >= FOLLOWED:
        return
    states = [states_of(design) for design in study.designs.values()]
    if None not in states and study.scenario_specs and not unweighed(study):
        assert terminal_text(comparison_document(compare(study, Exact(), posteriors=False)))
        if rng.random() < JUDGED:
            judge(study)
    if study.scenario_specs or not isinstance(study.belief, StatedBelief):
        believe(study)


def believe(study):
    """Average over what is believed, unless what happens in the window is stated by scenario."""
    try:
        belief = study.believed()
    except Faults:
        if not any(event.by_scenario for event in study.window_events.events.values()):
            raise
        return
    assert np.isfinite(belief.weights).all()
    assert np.isfinite(belief.p_observed).all()


def judge(study):
    """Judge the designs by every definition, and by how wrong the study may be."""
    with contextlib.suppress(Faults):  # rates that no definition has an answer for
        assert terminal_text(definition_map_document(definition_map(study)))
    if len(study.designs) > 1:
        registered, *amended = study.designs
        with contextlib.suppress(Faults, TooManyStates):
            assert break_even_blocks(break_even(study, registered, amended))


def states_of(design):
    """The states of a design, None if they are too many, or trials depend on when patients come."""
    if design.facts.pending:
        return None
    try:
        return len(build_graph(design, max_states=STATES, edges=True).state)
    except TooManyStates:
        return None


@pytest.mark.parametrize("inputs", [INPUTS // 4, pytest.param(MANY, marks=pytest.mark.fuzz)])
def test_a_study_file_is_refused_with_faults_or_runs(inputs):
    assert failures(study_file, inputs) == []
