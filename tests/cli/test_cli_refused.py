"""What is typed is heard or refused: options given twice, names that promise another format."""

from pathlib import Path

import pytest

import budgetopt as bo
from budgetopt.cli.run import command_line

from . import friday as at
from .helpers import change, run

HISTORY = ("--history", "history.csv", "--as-of", "2025-11-20")


def commands():
    """Yield the words of every command and its parameters."""
    waiting = [((), command_line())]
    while waiting:
        words, command = waiting.pop()
        for name, each in getattr(command, "commands", {}).items():
            waiting.append(((*words, name), each))
        if not hasattr(command, "commands"):
            yield words, command.params


SINGLE = [
    (words, max(param.opts, key=len))
    for words, params in commands()
    for param in params
    if param.param_type_name == "option" and not param.is_flag and not param.multiple
]


@pytest.mark.parametrize(("words", "option"), SINGLE, ids=lambda v: "-".join(v) if v else "")
def test_no_option_loses_a_value_in_silence(capsys, words, option):
    code, out, err = run(capsys, *words, option, "1", option, "2")
    assert (code, out) == (2, "")
    assert f"{option} is given 2 times, and takes one value" in " ".join(err.split())


def test_there_are_options_to_be_tried():
    assert (("reallocate",), "--belief") in SINGLE
    assert (("experiment", "next"), "--format") in SINGLE
    assert len(SINGLE) > 100


def test_two_histories_are_one(capsys, shop):
    path = Path(HISTORY[1])
    header, *rows = path.read_text("utf-8").splitlines()
    weeks = sorted({row.split(",")[0] for row in rows})
    for name, some in (("a.csv", weeks[:-4]), ("b.csv", weeks[-6:])):
        lines = [row for row in rows if row.split(",")[0] in some]
        Path(name).write_text("\n".join([header, *lines]) + "\n", "utf-8")
    whole = run(capsys, "reallocate", "plan.toml", *HISTORY)
    for given in (("--history", "a.csv", "--history", "b.csv"), ("--history", "[ab].csv")):
        code, out, _ = run(capsys, "reallocate", "plan.toml", *given, *HISTORY[2:])
        assert (code, out.partition("Note:")[0]) == (whole[0], whole[1].partition("Note:")[0])
        assert "identical rows in two files" in " ".join(out.split())
    code, _, err = run(capsys, "check", "plan.toml", "--history", "a.csv", "--history", "a.csv")
    assert (code, "given twice" in " ".join(err.split())) == (2, True)


@pytest.mark.parametrize(
    ("more", "remedy"),
    [
        (("--out", "page.pdf"), "plain text is written: name a .txt file"),
        (("--format", "table", "--out", "page.JSON"), "name a .txt file, or give --format json"),
        (("--format", "md", "--out", "page.xlsx"), "name a .md file, or give --format xlsx"),
        (("--format", "csv-excel", "--out", "page.xlsx"), "name a .csv file"),
        (
            ("--out", "page.csv", "--json"),
            "JSON is written: name a .json file, or give --format csv",
        ),
        (("--json", "--out", "page.parquet"), "JSON is written: name a .json file"),
        (("--format", "csv", "--out", "page.tsv"), "CSV is written: name a .csv file"),
        (("--format", "xlsx"), "not printed: name a file with --out, such as answer.xlsx"),
        (("--save-belief", "belief.csv"), "JSON is written: name a .json file"),
    ],
)
def test_the_name_of_a_file_says_no_other_format_than_it_has(capsys, shop, more, remedy):
    code, out, err = run(capsys, "reallocate", "plan.toml", *HISTORY, *more)
    said = " ".join(err.replace('"', " ").split())
    assert (code, out) == (2, "")
    assert remedy in said
    assert not [*shop.glob("page*"), *shop.glob("belief*")]


@pytest.mark.parametrize("name", ["a.json", "a.txt", "a", "a.2025"])
def test_other_names_are_written(capsys, shop, name):
    assert run(capsys, "reallocate", "plan.toml", *HISTORY, "--json", "--out", name)[0] == 0
    assert (shop / name).read_text(encoding="utf-8").startswith("{")


def test_json_asked_for_twice_is_json_and_beside_another_format_refused(capsys, shop):
    assert run(capsys, "check", "plan.toml", "--history", "history.csv")[0] == 0
    once = run(capsys, "reallocate", "plan.toml", *HISTORY, "--json", "--format", "json")
    assert once[0] == 0
    both = run(capsys, "reallocate", "plan.toml", *HISTORY, "--json", "--format", "table")
    assert both[0] == 2


def test_a_folder_has_no_name_of_a_file(capsys, shop):
    code, _, err = run(capsys, "simulate", "plan.toml", *HISTORY, "--out", "years.xlsx")
    assert code == 2
    assert "name a folder" in " ".join(err.split())


def test_the_sign_of_another_currency_is_refused_by_every_command(capsys, folder):
    change(folder, "history.csv", "spend", "spend (USD)")
    text = (folder / "plan.toml").read_text(encoding="utf-8")
    Path("plan.toml").write_text(text + '\n[history]\nspend = "spend (USD)"\n', encoding="utf-8")
    ledger = ("--ledger", "l.db")
    for command, *more in (
        ("check",),
        ("learn",),
        ("reallocate",),
        ("simulate", "--runs", "1"),
        ("frontier",),
        ("week", *ledger),
        ("pace", *ledger),
    ):
        code, _, err = run(capsys, command, "plan.toml", *HISTORY, *more)
        assert code == 2, command
        assert "in 'USD', and the plan is in CNY" in " ".join(err.split()), command


@pytest.mark.parametrize("form", ["table", "json"])
def test_nothing_printed_acts_on_a_terminal(capsys, shop, form):
    for words in (
        ("check", "a\x1b[2J\u202e.toml"),
        ("reallocate", "plan.toml", "--history", "a\x9b2J.csv"),
        ("reallocate", "plan.toml", *HISTORY, "--policy", "a\x1b]0;x\x07"),
        ("reallocate", "plan.toml", *HISTORY, "--a\x1b[2J"),
    ):
        json_ = ("--json",) if form == "json" and words[0] != "check" else ()
        code, out, err = run(capsys, *words, *json_)
        assert (code, out) == (2, "")
        assert err.replace("\n", "").isprintable(), words


def test_what_people_wrote_is_shown_escaped(capsys, proposed):
    why = "too\x1b[2J much\u202e"
    for words in (("reject", *at.ON, "--why", why), ("show", *at.ON[1:]), ("history", *at.LEDGER)):
        code, out, err = run(capsys, *words)
        assert code == 0, err
        assert out.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["page.docx", "page.svg", "page.XLSB", "page.pdf ", "page.md.zip"])
@pytest.mark.parametrize(
    "words",
    [
        ("week", *at.FILES, "--as-of", at.TODAY),
        ("pace", *at.FILES, "--as-of", at.TODAY),
        ("ramp", *at.FILES[:3]),
        ("history", *at.LEDGER),
        ("diff", *at.LEDGER, "--week", at.WEEK),
        ("ledger", "verify", *at.LEDGER),
    ],
)
def test_every_command_refuses_a_name_that_promises_another_format(capsys, proposed, words, name):
    def head():
        with bo.Ledger.open("friday.db", create=False) as ledger:
            return ledger.head

    before = head()
    code, out, err = run(capsys, *words, "--out", name)
    said = " ".join(err.replace('"', " ").split())
    assert (code, out) == (2, "")
    assert "plain text is written: name a .txt file" in said
    # Only what the command can write is offered.
    assert "--format" not in said
    assert not [*Path().glob("page*")]
    assert head() == before


@pytest.mark.parametrize("name", ["years.xlsb", "years.ZIP", "years.csv."])
def test_folders_are_not_called_as_files(capsys, shop, name):
    for words in (("simulate", "plan.toml", *HISTORY, "--out", name), ("demo", name)):
        code, _, err = run(capsys, *words)
        assert (code, "name a folder" in " ".join(err.split())) == (2, True)
    assert not (shop / name).exists()
