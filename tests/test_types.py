"""Type checkers and editors of users see the types of what is public, and are told of misspelt names."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import doseopt
from doseopt.plots import named

PACKAGE = Path(doseopt.__file__).parent

SCRIPT = """
import doseopt
from doseopt import BOIN, CRM, Exact, IndifferenceInterval, MaxPatients, Modified, Simulate
from doseopt import after, build_graph, compare, judged, limits_of, load_study, operating_characteristics

study = load_study("renji-elo")
boin = BOIN(doses=4, target=0.25)
design = Modified(boin, (MaxPatients(n=18),))
outcomes = judged(Simulate(trials=100, seed=1)(design, study.scenarios), study.mtd)
"""

TYPES = {
    "study": "doseopt.study.study.Study",
    "study.target": "float",
    "compare(study, Exact(settled=True))": "doseopt.reports.result.Result",
    "boin": "doseopt.designs.boin.BOIN",
    "boin.cohort": "int",
    "design": "doseopt.designs.modified.Modified",
    "design.facts": "doseopt.core.facts.Facts",
    "CRM(doses=4, target=0.25, skeleton=IndifferenceInterval(2, 0.05))": "doseopt.designs.crm.CRM",
    'after(design, "3NNT")': "doseopt.core.state.TrialState",
    "build_graph(design, edges=True)": "doseopt.engines.graph.Graph",
    "outcomes": "xarray.core.dataset.Dataset",
    "operating_characteristics(outcomes)": "xarray.core.dataset.Dataset",
    'doseopt.posterior(study, "1N 2NNT")': "xarray.core.datatree.DataTree",
    'doseopt.next_dose(boin, "1NNN")["designs"]': "Any",
    "doseopt.plot.heatmap(compare(study))": "matplotlib.figure.Figure",
    "doseopt.plot.posterior(doseopt.posterior(study))": "matplotlib.figure.Figure",
    "limits_of(study)": "doseopt.attainable.attained.Limits",
}


def complaints(text, tmp_path):
    """What mypy --strict says of a script, without the place."""
    script = tmp_path / "script.py"
    script.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", str(script)]
    env = os.environ | {"MYPYPATH": str(PACKAGE.parent), "MYPY_FORCE_COLOR": "0"}
    done = subprocess.run(command, cwd=PACKAGE.parent, env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [re.sub(r"^.*?:\d+: ", "", line) for line in done.stdout.splitlines()]


def test_mypy_sees_the_type_of_everything_and_tells_of_what_is_wrong(tmp_path):
    revealed = [f"reveal_type({expression})" for expression in TYPES]
    found = complaints("\n".join([SCRIPT, *revealed, "doseopt.Compare", "load_study(3)", ""]), tmp_path)
    assert found[: len(TYPES)] == [f'note: Revealed type is "{type_}"' for type_ in TYPES.values()]
    assert [line.split("  ")[-1] for line in found[len(TYPES) :]] == ["[attr-defined]", "[arg-type]"]


def test_checkers_and_the_lazy_table_list_the_same_names():
    imports = imported_for_checkers("__init__.py")
    imports.remove(("doseopt.plots", "named", "plot"))  # a module, which has a table of its own
    assert sorted(imports) == sorted((f"doseopt.{home}", name, name) for name, home in doseopt._HOME.items())
    figures = [(f"doseopt.plots.{room}", drawn, name) for name, (room, drawn) in named._HOME.items()]
    assert sorted(imported_for_checkers("plots/named.py")) == sorted(figures)


def imported_for_checkers(path):
    (block,) = [
        node
        for node in ast.parse((PACKAGE / path).read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return [(each.module, name.name, name.asname) for each in block.body for name in each.names]


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").read_bytes() == b""
