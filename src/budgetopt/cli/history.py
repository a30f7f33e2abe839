"""``budgetopt history``: the weeks of a ledger and where each stands."""

from __future__ import annotations

from budgetopt.cli.files import answer
from budgetopt.cli.on_ledger import LedgerPath, open_ledger
from budgetopt.cli.options import Form, FormOption, Language, LanguageOption, OutPath
from budgetopt.operation.state import states_of
from budgetopt.report.operation.ledger import history_json, history_table


def history(
    ledger: LedgerPath,
    format: FormOption = Form.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """List the weeks of a ledger: planned, applied, actually spent, and what that brought."""
    with open_ledger(ledger) as found:
        states, head = states_of(found), found.head
    if format is Form.json:
        answer(history_json(states, head), out)
    else:
        answer(history_table(states, head, lang), out)
