"""No method only forwards: its body is not `return self.part.same_name(same arguments)`.

Those that must stand are interfaces that a protocol demands of every design, engine or model:

- `Around`: the verbs of `Design` that a wrapper leaves as they are, in this one place.
- `Enrolling`: a design that the engines make, which do not know the designs and so not `Around`.
- `ExactWherePossible.trials`: an engine that may simulate says how many trials a scenario then takes.
- `BOIN12.moves`: an interval design says which way to go; it goes by the boundaries of BOIN, which it has.
- `Waiting.select`: it changes when its design is asked, and not how it selects.
- `ModelAverage.doses`, `RobustPrior.doses`, `TwoPopulations.doses`: a model says how many doses it has; these have
  those of their curves.
"""

import ast
from pathlib import Path

import pytest

import doseopt

ROOT = Path(doseopt.__file__).parent
DEMANDED = {
    *(("Around", name) for name in ("facts", "first", "remember", "admissible", "describe")),
    ("BOIN12", "moves"),
    ("Enrolling", "describe"),
    ("ExactWherePossible", "trials"),
    ("ModelAverage", "doses"),
    ("RobustPrior", "doses"),
    ("TwoPopulations", "doses"),
    ("Waiting", "select"),
}


def forwards(method):
    """Tell whether a method only asks a part of its object for the same by the same name."""
    body = [s for s in method.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    if len(body) != 1 or not isinstance(body[0], ast.Return):
        return False
    asked = body[0].value
    given = []
    if isinstance(asked, ast.Call):
        given = [*(ast.unparse(a) for a in asked.args), *(ast.unparse(k.value) for k in asked.keywords)]
        asked = asked.func
    if not isinstance(asked, ast.Attribute) or asked.attr != method.name:
        return False
    arguments = method.args
    taken = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)][1:]
    return ast.unparse(asked.value).startswith("self.") and given == taken


def found_in(text):
    classes = (c for c in ast.walk(ast.parse(text)) if isinstance(c, ast.ClassDef))
    return {(c.name, m.name) for c in classes for m in c.body if isinstance(m, ast.FunctionDef) and forwards(m)}


def test_no_method_only_forwards():
    found = set().union(*(found_in(path.read_text(encoding="utf-8")) for path in ROOT.rglob("*.py")))
    assert found == DEMANDED


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("return self.base.f(x, y)", True),
        ("'''Said.'''\n        return self.base.f(x, y=y)", True),
        ("return self.base.inner.f(x, y)", True),
        ("return self.base.f(y, x)", False),
        ("return self.base.g(x, y)", False),
        ("return self.base.f(x, y) + 1", False),
        ("return other.f(x, y)", False),
    ],
)
def test_what_counts_as_forwarding(body, is_found):
    assert found_in(f"class A:\n    def f(self, x, y):\n        {body}") == ({("A", "f")} if is_found else set())
