"""The schema and the reader on fuzzed files: what the reader takes fits the schema, and an unknown key fits neither."""

import tomllib

import numpy as np
import pytest
import tomli_w
from fuzz.studies import study_text
from study.test_keys import wrong

from doseopt.core.parameters import Faults
from doseopt.study.file import parse_study
from doseopt.study.schema import schema

STRUCTURE = "unknown key"
"""A fault of the keys alone; what only code can tell (a level above the doses, say) is not in a schema."""


def faults_of(text):
    """The messages of the reader, None if it takes the study."""
    try:
        parse_study(text)
    except Faults as faults:
        return [fault.message for fault in faults.faults]
    return None


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, 6))])
def test_the_schema_takes_what_the_reader_takes_and_refuses_keys_that_it_does_not_know(part):
    """100 files at once, 600 in all, each that is taken once more with a key that nobody knows."""
    whole, taken = schema(), 0
    rng = np.random.default_rng([41, part])
    for _ in range(100):
        text = study_text(rng)
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue
        refused = wrong(document, whole, whole)
        faults = faults_of(text)
        if faults is not None:
            if any(message.startswith(STRUCTURE) for message in faults):
                assert refused, f"the reader refuses, the schema does not: {faults}\n{text}"
            continue
        assert refused == [], f"the schema refuses what the reader takes: {refused}\n{text}"
        tables = [table for table in tables_of(document["designs"]) if "kind" in table or "at_least" in table]
        tables[int(rng.integers(len(tables)))]["unheard_of"] = 1
        assert wrong(document, whole, whole)
        assert any(message.startswith(STRUCTURE) for message in faults_of(tomli_w.dumps(document)))
        taken += 1
    assert taken > 10


def tables_of(value):
    """All tables within a value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for part in inside for each in ([part] if isinstance(part, dict) else []) + tables_of(part)]
