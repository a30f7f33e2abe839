"""Where S-curves leave a week's step short, the page names the way and what it is worth."""

import numpy as np
import pytest
from tests.cli.helpers import run
from tests.weekly.helpers import MONDAY

import budgetopt as bo
from budgetopt import report
from budgetopt.i18n.messages import show_figure
from budgetopt.workflow.ramp import ramp

CURVES = (bo.Hill(top=900, half=600, shape=4), bo.Hill(top=700, half=600, shape=4))
MEAN = bo.PosteriorMean()


def plan_of(curves=CURVES, **fields):
    channels = [bo.Channel(n, curve=c, pinned=True) for n, c in zip("ab", curves, strict=True)]
    return bo.Plan(**{"budget": 800, "currency": "CNY", "channels": channels, "step": 1} | fields)


def past(last, curves=CURVES, weeks=6):
    starts = np.datetime64(MONDAY) + 7 * np.arange(weeks)
    spend = np.tile(np.array(last, dtype=float), (weeks, 1))
    outcome = np.column_stack([c.value(x) for c, x in zip(curves, spend.T, strict=True)])
    return bo.History(("a", "b"), starts, spend=spend, outcome=outcome)


def brute(curves, budget, lower, upper):
    """Return the most that two curves bring within bounds, by every whole unit of money."""
    first = np.arange(lower[0], min(upper[0], budget) + 1)
    second = np.minimum(budget - first, upper[1])
    keep = second >= lower[1]
    return float((curves[0].value(first) + curves[1].value(second))[keep].max())


# All of the money in the worse channel: no step of 30 % pays, and all of it in the other does.
STUCK = (10, 790)


def test_a_week_that_is_stuck_says_so_and_what_the_way_is_worth(tmp_path, capsys):
    decision = bo.reallocate(plan_of(), past(STUCK), policy=MEAN, guardrails=None)
    far = brute(CURVES, 800, (0, 0), (800, 800))
    here = brute(CURVES, 800, (7, 553), (13, 1027))
    found = decision.beyond
    assert found.more == pytest.approx(far - here, rel=1e-6)
    assert found.share == pytest.approx((far - here) / here, rel=1e-6)
    assert not found.climbs
    told = f"return {show_figure(found.more, 4)} more ({100 * found.share:.2g} %)"
    plan, spent = tmp_path / "plan.json", tmp_path / "history.csv"
    plan.write_text(plan_of().to_json(), encoding="utf-8")
    past(STUCK).to_frame().to_csv(spent, index=False)
    given = ("reallocate", plan, "--history", spent, "--policy", "posterior-mean")
    shown = run(capsys, *given)[1]
    for page in (decision.explain(), report.decision_table(decision), shown):
        text = " ".join(page.split())
        assert told in text
        assert "small weekly steps do not get there" in text
        assert "'budgetopt ramp' shows the steps, and a wider 'max_change' would allow it" in text
    assert f"多带来 {show_figure(found.more, 4)}" in decision.explain("zh")
    assert bo.Decision.from_json(decision.to_json()) == decision
    # The ramp knows the same optimum, and stands still short of it.
    known = ramp(plan_of(), None, dict(zip("ab", STUCK, strict=True)))
    assert known.path.stopped
    assert known.far.objective - decision.allocation.bound == pytest.approx(found.more, rel=1e-3)


def test_a_wider_change_limit_opens_the_way_and_nothing_is_said():
    wide = plan_of(max_change="none")
    decision = bo.reallocate(wide, past(STUCK), policy=MEAN, guardrails=None)
    assert decision.beyond is None
    assert decision.allocation.outcome == pytest.approx(brute(CURVES, 800, (0, 0), (800, 800)))


def test_a_step_that_climbs_is_not_called_stuck():
    decision = bo.reallocate(plan_of(), past((400, 400)), policy=MEAN, guardrails=None)
    assert decision.beyond.climbs
    assert "how close weekly steps get" in decision.explain()
    assert "do not lead" not in decision.explain()


def test_a_budget_that_the_change_limits_leave_unspent_is_reached_by_steps():
    # Both channels rise by all they may, so that this week's step alone brought nothing beyond
    # last week's proportions; the next weeks' steps lead on.
    decision = bo.reallocate(plan_of(budget=600), past((200, 200)), policy=MEAN, guardrails=None)
    assert decision.allocation.unspent > 0
    assert decision.beyond.climbs
    assert "small weekly steps" not in decision.explain()


def test_concave_curves_are_not_solved_again(monkeypatch):
    from budgetopt.weekly import guardrails

    def never(*args):
        raise AssertionError("solved once more")

    monkeypatch.setattr(guardrails, "with_change", never)
    curves = (bo.Log(300, 100), bo.Log(30, 100))
    decision = bo.reallocate(plan_of(curves), past((10, 790), curves), policy=MEAN)
    assert decision.beyond is None


@pytest.mark.parametrize("share", [0.019, 0.021])
def test_both_sides_of_what_is_notable(share):
    from budgetopt.weekly.guardrails import NOTABLE

    # One channel is full; the best leaves it for the other, whose top is a little higher.
    high = 700 * (1 + share)
    curves = (bo.Hill(top=high, half=100, shape=8), bo.Hill(top=700, half=100, shape=8))
    declared = plan_of(curves, budget=200)
    decision = bo.reallocate(declared, past((2, 198), curves), policy=MEAN, guardrails=None)
    assert (decision.beyond is not None) == (share > NOTABLE)
