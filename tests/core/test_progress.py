import os

import numpy as np

from doseopt import BOIN, MaxPatients, Modified, build_graph
from doseopt.core import progress
from doseopt.core.progress import listening, tell
from doseopt.engines import halves
from doseopt.engines.graph import reach_of


def test_a_graph_tells_how_far_it_is_while_somebody_listens(monkeypatch):
    monkeypatch.setattr(progress, "PAUSE", -1.0)
    design, heard = Modified(BOIN(doses=2, target=0.25), (MaxPatients(n=6),)), []
    with listening(heard.append):
        build_graph(design)
    assert heard == ["trials of 0 patients", "trials of 3 patients", "trials of 6 patients"]
    build_graph(design)
    assert len(heard) == 3


def test_sums_over_many_scenarios_tell_how_many_are_weighed(monkeypatch):
    monkeypatch.setattr(progress, "PAUSE", -1.0)
    monkeypatch.setattr(halves, "scenarios_at_once", lambda _: 2)
    graph, heard = reach_of(Modified(BOIN(doses=2, target=0.25), (MaxPatients(n=6),))), []
    with listening(heard.append):
        halves.sums(graph, graph.selected[None], np.full((5, 2), 0.3))
    assert heard == ["weighed, 0%", "weighed, 40%", "weighed, 80%"]


def test_parts_are_told_with_a_pause_between_them(monkeypatch):
    monkeypatch.setattr(progress, "PAUSE", 1e9)
    heard = []
    with listening(heard.append):
        for _ in range(1000):
            tell("part")
    assert heard == []


def test_a_copy_of_the_process_tells_nobody(monkeypatch):
    monkeypatch.setattr(progress, "PAUSE", -1.0)
    own, heard = os.getpid(), []
    with listening(heard.append):
        monkeypatch.setattr(os, "getpid", lambda: own + 1)
        tell("part")
    assert heard == []
