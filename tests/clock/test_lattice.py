"""Slots: what is known after each, by hand, and integrals over the follow-up."""

import numpy as np
import pytest

from doseopt import Faults, Lattice
from doseopt.clock.lattice import Calendar


@pytest.mark.parametrize(
    ("lattice", "known"),
    [
        (Lattice(1.0), [0, 1]),
        (Lattice(0.5), [0, 1]),
        (Lattice(4.0), [0, 0.25, 0.5, 0.75, 1]),
        (Lattice(2.5), [0, 0.4, 0.8, 1]),
        (Lattice(28.0 / 28.0 * 2 + 1e-12), [0, 0.5, 1]),
        (Lattice(4.0, visits=(0.25, 0.6)), [0, 0.25, 0.25, 0.6, 1]),
        (Lattice(3.0, visits=(1.0,)), [0, 0, 0, 1]),
        (Lattice(4.0, visits=(0.3, 0.4)), [0, 0, 0.4, 0.4, 1]),
    ],
    ids=str,
)
def test_what_is_known_after_each_slot(lattice, known):
    slot = lattice.slot()
    assert lattice.slots == len(known) - 1
    assert slot.now.tolist() == pytest.approx(known[:-1])
    assert slot.next.tolist() == pytest.approx(known[1:])
    assert slot.length == pytest.approx(1 / lattice.window)


@pytest.mark.parametrize("lattice", [Lattice(3.0), Lattice(2.5), Lattice(4.0, visits=(0.3, 0.4))], ids=str)
def test_what_is_known_later_by_slots_that_are_cut_at_the_end_of_the_window(lattice):
    """Follow each patient: at time t the slots that are over, or the whole window."""
    slot = lattice.slot()
    for age in range(lattice.slots):
        for t, later in zip(slot.ends * lattice.window, slot.later[age], strict=True):
            whole = int(np.floor(age + t + 1e-9))
            over = age + t >= lattice.window - 1e-9
            assert later == pytest.approx(1.0 if over else [*slot.now, 1.0][whole])


@pytest.mark.parametrize("slot", [Lattice(3.0).slot(), Lattice(2.5).slot()], ids=["3", "2.5"])
def test_integrals_of_steps(slot):
    """Of 1 from the first time on: last - first, and their squares' difference."""
    assert slot.moments.sum(axis=1) == pytest.approx([1 - slot.ends[0], 1 - slot.ends[0] ** 2])


def test_a_calendar_by_hand():
    calendar = Calendar(np.array([0.0, 0.4, 0.7, 1.2, 3.0]))
    assert calendar.slots == 3
    assert calendar.slot(2).now == pytest.approx([0, 0.3, 0.7])
    assert calendar.slot(2).next == pytest.approx([0.5, 0.8, 1])
    assert calendar.slot(3).now == pytest.approx([0, 0.5, 0.8])
    assert calendar.slot(3).next.tolist() == [1, 1, 1]
    assert calendar.slot(4).now.tolist() == [0, 1, 1]
    assert calendar.slot(0).length == pytest.approx(0.4)
    assert calendar.starts(3) == 1.2


def test_integrals_over_the_follow_up_of_a_calendar():
    """A patient pending since 0.3 and one since 0.7: until t both are known with (t + 0.3)(t + 0.7), at most 1 each."""
    slot = Calendar(np.array([0.0, 0.4, 0.7])).slot(2)
    both = slot.later[1] * slot.later[2]
    early = 0.3 * (0.3 * 0.7) + (0.3 + 0.7) * 0.3**2 / 2 + 0.3**3 / 3
    later = 0.3 * 0.4 + (0.7**2 - 0.3**2) / 2
    assert slot.moments[0] @ both == pytest.approx(early + later + 0.3)
    assert slot.moments[1].sum() == pytest.approx(1)


def test_faults_are_named():
    with pytest.raises(Faults) as caught:
        Lattice(0.0, arrival=1.5, visits=(0.5, 2.0))
    assert {fault.where for fault in caught.value.faults} == {"window", "arrival", "visits"}
