"""Are we on pace, and what do the reserves hold: spans, channels and warning lines as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from budgetopt.money import show_amount as show
from budgetopt.operation.pacing import Line, Pace, Paced, Warned
from budgetopt.operation.reserve import Balances
from budgetopt.plan.reserve import KINDS
from budgetopt.report.layout import amounts, said, table
from budgetopt.words import Sentence, in_language, say

_SPANS = {
    "week": "week of {label}",
    "period": "period {label}",
    "phase": "phase {label}",
    "campaign": "campaign {label}",
}
_STATUS = {
    "ahead": say("ahead"),
    "on": say("on pace"),
    "behind": say("behind"),
    "unseen": say("no data yet"),
    "not-begun": say("not begun"),
}
_HEADINGS = (
    say("planned"),
    say("spent"),
    say("projected"),
    say("pace"),
    say("a day left"),
    say("status"),
)


def pace_table(pace: Pace, balances: Balances | None = None, language: str = "en") -> str:
    """Return a pace as text: the spans, the channels of the week, warning lines and reserves.

    Parameters
    ----------
    pace
        The pace.
    balances
        What the reserves hold; None to leave them out.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    title = say("Pace on {day}, {currency}", day=str(pace.today), currency=pace.currency)
    lines = [
        said(title, language),
        spans_table(pace, language),
        "",
        said(say("{span}, by channel", span=span_of(pace.week)), language),
        _lines_table(
            say("channel"), [line.channel for line in pace.week.lines], pace.week.lines, language
        ),
    ]
    warned = list(warnings(pace.spans))
    lines += [""] * bool(warned) + [said(one, language) for one in warned]
    if balances is not None and holds_any(balances):
        lines += ["", said(reserves(balances), language)]
    return "\n".join(lines)


def spans_table(pace: Pace, language: str = "en", *, daily: bool = True) -> str:
    """Return the totals of every span, one a line.

    Parameters
    ----------
    pace
        The pace.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    daily
        Whether the money a day that ends at the plan is shown.
    """
    names = [in_language(span_of(span), language) for span in pace.spans]
    lines = [span.total for span in pace.spans]
    return _lines_table(say("span"), names, lines, language, daily=daily)


def span_of(span: Paced) -> Sentence:
    """Return how a span is called."""
    return say(_SPANS[span.kind], label=span.label)


def holds_any(balances: Balances) -> bool:
    """Return whether any reserve has held money in the period."""
    return any(getattr(balances, kind).built for kind in KINDS)


def reserves(balances: Balances) -> Sentence:
    """Return what the three reserves hold in a sentence."""
    accounts = {kind: getattr(balances, kind) for kind in KINDS}
    left = {kind: show(account.balance) for kind, account in accounts.items()}
    built = {f"{kind}_built": show(account.built) for kind, account in accounts.items()}
    return say(
        "Reserves of {period}: contingency {contingency} of {contingency_built}, test {test} of "
        "{test_built}, holdout {holdout} of {holdout_built}.",
        period=balances.period.label,
        **left,
        **built,
    )


def warnings(spans: Iterable[Paced]) -> Iterable[Sentence]:
    """Yield the highest warning line of every span that is reached, or will be before its day."""
    for span in spans:
        found = [line for line in span.warned if line.reached or line.early]
        if found:
            yield _warning(span, found[-1])


def _warning(span: Paced, line: Warned) -> Sentence:
    values = {
        "span": span_of(span),
        "share": f"{100 * line.share:.4g}%",
        "amount": show(line.amount),
        "budget": show(span.spendable),
        "day": str(line.day),
    }
    if line.planned_day is None:
        return say(
            "{span}: {share} of the budget of {budget} without reserve ({amount}) is spent by "
            "{day}; the plan does not reach it.",
            **values,
        )
    values["planned"] = str(line.planned_day)
    return say(
        "{span}: {share} of the budget of {budget} without reserve ({amount}) is spent by {day}; "
        "by the plan on {planned}.",
        **values,
    )


def _lines_table(
    first: str, names: Sequence[str], lines: Sequence[Line], language: str, *, daily: bool = True
) -> str:
    headings = [in_language(heading, language) for heading in (first, *_HEADINGS)]
    money: tuple[list[Decimal | None], ...] = (
        [line.planned for line in lines],
        [None if line.status == "unseen" else line.actual for line in lines],
        [line.projection for line in lines],
    )
    columns = (
        list(names),
        *map(amounts, money),
        ["" if line.pace is None else f"{line.pace:.1%}" for line in lines],
        amounts([line.catch_up if daily else None for line in lines]),
        [in_language(_STATUS[line.status], language) for line in lines],
    )
    return table(headings, columns, words=headings[-1])


def released_lines(left: Balances, language: str = "en") -> list[str]:
    """Return what the reserves hold after a release, and what is next."""
    following = say("Next: run the week, or run it again: the money is in its budget then.")
    return [said(line, language) for line in (reserves(left), following)]
