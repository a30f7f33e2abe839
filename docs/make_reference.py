"""Writes the reference from the package itself; ``conf.py`` calls it before every build.

The public menu and the rooms give the API, the command line's own tree the commands, the published
JSON Schema the plan file, `errors` its codes, and what is installed the licences. Nothing of it is
written by hand or kept.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any

import budgetopt as bo
from budgetopt import cli, errors
from budgetopt.cli.plans import whole_schema
from budgetopt.cli.run import command_line
from budgetopt.plan.limits import KINDS as LIMITS

DOCS = Path(__file__).parent
TITLES = {
    "plan": "Declare a plan",
    "history": "Read a history",
    "calendar": "Weeks",
    "curves": "Curves and carryover",
    "belief": "Learn",
    "optimize": "Allocate",
    "horizon": "Plan many weeks",
    "policies": "Policies",
    "experiments": "Tests",
    "market": "Markets and scenarios",
    "simulation": "Simulate",
    "weekly": "Decide a week",
    "ledger": "The ledger",
    "workflow": "Weeks on a ledger",
    "portfolio": "Many plans",
    "exchange": "Files in and out",
    "errors": "Errors",
    "report": "Tables, pages, pictures",
}
"""Of the rooms' pages; a room without one has its name for a title."""
REMEDIES = {
    "InputError": "fix the plan, the file or the argument that it names",
    "InfeasibleError": "relax one of the limits that it names",
    "SolverError": "choose another method or allow more time",
    "LedgerError": "free, mend or restore the ledger, then run again",
}
"""What the caller can do, by class of error."""


def menu() -> dict[str, list[str]]:
    """Return the public names by the room that they come from, in the order of the menu."""
    found: dict[str, list[str]] = {}
    for name, room in bo._ROOM_OF.items():
        found.setdefault(room.split(".")[0], []).append(name)
    return found


def first_sentence(thing: Any) -> str:
    """Return the first paragraph of a docstring; of a constant, which has none, its type."""
    if not (inspect.isclass(thing) or inspect.isroutine(thing)):
        return f"A constant, {type(thing).__name__}."
    text = (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")
    return re.sub(r":\w+:", "", text)


def api_page(room: str, names: list[str]) -> str:
    """Return the page of a room: the menu's names in full, then its others in a table."""
    module = import_module(f"budgetopt.{room}")
    about = (inspect.getdoc(module) or "").splitlines()[0]
    text = heading(TITLES.get(room, room), "=") + f"Room ``budgetopt.{room}``. {about}\n\n"
    for name in names:
        text += heading(name, "-") + ".. currentmodule:: budgetopt\n\n"
        if inspect.isclass(getattr(bo, name)):
            text += f".. autoclass:: budgetopt.{name}\n   :members:\n\n"
        else:
            text += f".. autofunction:: budgetopt.{name}\n\n"
    others = [name for name in getattr(module, "__all__", []) if name not in bo.__all__]
    if others:
        text += heading(f"Also in ``budgetopt.{room}``", "-")
        text += f"From ``budgetopt.{room}``; these may change in a minor version.\n\n"
        text += ".. list-table::\n   :widths: 30 70\n\n"
        for name in others:
            text += f"   * - ``{name}``\n     - {first_sentence(getattr(module, name))}\n"
    return text


def heading(title: str, line: str) -> str:
    """Return a heading of reStructuredText; Chinese characters take two columns."""
    return f"{title}\n{line * 2 * len(title)}\n\n"


def commands(command: Any, path: str = "budgetopt") -> Iterator[tuple[str, Any]]:
    """Yield every command with the words that call it."""
    for name, sub in command.commands.items():
        if hasattr(sub, "commands"):
            yield from commands(sub, f"{path} {name}")
        else:
            yield f"{path} {name}", sub


def command_page() -> str:
    """Return the page of the command line, from the tree that parses it."""
    text = "# Command line\n\n"
    text += "Every command has `--help`. An error is one paragraph on stderr, or one JSON object\n"
    text += "with `--format json`; its exit code is one of [these](errors.md).\n\n"
    for words, command in commands(command_line()):
        given = [param for param in command.params if param.param_type_name == "argument"]
        usage = " ".join([words, "[OPTIONS]", *map(written, given)])
        text += f"## {words}\n\n{in_cell(command.help)}\n\n```text\n{usage}\n```\n\n"
        text += "| | |\n|---|---|\n"
        for param in command.params:
            if param.name != "help":
                text += f"| {names_of(param)} | {in_cell(param.help)} |\n"
        text += "\n"
    return text


def written(argument: Any) -> str:
    """Return how an argument is written, brackets around what may be left out."""
    name = (argument.metavar or argument.name.upper()).strip("[]{}.")
    many = "..." if argument.nargs == -1 else ""
    return (name if argument.required else f"[{name}]") + many


def names_of(param: Any) -> str:
    """Return the names of an option, or how an argument is written."""
    if param.param_type_name == "argument":
        return f"`{written(param)}`"
    return ", ".join(f"`{one}`" for one in (*param.opts, *param.secondary_opts))


def in_cell(text: str | None) -> str:
    """Return text as one line of a table."""
    return " ".join((text or "").split()).replace("|", r"\|")


PLAN_HEAD = """# Plan file

A plan file is TOML or JSON. Only `currency`, `budget` and `channels` are required, and a misspelt
field is refused with the nearest one. `budgetopt schema` prints the JSON Schema that this page is
made from; [Plan](api/plan.rst) says at length what each field means, and
[Write a plan](../howto/plan.md) shows one.

## Plan
"""


def plan_page() -> str:
    """Return the page of the plan file, from the schema that ``budgetopt schema`` prints."""
    schema = whole_schema()
    text = PLAN_HEAD + field_rows(schema, schema, meanings(bo.Plan))
    for name, table in schema["$defs"].items():
        if "properties" in table:
            text += f"\n({anchor_of(name)})=\n## {title_of(name)}\n\n"
            said = meanings(class_of(title_of(name)))
            text += in_cell(table.get("description")) + "\n" + field_rows(table, schema, said)
    for name in ("scenarios", "contingencies", "cases"):
        items = schema["properties"][name]["items"]
        for table in items.get("oneOf", items.get("anyOf", [items])):
            kind = table["properties"].get("kind", {}).get("const")
            text += f"\n## {name}{f' of kind {kind}' if kind else ''}\n\n"
            said = meanings(bo.market.KINDS.get(kind))
            text += in_cell(table.get("description")) + "\n" + field_rows(table, schema, said)
    for name, kinds in (("limits", LIMITS), ("curve", bo.curves.KINDS)):
        for kind, declared in kinds.items():
            text += f"\n## {name} of kind {kind}\n\n{in_cell(first_sentence(declared))}\n\n"
            text += "| field | |\n|---|---|\n"
            said = meanings(declared)
            text += "".join(f"| `{field}` | {said[field]} |\n" for field in said)
    return text


def class_of(title: str) -> Any:
    """Return the class that a table of the plan file is read into; None where it has no name."""
    rooms = (bo.plan, bo.history, bo.curves, bo.calendar)
    return next((getattr(room, title) for room in rooms if hasattr(room, title)), None)


def meanings(declared: Any) -> dict[str, str]:
    """Return what the docstring of a class says of each of its parameters."""
    text = (inspect.getdoc(declared) or "") if declared is not None else ""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n---|\Z)", text, FULL)
    found: dict[str, str] = {}
    for names, said in re.findall(
        r"^(\w[\w, ]*)\n((?:    .*\n?|\n)+)", section[1] if section else "", re.M
    ):
        plain = re.sub(r":\w+:", "", in_cell(said)).replace("``", "`")
        found |= dict.fromkeys(names.split(", "), plain)
    return found


FULL = re.DOTALL | re.MULTILINE


def field_rows(table: dict[str, Any], schema: dict[str, Any], said: dict[str, str]) -> str:
    """Return the rows of one table of the plan file, with what is said of its fields."""
    text = "\n| field | takes | default | |\n|---|---|---|---|\n"
    for name, field in table["properties"].items():
        default = "required" if name in table.get("required", []) else ""
        given = field.get("default")
        if given not in (None, "", [], {}):
            default = f"`{str(given).lower() if isinstance(given, bool) else given}`"
        means = said.get("columns" if name == "history" else name, "")
        means = means or in_cell(field.get("description"))
        text += f"| `{name}` | {kind_of(field, schema)} | {default} | {means} |\n"
    return text


def kind_of(field: dict[str, Any], schema: dict[str, Any]) -> str:
    """Return what a field of the schema takes, in a few words."""
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[1]
        named = schema["$defs"][name]
        link = f"[{title_of(name)}](#{anchor_of(name)})"
        return link if "properties" in named else kind_of(named, schema)
    if "enum" in field:
        return ", ".join(f'`"{one}"`' for one in field["enum"])
    if "const" in field:
        return f'`"{field["const"]}"`'
    for many in ("anyOf", "oneOf"):
        if many in field:
            kinds = [kind_of(one, schema) for one in field[many] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    kind = field.get("type", "any")
    if isinstance(kind, list):
        each = (kind_of(field | {"type": one}, schema) for one in kind if one != "null")
        return " or ".join(each)
    if kind == "array":
        return f"list of {kind_of(field['items'], schema)}" if field.get("items") else "list"
    if kind == "object":
        values = field.get("additionalProperties")
        return f"table of {kind_of(values, schema)}" if isinstance(values, dict) else "table"
    plain = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    return plain.get(kind, str(kind))


def title_of(name: str) -> str:
    """Return the title of one of the schema's tables."""
    return name.removesuffix("File")


def anchor_of(name: str) -> str:
    """Return the anchor of one of the schema's tables."""
    return "plan-" + title_of(name).lower()


def error_page() -> str:
    """Return the page of errors, their codes and the exit codes."""
    text = "# Errors and exit codes\n\n"
    text += "Every error is a `BudgetoptError` with a stable `code`, the `field` it is about, the\n"
    text += "`value` and a `remedy`. Codes are never renamed.\n\n"
    text += "## Exit codes\n\n| exit | meaning |\n|---|---|\n"
    for code, said in re.findall(r"^(\d+) +(.*)$", cli.__doc__ or "", re.MULTILINE):
        text += f"| {code} | {said.replace('``', '`')} |\n"
    text += "\n## Classes\n\n| class | exit | what the caller can do |\n|---|---|---|\n"
    for name, what in REMEDIES.items():
        text += f"| `{name}` | {getattr(errors, name).exit_code} | {what} |\n"
    text += "\n## Codes\n\n| code | meaning |\n|---|---|\n"
    return text + "".join(f"| `{code}` | {said} |\n" for code, said in errors.CODES.items())


def licence_page() -> str:
    """Return the licences of what is installed with budgetopt, as the packages declare them."""
    text = "# Licences\n\nbudgetopt is under the MIT licence. What it needs, and what its extras\n"
    text += "install, declare:\n\n| package | for | licence |\n|---|---|---|\n"
    for line in requires("budgetopt") or []:
        name = re.split(r"[\s;<>=!\[(~]", line)[0]
        extra = re.search(r"extra == ['\"](\w+)", line)
        if name != "budgetopt" and (extra is None or extra[1] in USERS_EXTRAS):
            use = f"`budgetopt[{extra[1]}]`" if extra else "always"
            text += f"| {name} | {use} | {licence_of(name)} |\n"
    text += "\nOf these only psycopg, in the extra `sql`, is under the LGPL; it is imported, not\n"
    return text + "copied into budgetopt.\n"


USERS_EXTRAS = ("excel", "parquet", "sql", "report", "plot", "models", "cluster")


def licence_of(name: str) -> str:
    """Return the licence that an installed package declares."""
    try:
        declared = metadata(name)
    except PackageNotFoundError:
        return "not installed where this page was made"
    classes = [one for one in declared.get_all("Classifier", []) if one.startswith("License")]
    said = declared.get("License-Expression") or ", ".join(c.split(" :: ")[-1] for c in classes)
    return said or (declared.get("License") or "").split("\n")[0]


INDEX = """Reference
=========

Made from the package at every build: nothing here is written by hand.

.. toctree::
   :caption: Files, commands, errors
   :maxdepth: 1

   cli
   plan
   errors
   changelog

.. toctree::
   :caption: Python
   :maxdepth: 2

"""


def pages() -> dict[str, str]:
    """Return the pages of the reference by their path below ``reference``."""
    rooms = menu() | {"report": []}
    made = {f"api/{room}.rst": api_page(room, names) for room, names in rooms.items()}
    made["index.rst"] = INDEX + "".join(f"   {path.removesuffix('.rst')}\n" for path in made)
    made["cli.md"], made["plan.md"] = command_page(), plan_page()
    made["errors.md"], made["licences.md"] = error_page(), licence_page()
    made["changelog.md"] = (DOCS.parent / "CHANGELOG.md").read_text("utf-8")
    return made


def write(folder: Path = DOCS / "reference") -> None:
    """Write the pages that differ from what is there."""
    for path, text in pages().items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
