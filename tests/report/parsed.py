"""What stands in a page: its tables, bars and sentences, read back from the HTML."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br"}
BLOCKS = {"title", "p", "li", "h1", "h2", "figcaption", "dt", "dd", "summary", "label", "output"}
"""Elements whose text is read as one."""


@dataclass
class Text:
    """What one element says, the name of the section it stands in."""

    section: str
    tag: str
    text: str = ""


@dataclass
class Table:
    """Cells as text, the heads first; the name of the section it stands in."""

    section: str
    rows: list = field(default_factory=list)

    @property
    def heads(self):
        return self.rows[0]

    def column(self, head):
        """Return a column by row name."""
        at = self.heads.index(head)
        return {row[0]: row[at] for row in self.rows[1:]}


@dataclass
class Chart:
    """What a chart shows on hover and below it, and the table of its figures."""

    hovers: list = field(default_factory=list)
    labels: list = field(default_factory=list)
    table: Table | None = None


class Parsed(HTMLParser):
    """A page, read without a browser."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tables, self.sections = [], [], {}
        self.section, self.cell, self.titles = "", None, []
        self.tags, self.verdict, self.bars = [], "", []
        self.texts, self.charts = [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))
        if tag == "h2":
            self.section = ""
        if tag == "table":
            self.tables.append(Table(self.section))
        if tag == "tr":
            self.tables[-1].rows.append([])
        if tag in ("td", "th"):
            self.tables[-1].rows[-1].append("")
        if tag in ("dt", "dd"):
            self.bars.append([tag, ""])
        self.start_chart(tag, dict(attrs))
        if tag in BLOCKS and not self.within("svg"):
            self.texts.append(Text(self.section, tag))
        if "aria-label" in dict(attrs):
            self.texts.append(Text(self.section, "aria-label", dict(attrs)["aria-label"]))

    def start_chart(self, tag, attrs):
        """Take up a chart, what it shows of each label, and the table that follows it."""
        if attrs.get("class") == "plot":
            self.charts.append(Chart())
        if tag == "title" and self.within("svg"):
            self.charts[-1].hovers.append("")
        if tag == "span" and self.within(**{"class": "labels"}):
            self.charts[-1].labels.append("")
        if tag == "table" and self.within("details"):
            self.charts[-1].table = self.tables[-1]

    def within(self, wanted="", **has):
        """Return whether an element is open by its tag or by an attribute."""
        return any(
            tag == wanted or any(attrs.get(k) == v for k, v in has.items())
            for tag, attrs in self.open
        )

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        last, _ = self.open.pop()
        assert last == tag, f"</{tag}> closes <{last}>"

    def handle_data(self, data):
        tags = [tag for tag, _ in self.open]
        if not tags or tags[-1] in ("style", "script"):
            return
        if tags[-1] == "title" and "svg" in tags:
            self.charts[-1].hovers[-1] += data
        elif self.within(**{"class": "labels"}) and tags[-1] == "span":
            self.charts[-1].labels[-1] += data
        elif BLOCKS & {*tags}:
            self.texts[-1].text += data
        elif data.strip() and not {"td", "th"} & {*tags} and not self.within(**{"class": "ticks"}):
            self.texts.append(Text(self.section, "loose", data))
        if "h2" in tags:
            self.section += data
        if "td" in tags or "th" in tags:
            self.tables[-1].rows[-1][-1] += data
        if any(attrs.get("class") == "verdict" for _, attrs in self.open):
            self.verdict += data
        if "dt" in tags or "dd" in tags:
            self.bars[-1][1] += data
        self.sections[self.section] = self.sections.get(self.section, "") + data

    @property
    def text(self):
        return "".join(self.sections.values())

    def table(self, section, at=0):
        """Return a table of a section."""
        return [t for t in self.tables if t.section == section][at]

    def bars_texts(self):
        """Return each text beside a bar with the name of its row."""
        found, name = [], ""
        for tag, text in self.bars:
            if tag == "dt":
                name = text
            else:
                found.append((name, text))
        return found

    def bars_by_name(self):
        """Return the numbers beside the bars, by name."""
        found = {}
        for name, text in self.bars_texts():
            found.setdefault(name, []).append(number(text))
        return found


def number(text):
    """Return the number that a cell or the end of a text shows, None where it is empty."""
    shown = re.search(r"[+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?", text)
    return None if shown is None else Decimal(shown[0].replace(",", ""))


def shows(text, value):
    """Return whether a text is a number rounded to the digits that it shows, at least two."""
    shown = number(text)
    digits = len(shown.as_tuple().digits)
    places = -shown.as_tuple().exponent
    if places <= 0:
        # An integer may be rounded to tens or hundreds.
        places = len(str(shown).rstrip("0")) - len(str(shown))
    half = 0.5 * 10.0**-places
    return digits > 1 and abs(float(shown) - float(value)) <= half * (1 + 1e-9)
