"""Peak resident memory of whole problems, each in a Python of its own; the imports, 0.1 GB or so, are part of it."""

from __future__ import annotations

from benchmarks.speed.measure import Record, Task, child, summary

CODE = {
    "imports": "import doseopt.comparison.compare, doseopt.attainable",
    "graph_boin_singles": "from benchmarks.speed import cases\ncases.build_graph(cases.boin(cohort=1))",
    "compare_default": "import doseopt\ndoseopt.compare(doseopt.load_study())",
    "policy_25_singles": "from benchmarks.speed import cases\ncases.policy('4_doses_25_singles')",
}


def _task(name: str) -> Task:
    def measure(repeats: int) -> Record:
        return summary([child(CODE[name])[1] for _ in range(repeats)], "bytes")

    return Task(f"memory/{name}", measure, slow=name != "imports")


TASKS = tuple(map(_task, CODE))
