"""Every registered design passes the public checks; a design need not be named here to be checked."""

import pytest

import doseopt
from doseopt.testing import check_design


@pytest.mark.parametrize("kind", doseopt.DESIGNS)
def test_every_registered_design_keeps_its_promises(kind: str) -> None:
    graph = check_design(doseopt.DESIGNS[kind].example())
    assert graph.counts()["endings"] > 0


@pytest.mark.parametrize("kind", doseopt.DESIGNS)
def test_every_registered_design_says_what_it_is(kind: str) -> None:
    design = doseopt.DESIGNS[kind]
    assert "Names:" in (design.__doc__ or ""), "the published aliases"
    assert "References" in (design.__doc__ or "")
    assert all(row.rule and row.reading for row in design.example().describe())
