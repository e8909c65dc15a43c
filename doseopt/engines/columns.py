"""Columns of a graph while it is made, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from doseopt.core.state import Decision, IntArray
from doseopt.engines.answers import Answers
from doseopt.engines.growing import Layer

EDGES = ("source", "target", "category_counts")


class Columns:
    """What is kept of the layers so far, by name."""

    def __init__(self) -> None:
        self._layers: list[dict[str, Any]] = []
        self._marked: list[IntArray] = []

    def __contains__(self, name: str) -> bool:
        return name in self._layers[0]

    def add(self, layer: Layer, answers: Answers, marked: IntArray, base: int, whole: bool) -> None:
        """Add a layer whose states are numbered from base: all of it, or the states that are marked."""
        kind = answers.kind if whole else answers.kind[marked]
        found = {name: getattr(answers.decision, name)[kind] for name in Decision.__slots__}
        if answers.selected is not None:
            found["selected"] = answers.selected[kind]
        if whole:
            found |= {"words": layer.words, "sums": layer.sums}
            found |= {"source": layer.source, "target": layer.place + base, "category_counts": layer.counts}
            self._marked.append(marked)
        else:
            found |= {"words": layer.words[marked], "sums": layer.sums[marked]}
        self._layers.append(found)

    def mark(self) -> None:
        """Keep only what is marked of the layers so far, all of which are whole."""
        for number, (found, marked) in enumerate(zip(self._layers, self._marked, strict=True)):
            self._layers[number] = {name: found[name][marked] for name in found if name not in EDGES}
        self._marked.clear()

    def joined(self, name: str) -> Any:
        """Return all layers of one column, and forget them: both would not fit."""
        return np.concatenate([layer.pop(name) for layer in self._layers])
