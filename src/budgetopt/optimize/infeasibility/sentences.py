"""A clash as plain data and in words; the words are made from the data, last."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from budgetopt.errors import InfeasibleError
from budgetopt.i18n import listed, say, show_bound, show_figure
from budgetopt.messages import Message, linked
from budgetopt.money import number_text, show_amount, sum_minor
from budgetopt.optimize.infeasibility.declarations import (
    Clash,
    Declaration,
    Declarations,
    LimitChange,
    Reach,
)
from budgetopt.optimize.problem import Problem
from budgetopt.plan import FAR, Row, shifted

SHOWN = 8
"""So many limits are named in a sentence; the data hold them all."""
_FIELDS = {"lock": "locked", "max-change": "max_change", "off-or-at-least": "off_or_at_least"}
_ROW_FIELDS = {"budget": "budget", "spend-all": "spend", "target": "goal.target"}
_SAID = {
    "floor": ("floor-of", "lower-floor"),
    "cap": ("cap-of", "raise-cap"),
    "lock": ("lock-of", "raise-lock"),
    "max-change": ("max-change-between", "allow-larger-move"),
    "off-or-at-least": ("off-or-at-least", "lower-off-or-at-least"),
    "lot": ("lot-of", "lower-lot"),
    "step": ("money-steps", "take-steps"),
    "mroas": ("mroas-limit", "lower-until-room"),
}
"""What is declared by channel: what it is called, and how it is changed."""


def error(problem: Problem, clash: Clash) -> InfeasibleError:
    """Return the error of a clash."""
    words = _Words(problem)
    limits = [words.limit(part) for part in clash.parts]
    remedies = [[words.change(change) for change in way] for way in clash.ways]
    code = _code(clash, words.declared)
    ways = [linked("also", [change["text"] for change in way]) for way in remedies[:2]]
    named = _named(clash, code, limits, words)
    return InfeasibleError(
        code,
        named if clash.irreducible else say("perhaps-fewer", clash=named),
        field=_field(code, limits, remedies),
        value="; ".join(limit["text"] for limit in limits),
        remedy=linked("one-way-or-other", ways) if ways else say("drop-one-limit"),
        limits=limits,
        remedies=remedies,
        irreducible=clash.irreducible,
    )


def _code(clash: Clash, declared: Declarations) -> str:
    """Return the code that fits what clashes."""
    rows = {declared.rows[part.at].kind for part in clash.parts if part.kind == "row"}
    kinds = {part.kind for part in clash.parts} - {"row"}
    if any(declared.is_target(part) for part in clash.parts):
        return "target-out-of-reach"
    if not rows:
        return "no-step-in-bounds" if kinds & {"step", "lot"} else "bounds-clash"
    if rows == {"budget"} and not kinds & {"cap", "mroas", "off-or-at-least"}:
        return "floors-above-budget"
    if "spend-all" in rows and rows <= {"budget", "spend-all"}:
        return "cannot-spend-all"
    return "limits-clash"


def _named(clash: Clash, code: str, limits: list[dict[str, Any]], words: _Words) -> Message:
    """Return the clause that names what clashes."""
    texts, problem = [limit["text"] for limit in limits], words.problem
    if clash.reach is not None:
        first = next(n for n, part in enumerate(clash.parts) if words.declared.is_target(part))
        target, best = texts.pop(first), words.best(clash.parts[first], clash.reach)
        if not texts:
            return say("target-reach", target=target, best=best)
        return say("target-clashes", target=target, best=best, others=listed(texts, SHOWN))
    others = [each["text"] for each in limits if each["kind"] not in ("budget", "spend-all")]
    if code == "floors-above-budget":
        least, named = (
            sum_minor(words.declared.system(kept).ends[0])
            for kept in (words.declared.all, clash.parts)
        )
        return say(
            # What clashes by itself may be a part of what must be spent.
            "minimum-above-budget" if named == least else "minimum-above-budget-already",
            least=words.show(least),
            over=words.show(least - problem.budget),
            budget=words.budget,
            limits=listed(others, SHOWN),
        )
    left = [c.by for (c, *_) in clash.ways if words.declared.kind(c.declaration) == "spend-all"]
    if code == "cannot-spend-all" and left:
        return say(
            "budget-above-limits",
            budget=words.budget,
            most=words.show(problem.budget - int(left[0] * problem.money.units)),
            limits=listed(others, SHOWN),
        )
    return say("limits-clash", limits=listed(texts, SHOWN))


def _field(code: str, limits: list[dict[str, Any]], remedies: list[list[dict[str, Any]]]) -> str:
    """Return the dotted name of the limit to change first."""
    by_code = {"floors-above-budget": "budget", "cannot-spend-all": "spend"}
    if code == "target-out-of-reach":
        return next(str(one["field"]) for one in reversed(limits))
    first = remedies[0][0] if remedies else limits[0]
    return by_code.get(code) or str(first["field"])


class _Words:
    """Declarations and changes as data, with their texts."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.declared = problem, Declarations(problem)
        self.show, self.money = problem.money.show, problem.money
        whole, spendable = self.declared.budget, problem.budget
        self.budget = say("budget-of", amount=self.show(whole))
        if whole > spendable:
            held = self.show(whole - spendable)
            self.budget = say("budget-less-reserve", budget=self.show(whole), held=held)

    def limit(self, part: Declaration) -> dict[str, Any]:
        """Return a declaration as plain data."""
        row = part.kind == "row"
        amount, text = self._row(self.declared.rows[part.at]) if row else self._amount(part)
        amounts = {} if amount is None else {"amount": amount}
        return {**self._name(part), **amounts, "text": text}

    def change(self, change: LimitChange) -> dict[str, Any]:
        """Return a change as plain data."""
        part, unit, scale = change.declaration, self.money.code, Fraction(1, self.money.units)
        if part.kind == "row":
            row, scale = self.declared.rows[part.at], Fraction(1)
            unit = self.money.code if row.unit == "money" else row.unit
            if row.base is not None:
                unit, scale = "%", Fraction(100)
            elif row.counts:
                unit = "channels"
            elif row.kind == "budget":
                change = self._of_budget(change)
            text = self._row_change(row, change)
        else:
            text = self._text_of_change(change)
        by, to = (_exact(number * scale) for number in (change.by, change.to))
        return {**self._name(part), "by": by, "to": to, "unit": unit, "text": text}

    def _of_budget(self, change: LimitChange) -> LimitChange:
        """Return how the budget is to be declared, reserve included."""
        after = self.declared.budget_leaving(int(change.to * self.money.units)) or 0
        by = after - self.declared.budget
        return change._replace(
            by=Fraction(by, self.money.units), to=Fraction(after, self.money.units)
        )

    def _name(self, part: Declaration) -> dict[str, Any]:
        """Return kind, name and field of a declaration."""
        kind, name = self.declared.kind(part), self.declared.name(part)
        if part.kind in ("row", "mroas"):
            field = _ROW_FIELDS.get(kind, f"limits.{name}")
        else:
            field = name if kind == "step" else f"channels.{name}.{_FIELDS.get(kind, kind)}"
        return {"kind": kind, "name": name, "field": field}

    def _row(self, row: Row) -> tuple[str | None, str]:
        """Return what a row allows in decimal text, and what it is called with it."""
        if row.kind == "budget":
            return str(self.money.amount(self.declared.budget)), self.budget
        if row.kind == "spend-all":
            return None, say("all-budget-spent")
        amount = None if row.ratio and row.bound is None else _exact(row.stated)
        if row.kind == "target":
            return amount, row.sentence
        return amount, say("limit-and-rule", limit=row.limit, rule=row.sentence)

    def _amount(self, part: Declaration) -> tuple[str | None, str]:
        """Return the amount of a declaration in decimal text, and what it is called with it."""
        code, name = _SAID[part.kind][0], self.declared.name(part)
        if part.kind == "mroas":
            return None, say(code, limit=name)
        if part.kind in ("step", "lot"):
            minor = self.declared.grid(part)
        else:
            low, high, least = (int(each[0]) for each in self.declared.bounds(part)[1:])
            minor = {"cap": high, "off-or-at-least": least}.get(part.kind, low)
            if part.kind == "max-change":
                free = self.declared.source(part).upper[part.at] >= FAR
                words = {"name": name, "low": self.show(low)}
                if free:
                    return None, say("max-change-floor", **words)
                return None, say(code, high=self.show(high), **words)
        words = {"amount": self.show(minor), **({} if part.kind == "step" else {"name": name})}
        return str(self.money.amount(minor)), say(code, **words)

    def _text_of_change(self, change: LimitChange) -> str:
        """Return a change of what is declared by channel as an imperative clause."""
        part, code = change.declaration, _SAID[change.declaration.kind][1]
        by, to = self.show(int(change.by)), self.show(int(change.to))
        if part.kind == "lock" and change.to < int(self.declared.bounds(part)[1][0]):
            code = "lower-lock"
        name = self.declared.name(part)
        words = {"limit": name} if part.kind == "mroas" else {"name": name, "to": to}
        return say(code, by=by, **words)

    def _row_change(self, row: Row, change: LimitChange) -> str:
        """Return a change of a row as an imperative clause."""
        units, code = self.money.units, self.money.code
        amount, share = f"{self.show(int(change.by * units))} {code}", _figure(100 * change.to)
        if row.kind == "budget":
            return say("raise-budget", by=amount, to=self.show(int(change.to * units)))
        if row.kind == "spend-all":
            return say("leave-unspent", by=amount)
        if row.base is not None:
            by_way = "lower-limit-share" if row.least else "raise-limit-share"
            return say(by_way, limit=row.limit, share=share)
        if row.outcome is not None:
            if row.ratio and row.bound is None and row.kind != "cpa":
                return say("lower-to-share", limit=row.limit, share=share)
            way = "lower-minimum" if row.kind == "cpa" else "lower-maximum"
            return say(way, limit=row.limit, to=_figure(change.to))
        if row.counts and change.by == 1:
            return say("loosen-one-channel", limit=row.limit)
        words = {"limit": row.limit, "by": _figure(change.by)}
        if row.counts:
            return say("loosen-channels", **words)
        if row.unit == "money":
            return say("loosen-by", limit=row.limit, by=amount)
        return (
            say("loosen-by-unit", unit=row.unit, **words) if row.unit else say("loosen-by", **words)
        )

    def best(self, part: Declaration, reach: Reach) -> str:
        """Return the best that can be had and the largest spends there."""
        problem, row, step = self.problem, self.declared.rows[part.at], self.problem.step
        spent = [at for at in np.argsort(-reach.spend, kind="stable") if reach.spend[at] >= 0.5]
        shown = [
            say(
                "name-amount",
                name=problem.names[at],
                amount=self.show(round(float(reach.spend[at]) / step) * step),
            )
            for at in spent
        ]
        share, least = row.ratio and row.bound is None, row.kind == "cpa"
        best = 100 * reach.proven if share else reach.proven
        figure = show_bound(best, 6 if share else 5, least=least)
        if share:
            figure = say("share-of-required", share=figure)
        code = "target-best-at-least" if least else "target-best-at-most"
        return say(
            "target-best-value" if problem.curves.concave else code,
            figure=figure,
            at=listed(shown, 4) if shown else say("nothing-spent"),
        )


def _exact(number: Fraction) -> str:
    """Return a number as decimal text, exactly where that is short."""
    scaled = number * 10**12
    if scaled.denominator == 1:
        text = number_text(shifted(Decimal(scaled.numerator), -12))
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(number)


def _figure(number: Fraction) -> str:
    """Return a number with thousands separators, without an exponent."""
    text = _exact(number)
    return show_figure(float(number)) if "/" in text else show_amount(Decimal(text))
