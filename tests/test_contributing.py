"""The recipes of CONTRIBUTING work: their files are added to the package as it runs, and their tests pass."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

import doseopt
from doseopt.cli import app

ROOT = Path(doseopt.__file__).parents[1]
BLOCKS = re.findall(r"```python\n# (\S+)\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
RECIPES = list(zip(BLOCKS[::2], BLOCKS[1::2], strict=True))


def imported(path, text, folder, monkeypatch):
    """Import a block as a module: one that is new to the package by its name there, else by one of its own."""
    file = folder / Path(path).name
    file.write_text(text, encoding="utf-8")
    name = path.removesuffix(".py").replace("/", ".")
    name = f"recipe.{name}" if name.startswith("tests") or name in sys.modules else name
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def registries(monkeypatch):
    """What the recipes register in is put back."""
    monkeypatch.setattr(app, "registered_commands", list(app.registered_commands))
    kept = dict(doseopt.METRICS)
    yield
    doseopt.METRICS.clear()
    doseopt.METRICS.update(kept)


def test_there_is_a_recipe_for_each_kind_of_part():
    places = [str(Path(path).parent) for (path, _), _ in RECIPES]
    assert places == [
        f"doseopt/{room}" for room in ("designs", "measures", "designs/modifiers", "reports/sections", "cli")
    ]
    assert all(path.startswith("tests/") for _, (path, _) in RECIPES)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe[0][0])
@pytest.mark.usefixtures("registries")
def test_a_recipe_works(recipe, tmp_path, monkeypatch):
    (path, text), (test_path, test) = recipe
    imported(path, text, tmp_path, monkeypatch)
    tests = vars(imported(test_path, test, tmp_path, monkeypatch))
    run = [tests[name] for name in tests if name.startswith("test_")]
    assert run
    for each in run:
        each()
