"""A design's course: what it does to patients, whatever dose it declares."""

import dataclasses
import itertools

import numpy as np
import pytest

from doseopt import DESIGNS, AcceleratedTitration, Definition, MaxPatients, Modified, Naming
from doseopt.core.parameters import declared
from doseopt.designs.layers import course, layers, with_rule
from doseopt.engines.graph import build_graph
from doseopt.engines.means import means_of, means_of_each

SILENT = [
    (name, field.name)
    for name, cls in DESIGNS.items()
    for field in declared(cls).values()
    if field.metadata["domain"].declares and not cls.example().facts.pending
]
"""Of designs that wait: the others' trials are evaluated one by one."""


def readings(name, parameter):
    design = DESIGNS[name].example()
    domain = declared(type(layers(design).rule))[parameter].metadata["domain"]
    return [
        with_rule(design, lambda rule, value=value: dataclasses.replace(rule, **{parameter: value}))
        for value in domain.choices or (True, False)
    ]


def test_some_parameters_bear_on_what_is_declared_alone():
    assert {("three_plus_three", "mtd_at_cap"), ("crm", "select_untried"), ("blrm", "select_untried")} <= set(SILENT)


@pytest.mark.parametrize(("name", "parameter"), SILENT)
def test_they_change_no_cohort_and_no_end_of_a_trial(name, parameter):
    one, other = (build_graph(design, edges=True) for design in readings(name, parameter))
    for part in ("n", "y", "dose", "memory"):
        np.testing.assert_array_equal(getattr(one.state, part), getattr(other.state, part))
    for part in ("size", "stop"):
        np.testing.assert_array_equal(getattr(one.decision, part), getattr(other.decision, part))
    for part in ("source", "target", "category_counts", "paths"):
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part))


@pytest.mark.parametrize(("name", "parameter"), SILENT)
def test_the_course_of_a_course_is_the_same_object_whose_modifiers_are_not_bound_again(name, parameter):
    for design in readings(name, parameter):
        plain = course(design)
        assert course(plain) is plain
        assert (plain is design) == (plain == design)


def test_designs_of_one_course_are_weighed_together_as_each_alone():
    """Of eight readings two courses are left, by how the dose below an excluded one is filled."""
    designs = []
    for descent, cap, named in itertools.product(
        ("six", "three_then_six"), ("definition", "not_excluded"), (None, Definition(6))
    ):
        rule = AcceleratedTitration(doses=4, target=0.25, on_descent=descent, mtd_at_cap=cap)
        design = Modified(rule, (MaxPatients(n=10),))
        designs.append(design if named is None else Naming(design, named))
    assert len({course(design) for design in designs}) == 2
    p = np.array([[0.05, 0.12, 0.25, 0.40], [0.3, 0.4, 0.5, 0.6]])
    for each in (designs[:4], designs[4:]):
        for found, design in zip(means_of_each(each, p), each, strict=True):
            alone = means_of(design, p)
            for part in ("selection", "n", "y"):
                np.testing.assert_allclose(getattr(found, part), getattr(alone, part), rtol=0, atol=1e-14)
    assert len({means.selection.tobytes() for means in means_of_each(designs[:4], p)}) > 1
