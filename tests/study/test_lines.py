"""Lines of a study file that faults are about."""

import pytest

from doseopt.core.parameters import Fault
from doseopt.study.lines import line_of

TEXT = """target = 0.25
[doses]
labels = [
    "a",  # ] is no end
    "b",
]
[scenarios]
"mild one" = { p_dlt = [0.1, 2], reason = "x" }
[designs."CRM [10]"]
kind = "crm"
modifiers = [
    { kind = "max_patients", n = 0 },
]
skeleton.prior_mtd = 9
[[mtd.also]]
name = "first"
[[mtd.also]]
name = "second"
"""


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("target", 1),
        ("doses.labels[1]", 3),
        ('scenarios."mild one".p_dlt[1]', 8),
        ('designs."CRM [10]".modifiers[0].n', 11),
        ('designs."CRM [10]".skeleton.prior_mtd', 14),
        ('designs."CRM [10]".cohort', 9),
        ("mtd.also[1].name", 18),
        ("mtd.also[0].name", 16),
        ("title", None),
        ("", None),
    ],
)
def test_line_of_a_place(where, line):
    assert line_of(TEXT, Fault(where, "wanted another")) == line


def test_line_that_the_parser_names():
    message = "not a TOML file: Expected '=' after a key in a key/value pair (at line 7, column 3)"
    assert line_of(TEXT, Fault("", message)) == 7
