"""Designs of every kind on another target: what aims at the study's follows, all else is the same."""

import dataclasses

import pytest

from doseopt import load_study
from doseopt.designs.layers import layers
from doseopt.study.definitions import aims


@pytest.fixture(scope="module")
def library():
    return load_study("library")


def test_every_design_of_the_library_goes_there_and_back(library):
    """A design read at another target and put back on the first is the design that was read at the first."""
    moved = library.at_target(0.2)
    other = dataclasses.replace(library, designs=moved, target=0.2, proposal=None)
    assert other.at_target(library.target) == library.designs


def test_3_plus_3_stays_and_all_others_follow(library):
    moved = library.at_target(0.2)
    for name, design in library.designs.items():
        stays = type(layers(design).rule).__name__ in ("ThreePlusThree", "AcceleratedTitration")
        assert aims(design) is not stays, name
        assert moved[name].facts.target == (library.target if stays else 0.2), name
        assert (moved[name] is design) == stays, name


def test_at_the_target_of_the_study_nothing_changes(library):
    assert library.at_target(library.target) == library.designs
