import ast
import importlib
import inspect
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

import doseopt

ROOT = Path(doseopt.__file__).parents[1]
LIGHT = ("numpy", "xarray.core", "scipy", "matplotlib", "pymc", "arviz", "netCDF4", "pandas")


def loaded_after(code, *packages):
    """Which of the packages a fresh interpreter has imported after running some code."""
    show = f"import sys; print('LOADED', *[p for p in {packages!r} if p in sys.modules])"
    run = [sys.executable, "-c", f"{code}\n{show}"]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()[1:]


def test_all_is_sorted_and_has_no_name_twice():
    assert doseopt.__all__ == sorted(set(doseopt.__all__))
    assert dir(doseopt) == doseopt.__all__


@pytest.mark.parametrize("name", doseopt.__all__)
def test_every_public_name_resolves(name):
    assert getattr(doseopt, name) is not None


def test_a_name_that_is_not_public_does_not_resolve():
    with pytest.raises(AttributeError, match="module 'doseopt' has no attribute 'Compare'"):
        _ = doseopt.Compare


def test_a_public_name_is_the_object_of_its_module():
    from doseopt.designs.boin import BOIN
    from doseopt.engines.exact import Exact

    assert doseopt.BOIN is BOIN
    assert doseopt.Exact is Exact


def test_compare_is_the_function_and_not_its_module():
    run = "import doseopt; doseopt.compare; assert callable(doseopt.compare), doseopt.compare"
    assert loaded_after(run) == []
    run = "from doseopt.comparison.compare import rules; import doseopt; assert callable(doseopt.compare)"
    assert loaded_after(run) == []


@pytest.mark.parametrize("name", [n for n in doseopt.__all__ if n != "__version__"])
def test_every_public_name_has_a_docstring(name):
    found = getattr(doseopt, name)
    if inspect.isclass(found) or inspect.isfunction(found) or inspect.ismodule(found):
        written = found.__doc__ or ""
        assert len(written) > 20
        assert not written.startswith(f"{name}("), "this docstring is the one that dataclass makes up"
    else:  # a registry: its text stands below the assignment
        body = ast.parse(inspect.getsource(importlib.import_module(f"doseopt.{doseopt._HOME[name]}"))).body
        assigned = [
            below
            for node, below in pairwise(body)
            if isinstance(node, ast.Assign | ast.AnnAssign)
            and name in [t.id for t in (node.targets if isinstance(node, ast.Assign) else [node.target])]
        ]
        assert len(assigned) == 1
        assert isinstance(ast.literal_eval(assigned[0].value), str)


def test_public_names_have_an_example_that_runs():
    parts = {name: getattr(doseopt, name) for name in doseopt.__all__}
    shown = {name: part for name, part in parts.items() if inspect.isclass(part) or inspect.isfunction(part)}
    assert [name for name, part in shown.items() if ">>>" not in (part.__doc__ or "")] == []


@pytest.mark.parametrize("name", doseopt.__all__)
def test_a_public_name_stays_what_it_is_when_it_is_used_again(name):
    first = getattr(doseopt, name)
    assert getattr(doseopt, name) is first


def test_importing_the_package_is_light():
    assert loaded_after("import doseopt", *LIGHT) == []


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_command_line_starts_light(option):
    run = f"""
import sys
from doseopt.cli import main
sys.argv = ["doseopt", {option!r}]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""
    assert loaded_after(run, *LIGHT) == []


@pytest.mark.parametrize(("stated", "then"), [(None, "1"), ("4", "4")])
def test_a_command_has_one_thread_of_linear_algebra_unless_told(stated, then):
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    env |= {} if stated is None else {"OMP_NUM_THREADS": stated}
    run = (
        "import os, sys; from doseopt.cli import main; assert 'numpy' not in sys.modules; "
        "sys.argv = ['doseopt', '--version']\ntry: main()\nexcept SystemExit: print(os.environ['OMP_NUM_THREADS'])"
    )
    done = subprocess.run([sys.executable, "-c", run], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == then


def test_an_exact_comparison_imports_neither_pymc_nor_matplotlib():
    run = "import doseopt; doseopt.compare(doseopt.load_study())"
    assert loaded_after(run, "numpy", "pymc", "pytensor", "arviz", "nutpie", "matplotlib") == ["numpy"]
