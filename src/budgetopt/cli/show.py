"""``budgetopt show``: one week of a ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from budgetopt import report
from budgetopt.cli.files import answer
from budgetopt.cli.on_ledger import LedgerPath, WeekDay, open_ledger, week_entries
from budgetopt.cli.options import Format, FormatOption, Language, LanguageOption, OutPath
from budgetopt.operation.propose import decision_of
from budgetopt.operation.state import fold
from budgetopt.report.operation.ledger import entries_json, revision_of
from budgetopt.report.operation.show import applied_csv, show_table


def show(
    ledger: LedgerPath,
    week: WeekDay,
    revision: Annotated[
        int | None, typer.Option(metavar="N", help="Revision to show; default: the newest.")
    ] = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Show what a ledger holds of a week: who did what when, and the split of a revision.

    As CSV it is the split alone, a table that edit and apply take by --spends. Once the week is
    applied, that is what was applied, beside what was approved and what was really spent; with
    --revision it is the split of the revision.
    """
    with open_ledger(ledger) as found:
        start, entries = week_entries(found, week)
    chosen = revision_of(entries, revision)
    kept = [e for e in entries if revision in (None, e.revision)]
    state = fold(start, entries)
    done = state.over and revision is None
    texts: dict[Format, Callable[[], str]] = {
        Format.table: lambda: show_table(state, entries, chosen, lang),
        Format.json: lambda: entries_json(kept),
        Format.csv: lambda: (
            applied_csv(state) if done else report.decision_csv(decision_of(chosen.data))
        ),
    }
    answer(texts[format](), out)
