"""Plan files that were made to break a reader are refused at once, by an error of ours."""

import time

import pytest

import budgetopt as bo
from budgetopt.errors import BudgetoptError, InputError, PlanError
from budgetopt.plan import files

HEAD = 'currency = "CNY"\nbudget = 1\n'
CHANNEL = '[[channels]]\nname = "a"\n'
HOSTILE = {
    "brackets": HEAD + f"x = {'[' * 100_000}{']' * 100_000}\n" + CHANNEL,
    "tables": HEAD + f"x = {'{a=' * 20_000}1{'}' * 20_000}\n" + CHANNEL,
    "curve": HEAD + CHANNEL + f"curve = {'{a=' * 16}1{'}' * 16}\n",
    "dots": HEAD + "x." * 200_000 + "y = 1\n" + CHANNEL,
    "dotted-keys": HEAD + "".join(f"a{'.a' * 20}.b{i} = 1\n" for i in range(20_000)) + CHANNEL,
    "spaced-dots": HEAD + " a . " * 100_000 + "y = 1\n" + CHANNEL,
    "digits": HEAD.replace("1", "9" * 5000) + CHANNEL,
    "hexadecimal": HEAD.replace("1", "0x" + "f" * 100_000) + CHANNEL,
    "exponent": HEAD.replace("1", "1e999999999999") + CHANNEL,
    "fraction": HEAD.replace("1", "1." + "9" * 300) + CHANNEL,
    "escapes": HEAD + 'x = "' + '\\"' * 500_000 + "\n" + CHANNEL,
    "open-text": HEAD + 'x = """' + '\\"' * 500_000 + "\n" + CHANNEL,
    "spaces": HEAD + "a" + " " * 1_000_000 + "\n" + CHANNEL,
    "hyphens": HEAD + "a-" * 1_000_000 + "\n" + CHANNEL,
    "date": HEAD.replace("1", "1979-05-27") + CHANNEL,
    "list": HEAD.replace("1", "[1]") + CHANNEL,
    "null": "\0" * 1000,
}
HOSTILE_JSON = {
    "nest": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "deep": '{"a":' * 100 + "1" + "}" * 100,
    "lists": '{"channels":' + "[" * 17 + "]" * 17 + "}",
    "digits": '{"budget": ' + "9" * 5000 + "}",
    "more-digits": '{"currency": "CNY", "channels": [{"name": "a"}], "budget": ' + "9" * 4000 + "}",
    "infinity": '{"currency": "CNY", "channels": [{"name": "a"}], "budget": Infinity}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_toml_is_refused_at_once(tmp_path, name):
    path = tmp_path / "plan.toml"
    path.write_text(HOSTILE[name], encoding="utf-8")
    began = time.process_time()
    with pytest.raises(InputError) as caught:
        bo.Plan.load(path)
    assert time.process_time() - began < 10
    assert len(str(caught.value)) < 5000


@pytest.mark.parametrize("name", HOSTILE_JSON)
def test_hostile_json_is_refused_at_once(tmp_path, name):
    (tmp_path / "plan.json").write_text(HOSTILE_JSON[name], encoding="utf-8")
    for read in (
        lambda: bo.Plan.load(tmp_path / "plan.json"),
        lambda: bo.Plan.from_json(HOSTILE_JSON[name]),
    ):
        with pytest.raises(InputError):
            read()


def test_texts_and_comments_may_hold_what_keys_may_not(tmp_path):
    odd = "[{" * 50 + "a.b" * 50 + "9" * 500
    path = tmp_path / "plan.toml"
    path.write_text(
        f'# {odd}\n{HEAD}name = \'{odd}\'\n{CHANNEL}labels = {{ x = "{odd}\\"" }}\n',
        encoding="utf-8",
    )
    assert bo.Plan.load(path).name == odd


def test_a_plan_file_has_a_size(tmp_path, monkeypatch):
    path = tmp_path / "plan.toml"
    path.write_text(HEAD + CHANNEL)
    monkeypatch.setattr(files, "MOST_BYTES", path.stat().st_size)
    assert bo.Plan.load(path).names == ("a",)
    monkeypatch.setattr(files, "MOST_BYTES", path.stat().st_size - 1)
    with pytest.raises(PlanError, match="the most that is read") as caught:
        bo.Plan.load(path)
    assert caught.value.code == "bad-file"


@pytest.mark.parametrize("budget", [10**5000, 10**400, "9" * 100_000, float("1e300")], ids=range(4))
def test_endless_numbers_are_refused_in_python_too(budget):
    with pytest.raises(BudgetoptError) as caught:
        bo.Plan(budget=budget, currency="CNY", channels=[bo.Channel("a")])
    assert caught.value.to_dict()["message"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("１２３４", "1234"),
        ("１２．５", "12.5"),
        ("12", "12"),
        ("١٢", None),
        ("１_２", None),
        ("𝟏", None),
    ],
)
def test_full_width_digits_are_digits_in_plans_and_histories_alike(tmp_path, text, number):
    path = tmp_path / "h.csv"
    path.write_text(f"week,channel,spend,outcome\n2026-11-16,a,{text},1\n", encoding="utf-8")
    asks = (
        lambda: bo.Plan(budget=text, currency="CNY", channels=[bo.Channel("a")]).budget,
        lambda: bo.History.read(path).spend[0, 0],
    )
    for ask in asks:
        if number is not None:
            assert float(ask()) == float(number)
            continue
        with pytest.raises(InputError):
            ask()


def test_full_width_shares_and_days_are_read_too(tmp_path):
    plan = bo.Plan(
        budget=10,
        currency="CNY",
        channels=[bo.Channel("a")],
        max_change="３０％",
        events=["２０２６-１１-１１"],
    )
    assert (
        plan.max_change
        == bo.Plan(
            budget=10, currency="CNY", channels=[bo.Channel("a")], max_change="30%"
        ).max_change
    )
    path = tmp_path / "h.csv"
    path.write_text("week,channel,spend,outcome\n２０２６-１１-１６,a,1,1\n", encoding="utf-8")
    assert str(bo.History.read(path).weeks[0]) == "2026-11-16"
