"""An alert: what was found, how bad it is, and a key by which it is raised once."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, Self, get_args

from budgetopt.errors import InputError, did_you_mean
from budgetopt.ledger.transaction import LONGEST
from budgetopt.words import restored, templates_of

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the mildest to the worst."""

CODES: dict[str, str] = {
    "data-stale": "the last whole week ended long ago, or there is none",
    "data-incomplete": "a week lacks days, or a channel's report",
    "week-not-over": "the history's last week is still running",
    "history-revised": "weeks that were whole changed or are gone",
    "stuck": "a channel stands at the same limit week after week",
    "calibration": "outcomes do not lie in the ranges that were predicted",
    "target-out-of-reach": "no split reaches the plan's target",
    "cannot-decide": "no split of a week can be decided",
    "pause": "a channel's cost per outcome is too high, or its ROAS too low",
    "reserve-low": "contingency is nearly or wholly used up",
    "budget-line": "a share of a budget is spent",
    "overspend": "channels are projected beyond their plan",
    "underspend": "channels are projected short of their plan",
    "uncovered": "money beyond the plan that nobody pays for",
}
"""Every code an alert can carry, with its meaning; codes are never renamed."""


@dataclass(frozen=True)
class Alert:
    """Something that a person should know.

    Parameters
    ----------
    code
        A key of `CODES`.
    severity
        ``"info"``, ``"warning"`` or ``"critical"``.
    sentence
        What was found, without a full stop; its numbers are those of `figures`.
    figures
        Numbers by name, all finite.
    channels
        Names that it is about; empty where it is about all.
    key
        Code, subject and week or episode: what has a key that is known is not news. Names of
        channels are part of it and may be anything: what a ledger does not take as a key stands as
        its SHA-256.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    code: str
    severity: Severity
    sentence: str
    figures: tuple[tuple[str, float], ...] = ()
    channels: tuple[str, ...] = ()
    key: str = ""

    def __post_init__(self) -> None:
        for field, known in (("code", CODES), ("severity", SEVERITIES)):
            given = getattr(self, field)
            if given not in known:
                raise _wrong(field, f"is {given!r}", did_you_mean(str(given), known))
        if not self.key.startswith(self.code):
            raise _wrong("key", f"is {self.key!r}", "begin it with the code")
        object.__setattr__(self, "key", _kept(self.code, self.key))
        if not all(isfinite(number) for _, number in self.figures):
            raise _wrong("figures", "are not finite", "leave out what is not known")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` takes and JSON keeps."""
        return {
            "code": self.code,
            "severity": self.severity,
            "sentence": str(self.sentence),
            "figures": dict(self.figures),
            "channels": list(self.channels),
            "key": self.key,
            "words": templates_of([self.sentence]),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the alert of `to_dict`.

        Raises
        ------
        InputError
            ``bad-argument`` where the data are no alert.
        """
        try:
            return cls(
                data["code"],
                data["severity"],
                restored(data["sentence"], data.get("words", {})),
                tuple((name, float(number)) for name, number in data["figures"].items()),
                tuple(data["channels"]),
                data["key"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            remedy = "give what Alert.to_dict returned"
            raise _wrong("data", f"are no alert ({error})", remedy) from None


def news(alerts: Iterable[Alert], known: Iterable[str] = ()) -> tuple[Alert, ...]:
    """Return alerts whose keys are not known yet, each key once, the worst first."""
    seen, found = set(known), []
    for alert in sorted(alerts, key=lambda a: (-SEVERITIES.index(a.severity), a.code, a.key)):
        if alert.key not in seen:
            seen.add(alert.key)
            found.append(alert)
    return tuple(found)


def worst(alerts: Iterable[Alert]) -> Severity | None:
    """Return the worst severity, for an exit code; None where there is no alert."""
    return max((a.severity for a in alerts), key=SEVERITIES.index, default=None)


def to_json(alerts: Iterable[Alert]) -> str:
    """Return alerts as JSON text."""
    plain = [alert.to_dict() for alert in alerts]
    return json.dumps(plain, ensure_ascii=False, indent=2, allow_nan=False)


def from_json(text: str) -> tuple[Alert, ...]:
    """Return the alerts of `to_json`.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise _wrong("text", f"is not JSON ({error})", "give what to_json returned") from None
    if not isinstance(data, list):
        raise _wrong("text", "is no list", "give what to_json returned")
    return tuple(Alert.from_dict(one) for one in data)


def to_log(alerts: Iterable[Alert], logger: logging.Logger | None = None) -> None:
    """Write alerts to a log, by default that of ``budgetopt.operation``, at their severity."""
    log = logging.getLogger("budgetopt.operation") if logger is None else logger
    for alert in alerts:
        level = getattr(logging, alert.severity.upper())
        log.log(level, "%s: %s", alert.code, alert.sentence, extra={"alert": alert.to_dict()})


def _kept(code: str, key: str) -> str:
    """Return a key as a ledger takes it: one line, without spaces around it, not too long."""
    raw = key.encode("utf-8", "backslashreplace")
    if key.isprintable() and key == key.strip() and len(raw) <= LONGEST:
        return key
    return f"{code}:{hashlib.sha256(raw).hexdigest()}"


def _wrong(field: str, problem: str, remedy: str) -> InputError:
    return InputError("bad-argument", f"{field} of the alert {problem}", field=field, remedy=remedy)
