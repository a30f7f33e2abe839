"""Pages as one HTML file each: what stands on a page, and how it becomes a file.

A `Page` is a verdict and sections; a part of a section is a sentence, a `Table`, `Points`, a chart,
a `Grid` of charts, or a `Slider`. Sentences are messages, said in the page's language when they are
written; whatever a user named is escaped on its way out, so that no name is markup, a script, or a
mark of direction. The page asks no address for anything, and says so to the browser by its content
security policy.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from budgetopt.i18n import begun, in_language, missing_extra, say
from budgetopt.report.charts import HEIGHT, PALETTE, WIDTH, Bars, Lines, Stack
from budgetopt.report.text import Table
from budgetopt.untrusted import escaped


@dataclass(frozen=True)
class Points:
    """Sentences of which each stands for itself; those that warn are marked."""

    lines: Sequence[str]
    warns: bool = False


@dataclass(frozen=True)
class Slider:
    """A choice of budget along a frontier, above the tables that it chooses from.

    Parameters
    ----------
    label, heading
        What is chosen, and what stands over the splits.
    chart
        What the budgets bring.
    budgets
        One row a budget.
    splits
        One column a budget, after the names, as many side by side as a sheet of paper has room for.
    start
        The budget that is chosen first, by its position.
    """

    label: str
    heading: str
    chart: Lines
    budgets: Table
    splits: Sequence[Table]
    start: int


@dataclass(frozen=True)
class Grid:
    """Charts side by side, as many as the page has room for."""

    charts: Sequence[Lines]


Part = str | Table | Points | Lines | Stack | Bars | Slider | Grid
_MACROS: dict[type, str] = {
    Table: "table",
    Points: "points",
    Lines: "plot",
    Stack: "plot",
    Bars: "bars",
    Slider: "slider",
    Grid: "grid_of",
}


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Page:
    """What stands on a page.

    Parameters
    ----------
    title
        Its heading.
    verdict
        One sentence for those who read no further.
    sections
        What follows; those without parts are left out.
    source
        What it was made from, at its end.
    """

    title: str
    verdict: str
    sections: Sequence[Section]
    source: str


_TAGS = {"en": "en", "zh": "zh-CN"}


def to_html(page: Page, language: str = "en") -> str:
    """Return a page as one HTML file that needs nothing else.

    Raises
    ------
    InputError
        ``missing-extra`` where Jinja2 is not installed; ``bad-argument`` for an unknown language.
    """
    in_language(page.title, language)
    template = _environment(language).get_template("page.html")
    kept = Page(page.title, page.verdict, [s for s in page.sections if any(s.parts)], page.source)
    return str(template.render(page=kept)) + "\n"


@cache
def _environment(language: str) -> Any:
    """Return the templates, with what they are said in."""
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise missing_extra(say("an-html-page"), "Jinja2", "report", "out") from None

    def shown(value: Any) -> Any:
        plain = isinstance(value, str) and not isinstance(value, Markup)
        return _isolated(escaped(in_language(value, language))) if plain else value

    env = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    script = _text("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    env.filters["begun"] = lambda text: begun(text, language)
    env.globals |= {
        "words": {"contents": say("contents"), "figures": say("figures")},
        "kind": lambda part: _MACROS.get(type(part), "sentence"),
        "style": Markup(_text("page.css")),
        "script": Markup(script),
        "script_hash": f"sha256-{digest}",
        "language_tag": _TAGS[language],
        "width": int(WIDTH),
        "height": int(HEIGHT),
        "palette": PALETTE,
    }
    env.globals["blocks"] = _Blocks(env.get_template("blocks.html").module)
    return env


_FROM_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufefc]+(?:\\s+[\u0590-\u08ff\ufb1d-\ufefc]+)*")


def _isolated(text: str) -> str:
    """Return a text in which names written from right to left leave what stands beside in place.

    With the isolates of the Unicode bidirectional algorithm (UAX 9, section 2.4); a name alone
    needs none.
    """
    if _FROM_RIGHT.fullmatch(text):
        return text
    return _FROM_RIGHT.sub("\u2068\\g<0>\u2069", text)


class _Blocks:
    """The macros by name."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getitem__(self, name: str) -> Any:
        return getattr(self._module, name)


@cache
def _text(name: str) -> str:
    """Return the text of a file of this room."""
    return files("budgetopt.report").joinpath("templates", name).read_text("utf-8")
