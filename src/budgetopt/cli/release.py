"""``budgetopt release``: contingency is released by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from budgetopt.cli.files import answer, today
from budgetopt.cli.on_ledger import LedgerPath, Reason, Who, login, open_ledger
from budgetopt.cli.options import Form, FormOption, Language, LanguageOption, PlanPath
from budgetopt.operation.release import release as release_money
from budgetopt.plan import Plan
from budgetopt.report.operation.ledger import as_json
from budgetopt.report.operation.pace import released_lines


def release(
    plan: PlanPath,
    ledger: LedgerPath,
    amount: Annotated[str, typer.Option(metavar="AMOUNT", help="Money, at most the balance.")],
    why: Reason,
    week: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="A day of the week that may spend it; default: the next to begin."
        ),
    ] = None,
    who: Who = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="Day of the release; default: today.")
    ] = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Release money of the contingency reserve for one week, with a reason; run the week after."""
    declared = Plan.load(plan)
    day = today(as_of)
    with open_ledger(ledger) as found:
        left = release_money(found, declared, amount, who=login(who), why=why, today=day, week=week)
    if format is Form.json:
        answer(as_json(left.to_dict()), None)
    else:
        answer("\n".join(released_lines(left, lang)), None)
