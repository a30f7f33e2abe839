"""The adapter to PuLP: values, statuses, signs of prices, and what it leaves behind."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from scipy.optimize import linprog, milp
from scipy.sparse import csr_array

from budgetopt.optimize.programs.lp import Program, Status, solve


def random_program(seed, whole=False, size=8, rows=5):
    rng = np.random.default_rng([seed, size, rows])
    matrix = rng.normal(0, 1, (rows, size)) * (rng.random((rows, size)) < 0.7)
    inside = rng.uniform(0, 3, size)
    room = matrix @ (np.floor(inside) if whole else inside) + rng.uniform(0, 1, rows)
    return Program(
        objective=rng.normal(0, 1, size),
        lower=np.zeros(size),
        upper=rng.integers(3, 6, size).astype(float),
        matrix=csr_array(matrix),
        room=room,
        whole=rng.random(size) < 0.6 if whole else None,
    )


@pytest.mark.parametrize("seed", range(15))
def test_values_and_prices_agree_with_another_linear_solver(seed):
    program = random_program(seed)
    answer = solve(program)
    other = linprog(
        -program.objective,
        program.matrix.toarray(),
        program.room,
        bounds=list(zip(program.lower, program.upper, strict=True)),
    )
    assert answer.status is Status.OPTIMAL
    assert program.objective @ answer.values == pytest.approx(-other.fun, rel=1e-9, abs=1e-9)
    assert answer.prices == pytest.approx(-other.ineqlin.marginals, abs=1e-7)


@pytest.mark.parametrize("seed", range(15))
def test_whole_columns_agree_with_another_integer_solver(seed):
    program = random_program(seed, whole=True)
    answer = solve(program)
    other = milp(
        -program.objective,
        constraints=(program.matrix.toarray(), -np.inf, program.room),
        bounds=(program.lower, program.upper),
        integrality=program.whole.astype(int),
    )
    assert answer.status is Status.OPTIMAL
    assert program.objective @ answer.values == pytest.approx(-other.fun, rel=1e-7, abs=1e-7)
    assert np.array_equal(answer.values[program.whole], np.round(answer.values[program.whole]))
    assert answer.prices.size == 0


@pytest.mark.parametrize("seed", range(10))
def test_prices_are_what_more_room_brings(seed):
    program = random_program(seed)
    here, step = solve(program), 1e-6
    for row in range(program.room.size):
        more = program.room.copy()
        more[row] += step
        there = solve(Program(program.objective, program.lower, program.upper,
                              program.matrix, more))  # fmt: skip
        gain = program.objective @ (there.values - here.values) / step
        assert here.prices[row] >= 0
        assert gain == pytest.approx(here.prices[row], abs=1e-4)


def test_the_price_of_an_equation_has_the_sign_of_its_use():
    for objective, price in ((2.0, 2.0), (-2.0, -2.0)):
        program = Program(
            np.array([objective]), np.zeros(1), np.full(1, 9.0), csr_array([[1.0]]),
            np.array([3.0]), equal=np.array([True]),
        )  # fmt: skip
        answer = solve(program)
        assert answer.values.tolist() == [3.0]
        assert answer.prices == pytest.approx([price])


def program_of(matrix, room, upper=np.inf, whole=None):
    size = np.shape(matrix)[1]
    return Program(
        np.ones(size), np.zeros(size), np.full(size, upper), csr_array(matrix),
        np.asarray(room, dtype=float), whole,
    )  # fmt: skip


def test_infeasible_and_unbounded_are_told_apart_and_have_no_values():
    unmet = solve(program_of([[1.0, 1.0], [-1.0, -1.0]], [1, -2]))
    endless = solve(program_of([[1.0, -1.0]], [1]))
    assert unmet.status is Status.INFEASIBLE
    assert endless.status is Status.UNBOUNDED
    assert not unmet.found
    assert not endless.found
    # With whole columns the solver at first says "one or the other".
    whole = np.array([True, True])
    assert solve(program_of([[1.0, -1.0]], [1], whole=whole)).status is Status.UNBOUNDED


def test_rows_without_columns_are_kept_or_infeasible():
    assert solve(program_of([[0.0], [1.0]], [0, 1])).values.tolist() == [1.0]
    assert solve(program_of([[0.0], [1.0]], [-1, 1])).status is Status.INFEASIBLE


def test_rows_without_end_bind_nothing_and_empty_columns_go_to_their_bound():
    program = Program(
        np.array([1.0, 0.0, -1.0]), np.array([0.0, 2.0, 1.0]), np.array([3.0, 4.0, 5.0]),
        csr_array([[1.0, 0.0, 0.0]]), np.array([np.inf]),
    )  # fmt: skip
    answer = solve(program)
    assert answer.values.tolist() == [3.0, 2.0, 1.0]
    assert answer.prices.tolist() == [0.0]


def test_a_program_without_columns_or_rows_is_solved():
    nothing = Program(np.empty(0), np.empty(0), np.empty(0), csr_array((1, 0)), np.ones(1))
    assert solve(nothing).status is Status.OPTIMAL
    free = Program(np.ones(2), np.zeros(2), np.ones(2), csr_array((0, 2)), np.empty(0))
    assert solve(free).values.tolist() == [1.0, 1.0]


def test_no_time_is_a_time_limit_not_an_optimum():
    rng = np.random.default_rng(1)
    size = 60
    program = Program(
        rng.uniform(1, 2, size), np.zeros(size), np.ones(size),
        csr_array(rng.uniform(1, 2, (20, size))), np.full(20, 20.0),
        np.ones(size, dtype=bool),
    )  # fmt: skip
    answer = solve(program, time_limit=0.0)
    assert answer.status is Status.TIME_LIMIT


@pytest.mark.parametrize("nodes", [0, 1, 5])
def test_a_limit_of_nodes_ends_with_what_was_found(nodes):
    rng = np.random.default_rng(2)
    size, rows = 50, 12
    matrix = rng.integers(1, 100, (rows, size)).astype(float)
    program = Program(
        rng.integers(1, 100, size).astype(float), np.zeros(size), np.ones(size),
        csr_array(matrix), np.floor(matrix.sum(axis=1) * 0.37), np.ones(size, dtype=bool),
    )  # fmt: skip
    answer = solve(program, nodes=nodes)
    assert answer.status is Status.TIME_LIMIT
    assert np.all(matrix @ answer.values <= program.room) if answer.found else True


@pytest.mark.parametrize("money", [1e-6, 1.0, 1e9])
@pytest.mark.parametrize("worth", [1e-12, 1.0, 1e12])
def test_units_do_not_matter(money, worth):
    program = random_program(3)
    scaled = Program(
        program.objective * worth, program.lower, program.upper,
        program.matrix * money, program.room * money,
    )  # fmt: skip
    one, other = solve(program), solve(scaled)
    assert other.values == pytest.approx(one.values, abs=1e-9)
    assert other.prices == pytest.approx(one.prices * worth / money, rel=1e-9)


def test_nothing_is_printed_or_left_behind(tmp_path):
    folder, scratch = tmp_path / "read only", tmp_path / "a temp folder"
    folder.mkdir()
    scratch.mkdir()
    folder.chmod(0o555)
    code = """
        import warnings
        warnings.simplefilter("error")
        import numpy as np
        from scipy.sparse import csr_array
        from budgetopt.optimize.programs.lp import Program, solve
        whole = np.array([True, False])
        p = Program(np.ones(2), np.zeros(2), np.ones(2), csr_array([[1.0, 2.0]]), np.ones(1), whole)
        assert solve(p).values.tolist() == [1.0, 0.0]
    """
    names = {"TMPDIR": str(scratch), "TMP": str(scratch), "TEMP": str(scratch)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=folder,
        env={**os.environ, **names, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    folder.chmod(0o755)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(folder.iterdir()) == []
    assert list(scratch.iterdir()) == []
