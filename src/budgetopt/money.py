"""Exact money: currencies, minor units, decimal arithmetic, and rounding to a step.

Outside, money is `decimal.Decimal`; inside, it is a whole number of minor units (cents, fen, yen)
in ``int64`` arrays. All amounts stay below 2**53 minor units, so that every one of them is also a
floating-point number exactly; sums of them are made by `sum_minor`, which cannot overflow.

Decimals are added, multiplied and written here only, in a context of our own: the context of the
calling program, its precision, rounding and traps, decides nothing.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import InfeasibleError, MoneyError, did_you_mean
from budgetopt.messages import Message, of_name, say
from budgetopt.untrusted import half_width

MOST = 2**53
"""Amounts have fewer minor units than this: about 90 trillion in a currency with cents."""

Number = Decimal | Fraction
"""An exact number as it is kept: a fraction where no decimal is equal to it."""
Rounding = Literal["exact", "up", "down", "nearest"]

# Wide enough for sums and products of all that is let in; what still rounds is an error.
_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation])
_NEAR = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation])
_FAR = 60
"""Powers of ten beyond which an amount is a slip, and slow to compute with."""
_DIGITS = 120
"""Digits, or digits of a denominator, that an exact number may have."""
_NOISE = Fraction(1, 10_000)
"""Minor units by which an amount may miss a whole one and still be taken for it."""
_SPACINGS = 4
"""The same in spacings of floating-point numbers as large as the amount."""
_PLAIN = 9
"""Amounts of no more digits than this count exactly in every currency and need no further look."""

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

_DOLLARS = ("USD AUD BBD BMD BND BSD BZD CAD FJD GYD HKD JMD KYD LRD NAD NZD SBD SGD SRD TTD TWD "
            "XCD ARS CLP COP CUP MXN UYU")  # fmt: skip
INFORMAL: dict[str, str] = {
    **dict.fromkeys(("RMB", "CNH", "YUAN", "RENMINBI", "CN¥", "人民币", "人民幣"), "CNY"),
    **dict.fromkeys(("$", "DOLLAR", "DOLLARS"), _DOLLARS),
    **dict.fromkeys(("¥", "￥"), "CNY JPY"),
    **dict.fromkeys(("元", "圆", "圓"), "CNY TWD HKD MOP"),
    **dict.fromkeys(("円", "YEN", "JP¥", "日元", "日圓", "日円"), "JPY"),
    **dict.fromkeys(("NTD", "NT", "NT$", "新台币", "新臺幣", "台币", "臺幣"), "TWD"),
    **dict.fromkeys(("HK", "HK$", "港币", "港幣", "港元"), "HKD"),
    **dict.fromkeys(("US", "U$", "US$", "美元", "美金"), "USD"),
    **dict.fromkeys(("S$", "SG$", "SGP", "新加坡元"), "SGD"),
    **dict.fromkeys(("STG", "UKP", "STERLING", "英镑", "英鎊"), "GBP"),
    **dict.fromkeys(("£", "POUND", "POUNDS"), "GBP EGP FKP GIP LBP SHP SSP SYP"),
    **dict.fromkeys(("€", "EURO", "EUROS", "欧元", "歐元"), "EUR"),
    **dict.fromkeys(("₩", "WON", "韩元", "韓元", "원"), "KRW KPW"),
    **dict.fromkeys(("KR", "KRONA", "KRONE", "KRONER", "KRONOR"), "SEK NOK DKK ISK"),
    **dict.fromkeys(("₹", "RUPEE", "RUPEES"), "INR"),
    **dict.fromkeys(("RS", "RS."), "INR PKR LKR NPR MUR SCR"),
    **dict.fromkeys(("₽", "RUR", "РУБ", "卢布"), "RUB"),
    **dict.fromkeys(("₺", "TL", "TRL"), "TRY"),
    **dict.fromkeys(("₱", "PESO", "PESOS"), "PHP MXN ARS CLP COP CUP DOP UYU"),
    **dict.fromkeys(("₫", "DONG", "越南盾"), "VND"),
    **dict.fromkeys(("฿", "BAHT", "泰铢"), "THB"),
    **dict.fromkeys(("₪", "NIS"), "ILS"),
    **dict.fromkeys(("SFR", "FR", "FR."), "CHF"),
    **dict.fromkeys(("RM", "RINGGIT", "马币"), "MYR"),
    **dict.fromkeys(("RP", "RUPIAH", "印尼盾"), "IDR"),
    **dict.fromkeys(("DH", "DHS", "DIRHAM"), "AED MAD"),
    "R$": "BRL",
    "A$": "AUD",
    "C$": "CAD",
    "MX$": "MXN",
    "澳元": "AUD",
    "加元": "CAD",
    "₦": "NGN",
    "₴": "UAH",
    "₸": "KZT",
    "₲": "PYG",
    "₡": "CRC",
    "₭": "LAK",
    "₮": "MNT",
    "₾": "GEL",
    "₼": "AZN",
    "₵": "GHS",
    "ZŁ": "PLN",
    "KČ": "CZK",
    "FT": "HUF",
    "R": "ZAR",
}
"""Codes of the currencies that a sign, a name or a former code may stand for, the likeliest first.
"""


def currencies_of(sign: str) -> tuple[str, ...]:
    """Return the codes that a sign, a code or an informal name may stand for; none if unknown.

    Examples
    --------
    >>> currencies_of("RMB"), currencies_of("￥"), currencies_of("AU$")
    (('CNY',), ('CNY', 'JPY'), ('AUD',))
    """
    name = sign.strip()
    if name in DIGITS:
        return (name,)
    if name.upper() in INFORMAL:
        return tuple(INFORMAL[name.upper()].split())
    if len(name) > 1 and name.endswith("$"):
        return tuple(code for code in _DOLLARS.split() if code.startswith(name[:-1].upper()))
    return ()


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
                say("currency-not-iso", value=repr(self.code)),
                field="currency",
                value=self.code,
                remedy=_code_meant(self.code)
                if isinstance(self.code, str)
                else say("remedy-code-cny"),
            )

    @property
    def digits(self) -> int:
        """Digits after the point."""
        return DIGITS[self.code]

    @property
    def units(self) -> int:
        """Minor units in one unit of money: 100 for CNY, 1 for JPY."""
        return int(10**self.digits)

    def minor(self, amount: Any, field: str, rounding: Rounding = "exact") -> int:
        """Return an amount as whole minor units.

        An amount that misses a whole number of minor units by less than a ten-thousandth of one is
        that number, and so is a float that misses it by no more than four spacings of floats of
        its size: such is the noise of floating-point arithmetic (``1.1 * 100000``, ``0.3 - 0.1``).
        An exact number that no float prints has no such noise.

        Parameters
        ----------
        amount
            An int, float, `Decimal`, `Fraction` or plain decimal text (``"1250.50"``); not a bool,
            not below zero.
        field
            What the amount is, for the error.
        rounding
            What becomes of an amount that is finer than the minor unit: refused (``"exact"``, for
            a budget, a lock and a step), rounded inwards (``"up"`` for what is asked at least,
            ``"down"`` for what is allowed at most) or to the nearest (half to even).

        Raises
        ------
        MoneyError
            ``bad-money``.
        """
        plain = self._plain(amount)
        if plain is not None:
            return plain
        value = as_decimal(amount, field)
        if value >= self.amount(MOST):
            raise MoneyError(
                "bad-money",
                say("too-large-count-exactly", field=field, amount=_as_given(amount)),
                field=field,
                value=amount,
                remedy=say(
                    "remedy-stay-below-count", most=show_amount(self.amount(MOST)), value=self.code
                ),
            )
        units = _EXACT.multiply(value, Decimal(self.units))
        whole = int(units)
        if units == whole:
            return whole
        exact = Fraction(units)
        whole = round(exact)
        if abs(exact - whole) > max(_NOISE, _SPACINGS * _spacing(value) * self.units):
            if rounding == "exact":
                raise MoneyError(
                    "bad-money",
                    say("finer-than-minor", field=field, amount=_as_given(amount), value=self.code),
                    field=field,
                    value=amount,
                    remedy=say("remedy-most-digits-after", digits=self.digits),
                )
            if rounding != "nearest":
                whole = math.ceil(exact) if rounding == "up" else math.floor(exact)
        return whole

    def _plain(self, amount: Any) -> int | None:
        """Return minor units of a plain whole number of them at once; None for what is odd."""
        if type(amount) is int and 0 <= amount < 10**_PLAIN:
            return amount * self.units
        if type(amount) is Decimal and amount.is_finite() and -_FAR < amount.adjusted() < _PLAIN:
            top, bottom = amount.as_integer_ratio()
            minor, rest = divmod(top * self.units, bottom)
            return minor if minor >= 0 and not rest else None
        return None

    def exact(self, amount: Any, field: str) -> Decimal:
        """Return an amount as a `Decimal`, without the noise of floating-point arithmetic."""
        value = as_decimal(amount, field)
        minor = self.amount(self.minor(value, field))
        return value if value == minor else minor

    def inwards(self, bound: Number, *, most: bool) -> Fraction:
        """Return a bound on sums of spends without noise: to whole minor units, inwards.

        A bound beyond all money stays as it is.
        """
        if bound < 0:
            return -self.inwards(-Fraction(bound), most=not most)
        if bound >= self.amount(MOST):
            return Fraction(bound)
        rounding: Rounding = "down" if most else "up"
        return Fraction(self.minor(bound, "limit", rounding), self.units)

    def nearest(self, amount: float | Decimal) -> int:
        """Return the nearest whole number of minor units of a measured amount (half to even)."""
        return round(Fraction(repr(float(amount))) * self.units)

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
        whole = []
        for name, amount in amounts.items():
            plain = self._plain(amount)
            whole.append(self.minor(amount, of_name(field, name)) if plain is None else plain)
        return np.array(whole, dtype=np.int64)

    def show(self, minor: int) -> str:
        """Return minor units as text with thousands separators, without empty cents."""
        return show_amount(self.amount(minor))


def _code_meant(name: str) -> Message:
    """Return a remedy for what is not a code: the currencies that it usually stands for."""
    codes = currencies_of(name)
    if not codes:
        return did_you_mean(name.upper(), DIGITS)
    if len(codes) == 1:
        return say("did-you-mean", name=repr(codes[0]))
    shown = tuple(map(repr, codes[:4]))
    return say("code-of-many" if len(codes) > 4 else "code-of-several", codes=shown)


def show_amount(amount: Number) -> str:
    """Return money as text with thousands separators, without empty digits after the point.

    Examples
    --------
    >>> show_amount(Decimal("1250.00")), show_amount(Decimal("0.50")), show_amount(Decimal("1E+2"))
    ('1,250', '0.50', '100')
    """
    return f"{int(amount):,}" if amount == int(amount) else show_number(amount)


def show_number(number: Number) -> str:
    """Return an exact number as text with thousands separators, or as a fraction."""
    return f"{number:,f}" if isinstance(number, Decimal) else str(number)


def number_text(number: Number) -> str:
    """Return an exact number as plain text that `as_exact` reads.

    Examples
    --------
    >>> number_text(Decimal("1E+2")), number_text(Fraction(1, 3))
    ('100', '1/3')
    """
    return f"{number:f}" if isinstance(number, Decimal) else str(number)


def show_share(share: Number) -> str:
    """Return a share as text in percent, to four significant digits.

    Examples
    --------
    >>> show_share(Decimal("0.30")), show_share(Fraction(1, 3))
    ('30', '33.33')
    """
    return f"{float(Fraction(share) * 100):.4g}"


def total_of(amounts: Iterable[Decimal]) -> Decimal:
    """Return the sum of amounts, exact."""
    return reduce(_EXACT.add, amounts, Decimal(0))


def difference_of(amount: Decimal, less: Decimal) -> Decimal:
    """Return an amount less another one, exact."""
    return _EXACT.subtract(amount, less)


def ratio_of(amount: Decimal, other: Decimal) -> float:
    """Return an amount over another one, the nearest float."""
    return float(Fraction(amount) / Fraction(other))


def product_of(amount: Decimal, factor: Decimal) -> Decimal:
    """Return an amount times a factor, exact."""
    return _EXACT.multiply(amount, factor)


def sum_minor(amounts: NDArray[np.int64]) -> int:
    """Return the sum of minor units; unlike ``amounts.sum()`` it cannot overflow."""
    return (int((amounts >> 32).sum()) << 32) + int((amounts & 0xFFFFFFFF).sum())


def as_decimal(amount: Any, field: str) -> Decimal:
    """Return a non-negative finite amount as a `Decimal`.

    A float stands for the shortest decimal that prints it, so ``0.1`` is a tenth. A fraction that
    no decimal is equal to is kept to 60 digits.

    Raises
    ------
    MoneyError
        ``bad-money`` for a bool, NaN, infinity, a negative amount, or text that is not plain
        (thousands separators are refused, since ``1.234`` means two things).
    """
    value = as_exact(amount, field)
    if isinstance(value, Fraction):
        value = _NEAR.divide(Decimal(value.numerator), Decimal(value.denominator))
    return value


def as_exact(number: Any, field: str, *, signed: bool = False) -> Number:
    """Return a finite number exactly, a `Fraction` where no `Decimal` is equal to it.

    Parameters
    ----------
    number
        An int, float (which stands for the shortest decimal that prints it), `Decimal`, `Fraction`
        or text: a plain decimal, or a fraction such as ``"1/3"``.
    field
        What the number is, for the error.
    signed
        Whether it may be negative.

    Raises
    ------
    MoneyError
        ``bad-money``.
    """
    problem, remedy, value = "not-amount", "remedy-plain-number-1250", None
    if isinstance(number, (bool, np.bool_)):
        problem = "yes-no-not-amount"
    else:
        try:
            value = _read(number)
        except (ArithmeticError, ValueError):
            problem, remedy = "not-plain-number", "remedy-write-without-separators"
    if isinstance(value, Decimal) and not value.is_finite():
        problem, value = "number-not-finite", None
    elif value is not None and not _handy(value):
        problem, value = "too-large-too", None
    elif value is not None and value < 0 and not signed:
        problem, remedy, value = "value-negative", "remedy-zero-more", None
    if value is None:
        try:
            shown = repr(number)
        except ValueError:
            # Python writes no integer of thousands of digits.
            shown = say("endless-number")
        shown = shown if len(shown) <= _DIGITS else f"{shown[:_DIGITS]}..."
        raise MoneyError(
            "bad-money",
            say("amount-breaks-limit", what=field, amount=shown, problem=say(problem)),
            field=field,
            value=number,
            remedy=say(remedy),
        )
    # A zero has no sign, whatever is written.
    return value.copy_abs() if isinstance(value, Decimal) and not value else value


def _read(number: Any) -> Number | None:
    """Return a number as it is written, None for what is not a number."""
    if isinstance(number, Decimal):
        return number
    if isinstance(number, numbers.Integral):
        return Decimal(int(number))
    if isinstance(number, numbers.Rational):
        return _as_kept(Fraction(int(number.numerator), int(number.denominator)))
    if isinstance(number, np.floating):
        return Decimal(str(number))
    if isinstance(number, numbers.Real):
        return Decimal(repr(float(number)))
    if isinstance(number, str) and "_" not in number:
        text = half_width(number.strip())
        # Digits of other scripts, which Decimal would take, are refused as in a history.
        if not text.isascii():
            raise ValueError(text)
        return _as_kept(Fraction(text)) if "/" in text else Decimal(text, _EXACT)
    return None


def _as_kept(fraction: Fraction) -> Number:
    """Return the decimal that a fraction is equal to, or the fraction."""
    try:
        return _EXACT.divide(Decimal(fraction.numerator), Decimal(fraction.denominator))
    except Inexact:
        return fraction


def _handy(number: Number) -> bool:
    """Say whether a number is of a size that sums and products keep exact and quick."""
    if isinstance(number, Decimal):
        near = not number or -_FAR < number.adjusted() < _FAR
        return near and len(number.as_tuple().digits) <= _DIGITS
    return bool(max(abs(number.numerator), number.denominator) < 10**_DIGITS)


def _spacing(value: Decimal) -> Fraction:
    """Return the spacing of floats at an amount; zero for one that no float prints."""
    near = float(value)
    return Fraction(math.ulp(near)) if Decimal(repr(near)) == value else Fraction(0)


def _as_given(amount: Any) -> str:
    """Return an amount as it was given, without digits that nobody reads."""
    return str(amount) if len(str(amount)) <= _DIGITS else f"{str(amount)[:_DIGITS]}..."


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
            say("no-multiple-step", step=step, lower=lower[at], upper=upper[at]),
            field=str(at),
            value=step,
            remedy=say("remedy-finer-step"),
        )
    least = sum_minor(low)
    if least > total:
        raise InfeasibleError(
            "floors-above-budget",
            say("lower-bounds-sum", least=least, step=step, total=total),
            field="total",
            value=int(total),
            remedy=say("remedy-lower-bound-take"),
        )
    down = np.clip(np.floor(spend / step).astype(np.int64) * step, low, high)
    rank = np.arange(spend.size) if rank is None else rank
    rounded: NDArray[np.int64] = down
    missing = (int(total) - sum_minor(down)) // step
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
        missing -= sum_minor(moved)
    return rounded
