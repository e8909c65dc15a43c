"""Who may import whom. The floors below are the documentation: a file imports from lower floors or from its own room.

`pytest tests/test_layers.py -k picture -s` draws the house: its rooms, floor by floor, and the arrows between them.
"""

import ast
from functools import cache
from pathlib import Path

import doseopt

FLOORS = """
    9  cli
    8  app
    7  reports
    6  amendment  calibration
    5  comparison  conduct  attainable  plots  testing  verify
    4  study  measures  records
    3  designs  engines  beliefs
    2  models  scenarios  clock  endpoints  display  tabular
    1  core
"""
ROOMS_WITHIN = {
    "designs": ["designs/modifiers"],
    "models": ["models/nuts", "models/quadrature"],
    "reports": ["reports/sections", "reports/render"],
}
"""Rooms of a room, each above those that follow it; a room stands below those within it or above, never both."""
MEASURED = {"engines/outcomes", "engines/means"}
"""All that measures know of the engines: how trials can end, and their expectations."""
HEAVY = {"pymc", "pytensor", "matplotlib", "arviz", "nutpie"}
DRAWING = {"plots/pen"}
"""A file with a class of matplotlib's, which is therefore as heavy."""

ROOT = Path(doseopt.__file__).parent
FILES = {path.relative_to(ROOT).with_suffix("").as_posix(): path for path in sorted(ROOT.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}
FLOOR = {room: int(line.split()[0]) for line in FLOORS.strip().splitlines() for room in line.split()[1:]}
INSIDE = sorted(set(FILES) - {"__init__", "__main__"})


def targets(node):
    """Files of doseopt that an import statement names, as "engines/graph"."""
    if isinstance(node, ast.Import):
        dotted = [alias.name for alias in node.names]
    elif node.level:
        raise AssertionError("wanted absolute imports")
    else:
        named = [f"{node.module}.{alias.name}" for alias in node.names]
        dotted = [d if file_of(d) in FILES else node.module for d in named]
    return [file_of(d) for d in dotted if d == "doseopt" or d.startswith("doseopt.")]


def file_of(dotted):
    """File of a module or a package, without its ending."""
    path = dotted.removeprefix("doseopt").removeprefix(".").replace(".", "/")
    return path if path in FILES else f"{path}/__init__".removeprefix("/")


@cache
def imports(file):
    """All imports of a file, those inside functions too, but for the package's version."""
    nodes = [node for node in ast.walk(TREES[file]) if isinstance(node, ast.Import | ast.ImportFrom)]
    return [target for node in nodes for target in targets(node) if target != "__init__"]


def room_of(file):
    return file.rpartition("/")[0]


@cache
def arrows():
    """Pairs of rooms, the first of which imports from the second, those within rooms included."""
    pairs = {(room_of(file), room_of(target)) for file in INSIDE for target in imports(file)}
    return sorted((one, other) for one, other in pairs if one != other)


def circle(pairs):
    """Nodes that are on a circle, or only lead to one."""
    pairs = set(pairs)
    while pairs:
        starts = {a for a, _ in pairs}
        left = {(a, b) for a, b in pairs if b in starts}
        if left == pairs:
            return sorted(starts)
        pairs = left
    return []


def test_every_file_stands_in_a_room_of_a_floor():
    assert {file.partition("/")[0] for file in INSIDE} == set(FLOOR)


def test_every_room_within_a_room_is_listed():
    assert {room_of(file) for file in INSIDE if file.count("/") > 1} == {
        r for each in ROOMS_WITHIN.values() for r in each
    }


def test_imports_from_lower_floors_or_the_own_room_only():
    found = (
        (file, target, file.partition("/")[0], target.partition("/")[0]) for file in INSIDE for target in imports(file)
    )
    not_below = [(file, target) for file, target, own, other in found if other != own and FLOOR[other] >= FLOOR[own]]
    assert not_below == []


def test_no_circle_of_files():
    assert circle((file, target) for file in INSIDE for target in imports(file) if target != file) == []


def test_no_circle_of_rooms():
    assert circle(arrows()) == []


def test_measures_know_no_engine():
    found = {t for f in INSIDE if room_of(f) == "measures" for t in imports(f) if room_of(t) == "engines"}
    assert found <= MEASURED


def test_one_room_imports_pymc():
    found = {f for f in INSIDE for n in ast.walk(TREES[f]) if "pymc" in roots(n)}
    assert {room_of(file) for file in found} == {"models/nuts"}


def roots(node):
    """Top-level packages that an import statement names."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    return {(node.module or "").partition(".")[0]} if isinstance(node, ast.ImportFrom) else set()


def test_picture_of_the_house():
    rooms = sorted({room_of(file) for file in INSIDE})
    assert len(rooms) <= 29
    for floor in sorted(set(FLOOR.values()), reverse=True):
        print(f"\nfloor {floor}")
        for room in (room for room in rooms if FLOOR[room.partition("/")[0]] == floor):
            files = [file for file in INSIDE if room_of(file) == room]
            lines = sum(len(FILES[file].read_text(encoding="utf-8").splitlines()) for file in files)
            below = [other for one, other in arrows() if one == room]
            print(f"  {room}: {len(files)} files, {lines} lines -> {', '.join(below) or 'nothing'}")
    print(f"\n{len(rooms)} rooms, {len(set(FLOOR.values()))} floors, {len(arrows())} arrows, none of them up")


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


def names_drawing(node):
    return isinstance(node, ast.Import | ast.ImportFrom) and bool(DRAWING & set(targets(node)))


def test_heavy_packages_are_imported_inside_functions():
    nodes = ((file, node) for file, tree in TREES.items() for node in at_top(tree))
    heavy = [(file, node) for file, node in nodes if roots(node) & HEAVY or names_drawing(node)]
    assert [(file, roots(node)) for file, node in heavy if file not in DRAWING] == []


def test_no_import_error_is_swallowed():
    swallowing = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
    tries = ((file, node) for file, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, ast.Try))
    for file, attempt in tries:
        types = [name for handler in attempt.handlers for name in ast.walk(handler.type or ast.Name("Exception"))]
        swallowed = {name.id for name in types if isinstance(name, ast.Name)} & swallowing
        body = [n for statement in attempt.body for n in ast.walk(statement)]
        assert not (swallowed and any(isinstance(n, ast.Import | ast.ImportFrom) for n in body)), f"{file}: {swallowed}"
