"""Everything in Chinese: help, answers and errors; `--lang`, `BUDGETOPT_LANG` and the locale."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from budgetopt.cli.common import language_of, usual_language
from budgetopt.cli.help_zh import HELP
from budgetopt.cli.run import UsageError, _problem_of, _reason_of, command_line
from budgetopt.errors import CODES
from budgetopt.i18n import Message, in_language

from . import friday
from .helpers import run

SENTENCE = re.compile(r"\b(?!budgetopt)[A-Za-z][a-z]+(?: [a-z]+){2,}")
"""Three words of Latin letters on end: names, codes and units have fewer."""


def commands(command=None, path=()):
    """Yield every command and group with its words."""
    command = command or command_line()
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, (*path, name))


def texts(command):
    parts = ("help", "epilog", "rich_help_panel")
    for holder in (command, *command.params):
        yield from (text for part in parts if isinstance(text := getattr(holder, part, None), str))


WORDS = [path for path, _ in commands()]
LANGUAGES = [
    ({}, "en"),
    ({"LANG": "zh_CN.UTF-8"}, "zh"),
    ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
    ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
    ({"BUDGETOPT_LANG": "zh", "LC_ALL": "C"}, "zh"),
    ({"BUDGETOPT_LANG": "en", "LANG": "zh_CN"}, "en"),
]


@pytest.mark.parametrize(("variables", "language"), LANGUAGES)
def test_the_variable_counts_before_the_locale(variables, language):
    assert usual_language(variables) == language


def test_the_option_counts_first(monkeypatch):
    monkeypatch.setenv("BUDGETOPT_LANG", "zh")
    assert language_of(["check", "plan.toml"]) == "zh"
    assert language_of(["check", "--lang", "en"]) == "en"
    assert language_of(["check", "--lang=en"]) == "en"


def test_every_text_of_help_has_its_chinese():
    said = {text for _, command in commands() for text in texts(command)}
    assert said - {""} == HELP.keys()


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_help_is_chinese_and_english_again(words, capsys, monkeypatch):
    english = run(capsys, *words, "--help")
    monkeypatch.setenv("BUDGETOPT_LANG", "zh")
    code, out, err = run(capsys, *words, "--help")
    assert (code, err) == (0, "")
    assert not SENTENCE.findall(re.sub("用法：.*", "", out))
    assert "用法：" in out
    assert "显示此帮助" in out
    monkeypatch.setenv("BUDGETOPT_LANG", "en")
    assert run(capsys, *words, "--help") == english


EXAMPLES = Path(__file__).parents[2] / "examples"
WEEK = ("plan.toml", "--history", "history.csv", "--as-of", friday.TODAY)
LEDGER = ("plan.toml", "--ledger", "friday.db")
WHO = ("--who", "李雷 Li Lei")
RHYTHM = [
    ("check", *WEEK),
    ("learn", *WEEK),
    ("reallocate", *WEEK, "--explain"),
    ("what-if", *WEEK, "--budget", "-20%"),
    ("frontier", *WEEK),
    ("simulate", *WEEK, "--runs", 8, "--weeks", 2),
    ("year", *WEEK, "--weeks", 4),
    ("ramp", *WEEK),
    ("init", "history.csv", "--out", "drafted.toml"),
    ("demo", "example"),
    ("week", *WEEK, *LEDGER[1:], "--explain"),
    ("edit", *WEEK[:3], *LEDGER[1:], "--week", friday.WEEK, "--set", "kol=760", "--why", "测试"),
    ("reject", *LEDGER, "--week", friday.WEEK, "--why", "测试"),
    ("week", *WEEK, *LEDGER[1:]),
    ("edit", *WEEK[:3], *LEDGER[1:], "--week", friday.WEEK, "--set", "kol=760", "--why", "测试"),
    ("approve", *LEDGER, "--week", friday.WEEK, *WHO),
    ("apply", *LEDGER, "--week", friday.WEEK, *WHO),
    ("release", *LEDGER, "--amount", 10, "--why", "测试", "--week", "2025-11-10",
     "--as-of", friday.TODAY, *WHO),
    ("pace", *WEEK, *LEDGER[1:]),
    ("history", *LEDGER),
    ("show", *LEDGER, "--week", friday.WEEK),
    ("diff", *LEDGER, "--week", friday.WEEK),
    ("ledger", "verify", "--ledger", "friday.db"),
]  # fmt: skip


def test_every_command_answers_in_chinese(folder, capsys, monkeypatch):
    """One week, from its draft to its end: each answer is there, and none holds English."""
    monkeypatch.setenv("BUDGETOPT_LANG", "zh")
    for command in RHYTHM:
        code, out, err = run(capsys, *command)
        assert code in (0, 5, 7), (command, err)
        # What is to be copied stands on lines of its own.
        lines = [line for line in out.splitlines() if not line.startswith(("  ", "budgetopt "))]
        assert not SENTENCE.findall("\n".join(lines)), command
        assert re.search("[\u4e00-\u9fff]", out), command


def test_a_test_of_creatives_answers_in_chinese(tmp_path, capsys, monkeypatch):
    shutil.copytree(EXAMPLES / "creatives", tmp_path / "creatives")
    monkeypatch.chdir(tmp_path / "creatives")
    file = next(Path().glob("*.toml"))
    for command in ("next", "verdict"):
        code, out, err = run(capsys, "experiment", command, file, "--lang", "zh")
        assert (code, err) == (0, "")
        assert not SENTENCE.findall(out)
        assert "测试组" in out


def test_programs_read_the_same_columns_in_every_language(folder, capsys):
    """People read workbooks and Markdown in Chinese; no script breaks for it."""
    for command in (("reallocate", *WEEK), ("frontier", *WEEK), ("learn", *WEEK)):
        heads = {
            lang: run(capsys, *command, "--format", "csv", "--lang", lang)[1].splitlines()[0]
            for lang in ("en", "zh")
        }
        assert heads["zh"] == heads["en"]
    layout = ("export", *WEEK, "--layout", "long", "--out", "h.csv", "--lang")
    assert run(capsys, *layout, "zh") == (0, "", "")
    written = (folder / "h.csv").read_text("utf-8")
    assert run(capsys, *layout, "en") == (0, "", "")
    assert (folder / "h.csv").read_text("utf-8") == written


def test_every_code_of_an_error_means_something_in_chinese():
    assert all(re.search("[\u4e00-\u9fff]", in_language(said, "zh")) for said in CODES.values())


def test_an_error_says_in_chinese_what_is_wrong_and_where(folder, capsys):
    code, out, err = run(capsys, "check", "none.toml", "--lang", "zh")
    assert (code, out) == (2, "")
    assert err.startswith("budgetopt: 无法读取计划文件 'none.toml'（")


def test_one_form_of_arguments_serves_every_command_on_a_ledger(folder, capsys):
    run(capsys, "week", *WEEK, *LEDGER[1:])
    for command in ("history", "show", "diff", "approve"):
        week = () if command == "history" else ("--week", friday.WEEK)
        who = ("--who", "李雷 Li Lei") if command == "approve" else ()
        code, _, err = run(capsys, command, *LEDGER, *week, *who)
        assert (code, err) == (0, "") or command == "diff"
    other = (folder / "plan.toml").read_text("utf-8").replace('"shop"', '"other"')
    (folder / "other.toml").write_text(other, "utf-8")
    code, _, err = run(capsys, "history", "other.toml", "--ledger", "friday.db")
    assert code == 2
    assert "other" in err


def test_no_help_in_chinese_is_cut_off_at_eighty_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("BUDGETOPT_LANG", "zh")
    for name in ([], *([name] for name in command_line().commands), ["ledger", "verify"]):
        code, out, _ = run(capsys, *name, "--help")
        assert code == 0
        assert "…" not in out, name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("week", "--setings"), "没有这个选项：--setings"),
        (("week", "p", "--as-off", "x"), "没有这个选项：--as-off（可用的选项：--as-of）"),
        (("frob",), "没有这个命令：'frob'"),
        (("week", "p"), "缺少选项 '--ledger'"),
        (("reallocate",), "缺少参数 'PLAN'"),
        (("reallocate", "p", "q"), "多余的参数（q）"),
        (("reallocate", "p", "--seed"), "选项 '--seed' 需要一个值"),
        (("year", "p", "--by", "x"), "'--by' 的值无效：“x”不是“week”、“month”之一"),
        (("year", "p", "--weeks", "x"), "'--weeks' 的值无效：不是整数"),
        (("--version=3",), "选项 '--version' 不带值"),
        (("ledger",), "缺少命令"),
    ],
)
def test_a_wrong_call_is_said_in_chinese(capsys, monkeypatch, words, said):
    monkeypatch.setenv("BUDGETOPT_LANG", "zh")
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    joined = "".join(err.split())
    assert "".join(said.split()) in joined
    assert "原文" not in joined


def every_option():
    """Return every option of every command, with the words that call its command."""
    for name, command in command_line().commands.items():
        inner = getattr(command, "commands", None)
        for words, one in (
            [((name, n), c) for n, c in inner.items()] if inner else [((name,), command)]
        ):
            for param in one.params:
                if param.param_type_name == "option" and "--help" not in param.opts:
                    yield words, param


def test_no_value_of_any_option_is_refused_in_english(capsys, monkeypatch):
    monkeypatch.setenv("BUDGETOPT_LANG", "zh")
    seen = set()
    for words, param in every_option():
        option = max(param.opts, key=len)
        if param.is_flag or option == "--lang":
            continue
        for value in ("~", "-7", "1e400"):
            code, _, err = run(capsys, *words, f"{option}={value}", "--lang", "zh")
            assert code != 0, (words, option)
            assert "原文" not in err, err
            # What is left are names of options, commands, and values.
            known = r"x[<>]=?|'[^']*'|“[^”]*”|budgetopt[a-z -]*|--[a-z-]+|\.[a-z]+|[A-Z]{2,}|[^a-z]"
            plain = re.sub(known, "", " ".join(err.split()))
            assert not plain, (words, option, value, err)
            seen |= {text for text in ("值无效",) if text in err}
    assert seen


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        # As click, typer and pydantic say it, of any version that we take.
        ("'x' is not a valid integer.", "不是整数"),
        ("Input should be a valid integer, unable to parse string as an integer", "不是整数"),
        ("'x' is not a valid float.", "不是数字"),
        ("Input should be a valid number, unable to parse string as a number", "不是数字"),
        ("Input should be a finite number", "不是数字"),
        ("'x' is not a valid boolean.", "既不是真也不是假"),
        ("Input should be a valid boolean, unable to interpret input", "既不是真也不是假"),
        ("2.0 is not in the range 0.0<=x<=1.0.", "不在范围 0.0<=x<=1.0 内"),
        ("Input should be greater than or equal to 1", "小于 1"),
        ("Input should be less than or equal to 1", "大于 1"),
        ("'x' is not one of 'a', 'b'.", "“x”不是“a”、“b”之一"),
        ("Value error, 'x' is not one of 'a', 'b'", "“x”不是“a”、“b”之一"),
    ],
)
def test_a_reason_of_any_library_is_said_in_chinese(reason, said):
    assert in_language(_reason_of(reason), "zh") == said


def test_every_kind_of_wrong_call_is_said_in_chinese():
    module = sys.modules[UsageError.__module__]
    kinds = {name for name, one in vars(module).items()
             if isinstance(one, type) and issubclass(one, UsageError)}  # fmt: skip
    param = next(p for _, p in every_option())
    made = {
        "UsageError": UsageError("No such command 'frob'."),
        "BadParameter": module.BadParameter("'x' is not a valid integer.", param=param),
        "MissingParameter": module.MissingParameter(param=param),
        "NoSuchOption": module.NoSuchOption("--x", possibilities=["--y"]),
        "BadOptionUsage": module.BadOptionUsage("--x", "Option '--x' requires 2 arguments."),
        "BadArgumentUsage": module.BadArgumentUsage("Argument 'x' takes 2 values."),
    }
    # Its text is a page of help, which no command of ours shows in place of an error.
    assert kinds - made.keys() <= {"NoArgsIsHelpError"}
    for name, error in made.items():
        assert isinstance(_problem_of(error), Message), name
