"""``budgetopt show``: one week of a ledger."""

from __future__ import annotations

from typing import Annotated

import typer

from budgetopt.cli.files import answer
from budgetopt.cli.on_ledger import LedgerPath, WeekDay, open_ledger, week_entries
from budgetopt.cli.options import Form, FormOption, Language, LanguageOption, OutPath
from budgetopt.operation.state import fold
from budgetopt.report.operation.ledger import entries_json, revision_of, show_table


def show(
    ledger: LedgerPath,
    week: WeekDay,
    revision: Annotated[
        int | None, typer.Option(metavar="N", help="Revision to show; default: the newest.")
    ] = None,
    format: FormOption = Form.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Show what a ledger holds of a week: who did what when, and the split of a revision."""
    with open_ledger(ledger) as found:
        start, entries = week_entries(found, week)
    chosen = revision_of(entries, revision)
    if format is Form.json:
        kept = entries if revision is None else [e for e in entries if e.revision == revision]
        answer(entries_json(kept), out)
    else:
        answer(show_table(fold(start, entries), entries, chosen, lang), out)
