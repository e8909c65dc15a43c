"""Who may import whom. The list below is the documentation: a file imports from lines above its own, or from its own
sub-package."""

import ast
from pathlib import Path

import pytest

import doseopt

LAYERS = """
    0    doseopt  state  text  files
    0a   parameters
    0b   absent  rows  utility  tallies  tuning  table_text  patient  remembered
    0c   cells
    1    models/*  scenarios/*  outcome_string  reading  skeleton
    1b   posterior_model  proposal  parsing
    1c   model_belief
    2    design  selection
    2a   wrapped
    2b   modified  trial  selecting  on_grid  doses
    2c   modifiers/*  dose_cells  unfinished
    2d   patient_rows
    3    outcomes  engine/graph  designs/*
    3b   engine/settled
    4    metrics  engine/exact  engine/simulate  runnable  digest
    4b   study_designs
    5    study  limits/*  testing/*  estimation  means
    5a   study_scenarios  sweep
    5b   study_file  data
    5c   evaluation
    5d   families
    6    comparison  posterior  attained
    6a   attained_now
    6b   conduct/*  calibrate/*  prospects  verify/*
    6c   amend  silences
    6d   dossier  silence_words
    7    tables/*  plots/*  output
    7b   report/*
    8    cli/*
"""
REFUSED = [("engine", "designs"), ("designs", "engine"), ("designs", "scenarios"), ("metrics", "engine")]
HEAVY = {"pymc", "pytensor", "matplotlib", "arviz", "nutpie"}

ROOT = Path(doseopt.__file__).parent
FILES = {path.relative_to(ROOT).with_suffix("").as_posix(): path for path in sorted(ROOT.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}
LINES = [line.split()[1:] for line in LAYERS.strip().splitlines()]
RANK = {entry: rank for rank, entries in enumerate(LINES) for entry in entries}


def rank(module):
    """Line of a module, e.g. "engine/graph", or of a sub-package's own file, "engine"; None if it is not listed."""
    return RANK.get(module, RANK.get(f"{module.partition('/')[0]}/*"))


def name_of(file):
    """ "modifiers/__init__" is the sub-package "modifiers" itself, "__init__" the package."""
    return "doseopt" if file == "__init__" else file.removesuffix("/__init__")


def targets(node):
    """Modules of doseopt that an import statement names, as "engine/graph"."""
    if isinstance(node, ast.Import):
        dotted = [alias.name for alias in node.names]
    elif node.level:
        raise AssertionError("wanted absolute imports")
    else:
        inside = [f"{node.module}.{alias.name}" for alias in node.names]
        dotted = [d if d.removeprefix("doseopt.").replace(".", "/") in FILES else node.module for d in inside]
    own = [d for d in dotted if d == "doseopt" or d.startswith("doseopt.")]
    return ["doseopt" if d == "doseopt" else d.removeprefix("doseopt.").replace(".", "/") for d in own]


def imports(file):
    """All imports of a file, those inside functions too."""
    nodes = [node for node in ast.walk(TREES[file]) if isinstance(node, ast.Import | ast.ImportFrom)]
    return [target for node in nodes for target in targets(node)]


def test_every_module_is_in_the_list():
    # `engine` has no "*": its own file holds a docstring only.
    assert [f for f in FILES if rank(name_of(f)) is None and name_of(f) != "engine"] == []


def test_the_list_names_no_module_that_is_gone():
    known = {name_of(f) for f in FILES} | {f"{f.split('/')[0]}/*" for f in FILES if "/" in f}
    assert [entry for entry in RANK if entry not in known] == []


@pytest.mark.parametrize("file", FILES)
def test_imports_from_lower_layers_only(file):
    own, package = rank(name_of(file)), file.split("/")[0] if "/" in file else None
    for target in imports(file):
        assert rank(target) is not None, f"{file} imports {target}, which is in no layer"
        same_package = package is not None and target.split("/")[0] == package
        below = rank(target) <= own if same_package else rank(target) < own
        assert below, f"{file} imports {target}, which does not stand below it"


@pytest.mark.parametrize(("importer", "imported"), REFUSED)
def test_refusals(importer, imported):
    files = [f for f in FILES if f.split("/")[0] == importer]
    assert files
    found = [(f, t) for f in files for t in imports(f) if t.split("/")[0] == imported]
    assert found == []


def test_the_package_itself_is_imported_for_its_version_only():
    used = {
        (file, node.attr)
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "doseopt"
    }
    assert {attribute for _, attribute in used} <= {"__version__"}, used


def at_top(tree):
    """Statements that run when a module is imported."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
            waiting += [] if typing_only else [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]


@pytest.mark.parametrize("file", FILES)
def test_heavy_packages_are_imported_inside_functions(file):
    found = []
    for node in at_top(TREES[file]):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module)
    assert HEAVY.isdisjoint(name.split(".")[0] for name in found)


@pytest.mark.parametrize("file", FILES)
def test_no_import_error_is_swallowed(file):
    for attempt in (node for node in ast.walk(TREES[file]) if isinstance(node, ast.Try)):
        swallowed = {
            name.id
            for handler in attempt.handlers
            for name in ast.walk(handler.type or ast.Name("Exception"))
            if isinstance(name, ast.Name)
        } & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
        body = [n for statement in attempt.body for n in ast.walk(statement)]
        assert not (swallowed and any(isinstance(n, ast.Import | ast.ImportFrom) for n in body)), f"{file}: {swallowed}"
