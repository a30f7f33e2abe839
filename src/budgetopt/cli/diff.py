"""``budgetopt diff``: what changed in a week of a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from budgetopt.cli.files import answer
from budgetopt.cli.on_ledger import LedgerPath, WeekDay, open_ledger, week_entries
from budgetopt.cli.options import Form, FormOption, Language, LanguageOption, OutPath
from budgetopt.errors import InputError
from budgetopt.ledger import Entry
from budgetopt.operation.state import fold
from budgetopt.report.operation.diff import diff_json, diff_table, stages
from budgetopt.report.operation.ledger import Spends, reasons_of, revision_of, spend_of


def diff(
    ledger: LedgerPath,
    week: WeekDay,
    from_: Annotated[
        int | None,
        typer.Option("--from", metavar="N", help="A revision; default: the one before --to."),
    ] = None,
    to: Annotated[
        int | None, typer.Option("--to", metavar="N", help="A later one; default: the newest.")
    ] = None,
    format: FormOption = Form.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Show what differs between proposed, edited, applied and actual, or between two revisions."""
    with open_ledger(ledger) as found:
        start, entries = week_entries(found, week)
    state, notes = fold(start, entries), tuple[str, ...]()
    splits = stages(state) if from_ is None and to is None else {}
    # Before anything is edited or applied, what differs is between revisions.
    if not splits or (len(splits) == 1 and state.revision > 1):
        splits, notes = _revisions(entries, from_, to)
    if format is Form.json:
        answer(diff_json(splits, notes), out)
    else:
        answer(diff_table(splits, notes, lang), out)


def _revisions(
    entries: Sequence[Entry], first: int | None, last: int | None
) -> tuple[dict[str, Spends], tuple[str, ...]]:
    """Return the splits of two revisions by number, and why those after the first were made."""
    later = revision_of(entries, last)
    earlier = revision_of(entries, later.revision - 1 if first is None else first)
    if earlier.revision > later.revision:
        raise InputError(
            "bad-argument",
            f"--from {earlier.revision} is later than --to {later.revision}",
            field="from",
            value=earlier.revision,
            remedy=f"give --from {later.revision} --to {earlier.revision}",
        )
    splits = {str(each.revision): spend_of(each) for each in (earlier, later)}
    numbers = range(earlier.revision + 1, later.revision + 1)
    made = (revision_of(entries, number) for number in numbers)
    return splits, tuple(reason for each in made for reason in reasons_of(each))
