"""What stands in a page: its tables, bars and sentences, read back from the HTML."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br"}


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


class Parsed(HTMLParser):
    """A page, read without a browser."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tables, self.sections = [], [], {}
        self.section, self.cell, self.titles = "", None, []
        self.tags, self.verdict, self.bars = [], "", []
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

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        last, _ = self.open.pop()
        assert last == tag, f"</{tag}> closes <{last}>"

    def handle_data(self, data):
        tags = [tag for tag, _ in self.open]
        if not tags or tags[-1] in ("style", "script"):
            return
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

    def bars_by_name(self):
        """Return the texts beside the bars, by name."""
        found = {}
        for tag, text in self.bars:
            if tag == "dt":
                name = text
                found[name] = []
            else:
                found[name].append(number(text))
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
