"""Every number of a page, claimed one by one: a number that nobody recomputes is left over.

A claim names a table or a sentence and says what must stand there; it fails where the page says
otherwise, and takes what it held off the page. `Claims.left` is what nobody claimed. Charts are
held against the tables of their figures, which are claimed like any other. Nothing here calls the
code that makes pages.
"""

import math
import re
from decimal import Decimal
from fractions import Fraction

from .parsed import Parsed, number

NUMBER = r"[+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?"
EXEMPT = {
    r"budgetopt \d+\.\d+\.\d+": "the version, which nothing is computed from",
}
"""What no claim is asked for, and why; the ticks of axes are held by `test_charts`."""


class Summed:
    """Parts and their sum, each rounded by up to one of its last digit so that they add up."""

    def __init__(self, *values):
        self.values = values


class Known:
    """A column of figures to the second digit of the narrowest range from a low to a high end."""

    def __init__(self, values, low, high):
        self.values, narrowest = values, min(b - a for a, b in zip(low, high, strict=True))
        # The first digit of the least is kept.
        powers = math.floor(math.log10(narrowest)) - 1, math.floor(math.log10(min(low)))
        self.place = 10.0 ** min(powers)


class Percent:
    """A share in percent, shown to so many places."""

    def __init__(self, share, places=1):
        self.share, self.places = share, places


class Cents:
    """Exact money that days share, which the page rounds by the day: within a cent of it."""

    def __init__(self, exact):
        self.exact = exact


NUMBERS = (Decimal, int, float, Cents, Percent)


class Each(tuple):
    """A column of figures of different kinds, each to its own digits."""

    __slots__ = ()


class Form:
    """A sentence, or what one cell says: ``{}`` stands for a value, in the order given.

    Numbers are compared; all else is part of the sentence.
    """

    def __init__(self, template, *values):
        self.numbers = [v for v in values if isinstance(v, NUMBERS)]
        given, self.pattern = iter(values), ""
        for part in re.split(r"(\{\})", template):
            value = next(given) if part == "{}" else part
            held = f"({NUMBER}{'%' * isinstance(value, Percent)})"
            self.pattern += held if isinstance(value, NUMBERS) else re.escape(str(value))
        # A sentence may stand at the beginning of a line, and has a capital there.
        self.pattern = re.sub("^[a-z]", r"(?i:\g<0>)", self.pattern)

    def agrees(self, text):
        """Say whether a text is the sentence."""
        found = re.fullmatch(self.pattern, text)
        return found is not None and self.holds(found)

    def holds(self, found):
        """Say whether the numbers of a match are the values."""
        pairs = zip(found.groups(), self.numbers, strict=True)
        return all(agrees(text, value) for text, value in pairs)


def place_of(text):
    """Return the unit of the last digit that is known, at most that of the second digit."""
    shown = number(text)
    digits, exponent = shown.as_tuple().digits, shown.as_tuple().exponent
    if exponent < 0 or "e" in text:
        return 10.0**exponent
    zeros = len(str(shown)) - len(str(shown).rstrip("0"))
    return 10.0 ** max(0, min(zeros, len(digits) - 2))


def agrees(text, value):
    """Return whether a text shows a value: money and counts exactly, figures to their digits."""
    if isinstance(value, Form):
        return value.agrees(text)
    if isinstance(value, Percent):
        if not text.endswith("%"):
            return False
        text, of = text.rstrip("%"), 100 * float(value.share)
        return abs(float(number(text)) - of) <= 0.501 * 10.0**-value.places
    if isinstance(value, Cents):
        return abs(Fraction(number(text)) - Fraction(value.exact)) <= Fraction("0.01")
    if isinstance(value, Decimal | int):
        return number(text) == value
    return abs(float(number(text)) - value) <= 0.501 * place_of(text) + 1e-9 * abs(value)


class Claims:
    """The texts and tables of a page, from which claims take what they hold."""

    def __init__(self, html):
        page = self.page = Parsed(html)
        self.texts = [[text.section, " ".join(text.text.split())] for text in page.texts]
        # A table of a chart is in its figure, a bar in its list: both are among the tables.
        self.cells = [[list(row) for row in table.rows] for table in page.tables]
        for chart in page.charts:
            self._draws(chart)

    def _draws(self, chart):
        """Hold what a chart shows on hover and below it against the table of its figures."""
        heads, *rows = page_rows = chart.table.rows
        assert len(chart.hovers) == len(rows), page_rows
        for hover, (label, *cells) in zip(chart.hovers, rows, strict=True):
            lines = [f"{h} {c}" for h, c in zip(heads[1:], cells, strict=True) if c]
            assert hover.split() == " ".join([label, *lines]).split()
        names = [row[0].partition(" · ")[0] for row in rows]
        assert set(chart.labels) <= set(names)
        assert (chart.labels[0], chart.labels[-1]) == (names[0], names[-1])

    def says(self, template, *values):
        """Take every sentence of a form off the page whose numbers are the values.

        ``{}`` stands for each value. There is one at least; one with other numbers stays.
        """
        form, count = Form(template, *values), 0
        for one in self.texts:
            for found in re.finditer(form.pattern, one[1]):
                if form.holds(found):
                    one[1], count = one[1].replace(found[0], "·"), count + 1
        assert count, f"nothing says {template!r} with {values}: {self.left()}"

    def table(self, section, at, heads, names, *columns):
        """Hold a table: its heads, the names of its rows, and each column after them."""
        tables = [n for n, table in enumerate(self.page.tables) if table.section == section]
        assert tables, f"no table in {section!r}"
        cells = self.cells[tables[at]]
        assert cells[0] == list(heads), (cells[0], heads)
        rows = cells[1:]
        assert [row[0] for row in rows] == list(names)
        for number_of, values in enumerate(columns, start=1):
            self._column([row[number_of] for row in rows], values)
        assert all(len(row) == len(columns) + 1 for row in cells)
        self.cells[tables[at]] = []

    def _column(self, texts, values):
        steps = 0.501
        if isinstance(values, Summed):
            values, steps = values.values, 1.002
            assert number(texts[-1]) == sum(number(text) for text in texts[:-1]), texts
        if isinstance(values, Known):
            values, known_to = values.values, values.place
            pairs = list(zip(texts, values, strict=True))
            assert all(abs(float(number(t)) - v) <= 0.501 * known_to for t, v in pairs), pairs
            assert all(abs(float(number(t)) / known_to % 1 - 0.5) > 0.499 for t in texts), texts
            return
        assert len(texts) == len(values), texts
        figures = []
        for text, value in zip(texts, values, strict=True):
            if value is None or isinstance(value, str):
                assert text in (("", "-") if value is None else (value,)), (text, value)
            elif isinstance(value, float) and not isinstance(values, Each):
                figures.append((text, value))
            else:
                assert agrees(text, value), (texts, text, value)
        known = [text for text, value in figures if value and number(text)]
        # Of one column all have one place, which the least round of them shows.
        place = min(map(place_of, known), default=1.0)
        assert place <= max((abs(v) for _, v in figures), default=0.0) / 9 or not known, texts
        for text, value in figures:
            assert abs(float(number(text)) - value) <= steps * place + 1e-9 * abs(value), (
                texts, text, value, place)  # fmt: skip

    def bars(self, wanted):
        """Hold what stands beside the bars of a page, by name."""
        assert self.page.bars_by_name().keys() == wanted.keys()
        for name, values in wanted.items():
            texts = [text for dt, text in self.page.bars_texts() if dt == name]
            assert len(texts) == len(values), (name, texts)
            assert all(map(agrees, texts, values)), (name, texts, values)
        pairs = zip(self.texts, self.page.texts, strict=True)
        self.texts = [one for one, text in pairs if text.tag not in ("dt", "dd")]

    def left(self):
        """Return every text with a number that nobody claimed."""
        rest = [(section, text) for section, text in self.texts]
        rest += [("", cell) for rows in self.cells for row in rows for cell in row]
        for pattern in EXEMPT:
            rest = [(section, re.sub(pattern, "", text)) for section, text in rest]
        return [one for one in rest if re.search(r"\d", one[1])]
