"""The FastAPI example answers as the library does, and typed errors by their status."""

import importlib.util
from pathlib import Path

import pytest

import budgetopt as bo

pytest.importorskip("fastapi")
pytest.importorskip("httpx2")
EXAMPLES = Path(__file__).parents[1] / "examples"
PLAN = bo.Plan.load(EXAMPLES / "weekly" / "plan.toml")
HISTORY = bo.History.read(EXAMPLES / "weekly" / "history.csv", PLAN.columns, channels=PLAN.names)
ASKED = {"plan": PLAN.to_dict(), "history": HISTORY.to_dict()}


@pytest.fixture(scope="module")
def client():
    from fastapi.testclient import TestClient

    spec = importlib.util.spec_from_file_location("app", EXAMPLES / "fastapi" / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return TestClient(module.app)


def test_it_decides_what_the_library_decides(client):
    answer = client.post("/reallocate", json=ASKED)
    assert answer.status_code == 200
    assert bo.Decision.from_dict(answer.json()) == bo.reallocate(PLAN, HISTORY)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"plan": ASKED["plan"] | {"budget": "lots"}}, 400, "bad-money"),
        ({"history": {}}, 400, "bad-argument"),
        ({"plan": ASKED["plan"] | {"budget": "1300"}}, 422, "floors-above-budget"),
    ],
)
def test_typed_errors_are_answered_by_their_status(client, change, status, code):
    answer = client.post("/reallocate", json=ASKED | change)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == code


def test_an_error_is_in_the_language_of_the_caller(client):
    wrong = ASKED | {"plan": {}}
    answer = client.post("/reallocate", json=wrong, headers={"Accept-Language": "zh-CN,zh"})
    assert answer.json()["message"].startswith("缺少 ")


def test_it_says_that_it_is_up_and_what_it_takes(client):
    assert client.get("/health").json() == {"status": "ok", "version": bo.__version__}
    assert "/reallocate" in client.get("/openapi.json").json()["paths"]
