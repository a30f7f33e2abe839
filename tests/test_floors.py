"""The floors of the house: imports run strictly downwards, and in no circle inside a room."""

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import budgetopt

ROOT = Path(budgetopt.__file__).parent

# Every room and the floor it is on. The ground is an ordered list, one room a floor.
FLOORS = [
    {"untrusted", "arrays", "version", "messages"},
    {"errors"},
    {"arguments", "records"},
    {"money"},
    {"calendar"},
    {"i18n"},
    {"notebook", "workers"},
    {"curves", "history", "ledger"},
    {"plan"},
    {"belief"},
    {"optimize"},
    {"horizon"},
    {"policies", "experiments"},
    {"market"},
    {"simulation", "weekly"},
    {"workflow"},
    {"portfolio"},
    {"report"},
    {"exchange"},
    {"cli"},
    {"__main__"},
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# A folder of example files, without code.
DATA = {"demo"}


def module_name(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def runtime_nodes(tree):
    """Walk a syntax tree, leaving out what only the type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from (n for other in node.orelse for n in (other, *runtime_nodes(other)))
            continue
        yield node
        yield from runtime_nodes(node)


@cache
def imports(name, *, of_types=False):
    """Return the full names a module imports: of modules, or of things in them."""
    tree = ast.parse(MODULES[name].read_text("utf-8"))
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(tree) if of_types else runtime_nodes(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            found |= {f"{base}.{alias.name}" for alias in node.names} | {base}
    return frozenset(found)


def modules_of(names):
    """Return the modules of the package among imported names."""
    return {name for name in names if name in MODULES}


def room(name):
    return name.split(".")[1] if "." in name else ""


@pytest.mark.parametrize("name", MODULES)
def test_every_room_has_a_floor(name):
    if room(name) in DATA:
        pytest.fail(f"{name}: the folder of example files holds code; move it to a room")
    if room(name) and room(name) not in FLOOR_OF:
        pytest.fail(f"{name}: room {room(name)!r} is on no floor; add it to FLOORS in this test")


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) in FLOOR_OF])
def test_imports_run_downwards(name):
    # Types count too: a floor that must know the type of a higher one is not below it.
    for used in modules_of(imports(name, of_types=True)):
        mine, theirs = room(name), room(used)
        if mine == theirs:
            continue
        if not theirs:
            # The lazy menu lies at the root, for the top floors only.
            assert mine in {"cli", "__main__"} or used != "budgetopt", f"{name} uses the root"
            continue
        assert FLOOR_OF[theirs] < FLOOR_OF[mine], f"{name} imports {used}, which is not below it"


GUIDE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text("utf-8")


def test_the_guide_shows_every_room_on_its_floor():
    rows = re.findall(r"^\| (\d+)(–\d+)? \| (`.*?`) \|", GUIDE, re.MULTILINE)
    shown = {
        name: FLOOR_OF[name] if ground else int(floor)
        for floor, ground, rooms in rows
        for name in re.findall(r"`(\w+)`", rooms)
    }
    unlisted = {"version", "__main__"}
    assert shown == {name: at for name, at in FLOOR_OF.items() if name not in unlisted}


def test_the_walks_of_the_guide_name_what_is_there():
    walks = GUIDE.partition("## Four walks")[2].partition("## Style")[0]
    folder, text = ROOT, ""
    for path in re.findall(r"`(\w+(?:/\w+)*\.(?:py|json))`", walks):
        # A file beside the one before is named alone.
        near = next((one for one in (ROOT / path, folder / path) if one.exists()), None)
        assert near is not None, f"CONTRIBUTING.md names {path}, which is not there"
        folder, text = near.parent, text + near.read_text("utf-8")
    for name in re.findall(r"`(?:[A-Z]\w*\.)?(\w+)`", walks):
        assert re.search(rf"\b(?:def|class) {name}\b", text), f"{name} of CONTRIBUTING.md is gone"


def test_policies_never_see_the_market():
    for name in MODULES:
        if room(name) == "policies":
            assert "market" not in {room(used) for used in imports(name, of_types=True)}


def test_the_root_loads_nothing_at_import():
    used = imports("budgetopt")
    assert modules_of(used) <= {"budgetopt", "budgetopt.version"}
    heavy = {"numpy", "scipy", "pandas", "pulp", "highspy", "pydantic", "typer"}
    assert {name.split(".")[0] for name in used} & heavy == set()


@pytest.mark.parametrize(
    ("solver", "users"),
    [
        ("pulp", {"budgetopt.optimize.programs.lp"}),
        ("highspy", {"budgetopt.optimize.highs"}),
        # SciPy has a HiGHS of its own, whose threads and output nothing here can settle.
        ("scipy.optimize.milp", set()),
        ("scipy.optimize.linprog", set()),
    ],
)
def test_solvers_are_guests_of_one_file(solver, users):
    def uses(name):
        return any(f"{used}.".startswith(f"{solver}.") for used in imports(name))

    assert {name for name in MODULES if uses(name)} == users


def test_no_import_circles():
    # A package and its modules: importing a module runs its package first, but the package is
    # then already there, so only what modules ask for by name can make a circle.
    graph = {name: modules_of(imports(name)) - {name} for name in MODULES}
    for name, used in graph.items():
        inner = {u for u in used if u.startswith(f"{name}.")}
        parents = {u for u in used if name.startswith(f"{u}.") and not inner}
        # ``from package import submodule`` names the package too.
        graph[name] = used - {p for p in parents if any(u.startswith(f"{p}.") for u in used)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"modules import each other: {' -> '.join(circle.args[1])}")
