"""Exact money: currencies, minor units, and rounding to a step with an exact sum.

Outside, money is `decimal.Decimal`; inside, it is a whole number of minor units (cents, fen, yen)
in ``int64`` arrays. All amounts stay below 2**53 minor units, so that every one of them is also a
floating-point number exactly.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import InfeasibleError, MoneyError, did_you_mean

MOST = 2**53
"""Amounts have fewer minor units than this: about 90 trillion in a currency with cents."""

# Its own context, so that neither a program's precision nor a long number rounds in silence.
_EXACT = Context(prec=60, traps=[Inexact])
_FAR = 60
"""Powers of ten beyond which an amount is a slip, and slow to compute with."""
_PLAIN = Decimal(10**9)
"""Amounts below this count exactly in every currency, so that they need no further look."""

# ISO 4217, active national currencies, by the number of digits of the minor unit where it is not 2.
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_TWO = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL
HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT
MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB
SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
DIGITS: dict[str, int] = {
    **dict.fromkeys(_TWO.split(), 2),
    **dict.fromkeys(_NONE.split(), 0),
    **dict.fromkeys(_THREE.split(), 3),
    # ISO 4217 keeps XXX for "no currency"; six digits serve spends in units of one's own.
    "XXX": 6,
}
"""Digits after the point of every currency that is known."""


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency and its minor unit.

    Parameters
    ----------
    code
        ISO 4217 code, such as ``"CNY"``; ``"XXX"`` (no currency) counts in millionths.

    Raises
    ------
    MoneyError
        ``bad-currency`` where the code is not known.

    Examples
    --------
    >>> Currency("JPY").digits, Currency("CNY").minor("12.30", "budget")
    (0, 1230)
    """

    code: str

    def __post_init__(self) -> None:
        if not isinstance(self.code, str) or self.code not in DIGITS:
            raise MoneyError(
                "bad-currency",
                f"currency {self.code!r} is not an ISO 4217 code",
                field="currency",
                value=self.code,
                remedy=did_you_mean(str(self.code).upper(), DIGITS)
                if isinstance(self.code, str)
                else "give a code such as 'CNY'",
            )

    @property
    def digits(self) -> int:
        """Digits after the point."""
        return DIGITS[self.code]

    @property
    def units(self) -> int:
        """Minor units in one unit of money: 100 for CNY, 1 for JPY."""
        return int(10**self.digits)

    def minor(self, amount: Any, field: str) -> int:
        """Return an amount as minor units, exactly.

        Parameters
        ----------
        amount
            An int, float, `Decimal` or plain decimal text (``"1250.50"``); not a bool, not below
            zero, not finer than the minor unit.
        field
            What the amount is, for the error.

        Raises
        ------
        MoneyError
            ``bad-money``.
        """
        value = as_decimal(amount, field)
        if value >= self.amount(MOST):
            raise MoneyError(
                "bad-money",
                f"{field} is {amount}, more than can be counted exactly",
                field=field,
                value=amount,
                remedy=f"stay below {self.amount(MOST):,} {self.code}, or count in a larger unit",
            )
        try:
            exact = _EXACT.multiply(value, Decimal(self.units))
            finer = exact != exact.to_integral_value()
        except Inexact:
            finer = True
        if finer:
            raise MoneyError(
                "bad-money",
                f"{field} is {amount}, finer than the minor unit of {self.code}",
                field=field,
                value=amount,
                remedy=f"give at most {self.digits} digits after the point",
            )
        return int(exact)

    def nearest(self, amount: float | Decimal) -> int:
        """Return the nearest whole number of minor units of a measured amount (half to even)."""
        exact = _EXACT.multiply(Decimal(repr(float(amount))), Decimal(self.units))
        return round(exact)

    def amount(self, minor: int) -> Decimal:
        """Return minor units as a `Decimal` with all of the currency's digits."""
        return _EXACT.scaleb(Decimal(int(minor)), Decimal(-self.digits))

    def amounts(self, minor: Iterable[int]) -> list[Decimal]:
        """Return `amount` of each; quicker for many."""
        unit = _EXACT.scaleb(Decimal(1), Decimal(-self.digits))
        return [_EXACT.multiply(Decimal(m), unit) for m in minor]

    def minors(self, amounts: Mapping[str, Any], field: str) -> NDArray[np.int64]:
        """Return `minor` of each amount of a table by name; quicker for many.

        Parameters
        ----------
        amounts
            Amounts by name.
        field
            What the amounts are, for the error, which adds the name.
        """
        units, whole = Decimal(self.units), []
        for name, amount in amounts.items():
            exact = None
            # The plain case at once; whatever is odd takes the careful way and its errors.
            if type(amount) is Decimal and amount.is_finite() and 0 <= amount < _PLAIN:
                exact = _EXACT.multiply(amount, units)
            plain = exact is not None and exact == (there := int(exact))
            whole.append(there if plain else self.minor(amount, f"{field} of {name!r}"))
        return np.array(whole, dtype=np.int64)

    def show(self, minor: int) -> str:
        """Return minor units as text with thousands separators, without empty cents."""
        return show_amount(self.amount(minor))


def show_amount(amount: Decimal) -> str:
    """Return money as text with thousands separators, without empty digits after the point.

    Examples
    --------
    >>> show_amount(Decimal("1250.00")), show_amount(Decimal("0.50")), show_amount(Decimal("1E+2"))
    ('1,250', '0.50', '100')
    """
    return f"{amount:,.0f}" if amount == amount.to_integral_value() else f"{amount:,f}"


def total_of(amounts: Iterable[Decimal]) -> Decimal:
    """Return the sum of amounts, exact whatever precision the program computes with."""
    return reduce(_EXACT.add, amounts, Decimal(0))


def difference_of(amount: Decimal, less: Decimal) -> Decimal:
    """Return an amount less another one, exact whatever precision the program computes with."""
    return _EXACT.subtract(amount, less)


def as_decimal(amount: Any, field: str) -> Decimal:
    """Return a non-negative finite amount as an exact `Decimal`.

    A float stands for the shortest decimal that prints it, so ``0.1`` is a tenth.

    Raises
    ------
    MoneyError
        ``bad-money`` for a bool, NaN, infinity, a negative amount, or text that is not plain
        (thousands separators are refused, since ``1.234`` means two things).
    """
    problem, remedy = "", "give a plain number such as 1250.50"
    value = Decimal(0)
    try:
        if isinstance(amount, (bool, np.bool_)):
            problem = "a yes or no, not an amount"
        elif isinstance(amount, Decimal):
            value = amount
        elif isinstance(amount, numbers.Integral):
            value = Decimal(int(amount))
        elif isinstance(amount, np.floating):
            value = Decimal(str(amount))
        elif isinstance(amount, numbers.Real):
            value = Decimal(repr(float(amount)))
        elif isinstance(amount, str) and "_" not in amount:
            value = Decimal(amount.strip())
        else:
            problem = "not an amount"
    except InvalidOperation:
        problem, remedy = "not a plain number", "write it without separators, such as 1250.50"
    if not problem and not value.is_finite():
        problem = "not finite"
    if not problem and value and not -_FAR < value.adjusted() < _FAR:
        problem = "too large or too small for money"
    if not problem and value < 0:
        problem, remedy = "negative", "give zero or more"
    if problem:
        raise MoneyError(
            "bad-money",
            f"{field} is {amount!r}, {problem}",
            field=field,
            value=amount,
            remedy=remedy,
        )
    return value.copy_abs()


def round_to_step(
    spend: NDArray[np.float64],
    total: int,
    step: int,
    lower: NDArray[np.int64],
    upper: NDArray[np.int64],
    rank: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Round spends to whole steps by largest remainder, keeping every bound and the total.

    Every spend is rounded down to a step, then the steps still missing go to the largest
    remainders; remainders that differ by less than a millionth of a step count as equal and are
    served in the order of `rank`. A channel moves by less than one step, unless bounds leave no
    other way to the total.

    Parameters
    ----------
    spend
        Spends in minor units, shape ``(channels,)``, within the bounds, summing to about `total`.
    total
        What the rounded spends shall sum to, in minor units.
    step
        Minor units in one step, at least 1.
    lower, upper
        Bounds in minor units, shape ``(channels,)``. Equal bounds are kept as they are; the others
        are drawn in to the nearest multiples of `step`.
    rank
        Order among equal remainders, shape ``(channels,)``; by default the order given.

    Returns
    -------
    ndarray of int64
        Shape ``(channels,)``; the sum is `total`, or as near below it as steps and bounds allow.

    Raises
    ------
    InfeasibleError
        ``no-step-in-bounds`` where no multiple of `step` lies between a channel's bounds;
        ``field`` is the channel's position. ``floors-above-budget`` where the lower bounds, drawn
        in to steps, sum to more than `total`.

    Notes
    -----
    The largest-remainder rule (Hamilton) minimises the largest and the total absolute change among
    all roundings to neighbouring steps that keep the sum (Balinski and Young 1982, ch. 3).
    """
    locked = lower == upper
    low = np.where(locked, lower, -(-lower // step) * step)
    high = np.where(locked, upper, upper // step * step)
    if np.any(low > high):
        at = int(np.argmax(low > high))
        raise InfeasibleError(
            "no-step-in-bounds",
            f"no multiple of the step {step} lies between {lower[at]} and {upper[at]}",
            field=str(at),
            value=step,
            remedy="widen the bounds or take a finer step",
        )
    least = int(low.sum())
    if least > total:
        raise InfeasibleError(
            "floors-above-budget",
            f"the lower bounds sum to {least} in steps of {step}, above the total {total}",
            field="total",
            value=int(total),
            remedy="lower a bound or take a finer step",
        )
    down = np.clip(np.floor(spend / step).astype(np.int64) * step, low, high)
    rank = np.arange(spend.size) if rank is None else rank
    rounded: NDArray[np.int64] = down
    missing = (int(total) - int(down.sum())) // step
    while missing:
        up = missing > 0
        room = np.where(locked, 0, (high - rounded if up else rounded - low) // step)
        take = np.flatnonzero(room > 0)
        if take.size == 0:
            break
        # Far from the total everybody moves by many steps at once; near it, by one.
        steps = np.minimum(room[take], max(abs(missing) // take.size, 1))
        remainder = np.round((spend - rounded)[take] / (step if up else -step), 6)
        order = np.lexsort((rank[take], -remainder))[: abs(missing)]
        moved = steps[order] if up else -steps[order]
        rounded[take[order]] += moved * step
        missing -= int(moved.sum())
    return rounded
