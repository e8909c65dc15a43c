"""Outcome strings: cohorts that are written back as they were read, or faults."""

import pytest
from fuzz.guard import INPUTS, MANY, check_shown, failures
from fuzz.hostile import TEXTS, pick

from doseopt.core.cohort import format_outcomes, parse_outcomes
from doseopt.core.parameters import Faults
from doseopt.records.trial import Trial
from doseopt.records.window import Window
from doseopt.scenarios.doses import Doses

PENDING = ("?", "?14", "?0.5", "?28", "?1e3", "?.", "?" + "9" * 400)
PIECES = (*"NTMntm", *"12345", "0", "00001", "NNN", "NT", ".", "..", " ", "  ", "\t", "\n", "\u2003", "X", "é", "-1")
RARE = (*TEXTS, "٣NNN", "²N", "1N,2N", "1" * 5_000, "N" * 11_000, "1" + "N" * 9_000, "1N " * 3_000)


def text_of(rng):
    """Mostly levels and letters."""
    pieces = [pick(rng, RARE if rng.random() < 0.03 else PIECES) for _ in range(int(rng.integers(0, 30)))]
    cohorts = [f"{int(rng.integers(1, 6))}{'NTM'[int(rng.integers(3))] * int(rng.integers(1, 5))}" for _ in range(3)]
    pieces = [pick(rng, PENDING) if rng.random() < 0.1 else piece for piece in pieces] if rng.random() < 0.4 else pieces
    return " ".join(cohorts) if rng.random() < 0.2 else "".join(pieces)


def outcome_string(rng):
    """Read, and write again."""
    text, doses = text_of(rng), pick(rng, (None, 1, 3, 5))
    with_pending(rng, text)
    try:
        cohorts = parse_outcomes(text, doses)
    except Faults as faults:
        check_shown(str(faults), text[:300])
        return
    assert parse_outcomes(format_outcomes(cohorts), doses) == cohorts
    assert all(1 <= c.level <= (doses or 999) and set(c.letters) <= set("NTM") for c in cohorts)
    if doses is not None:
        data = Trial.from_outcomes(text, Doses(tuple(str(i) for i in range(doses))))
        assert len(data.patients) == sum(len(c.letters) for c in cohorts)


def with_pending(rng, text):
    """Read a trial whose pending patients may have been followed for days."""
    window = pick(rng, (None, Window(28), Window(0.25)))
    try:
        data = Trial.from_outcomes(text, Doses(("1", "2", "3", "4", "5")), window)
        texts = [*data.provenance().values(), data.shares().share]
    except Faults as faults:
        texts = [str(faults)]
    check_shown(" ".join(map(str, texts)), text[:300])


@pytest.mark.parametrize("inputs", [INPUTS, pytest.param(MANY, marks=pytest.mark.fuzz)])
def test_an_outcome_string_is_refused_with_faults_or_read_as_it_is_written(inputs):
    assert failures(outcome_string, inputs) == []
