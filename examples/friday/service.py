"""The weekly run inside a service of one's own, here over HTTP: ``python service.py``.

POST /week                           run the week that follows; ?as_of=DATE for another Friday
GET  /week?week=DATE                 where a week stands
POST /approve?week=DATE&revision=N   approve it, with the name in the header X-User, in UTF-8

A proxy in front says who somebody is. Requests may come at once, and to several such processes: the
ledger lets one of them write at a time, and a week is proposed once.

A job queue needs no server: its worker calls ``Friday(folder).week()``.
"""

import argparse
import datetime as dt
import inspect
import json
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from budgetopt import BudgetoptError, History, Plan
from budgetopt.calendar import as_date
from budgetopt.ledger import Ledger
from budgetopt.workflow import WeekState, run_week, state_of
from budgetopt.workflow.approval import approve


class Friday:
    """The weekly rhythm of one folder, whose files are read anew for every call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def week(self, as_of: str = "") -> dict[str, Any]:
        """Decide the next week that has not begun, and record it."""
        plan, today = self._plan(), as_of or str(dt.date.today())
        path = self.folder / "history.csv"
        history = History.read(path, plan.columns, channels=plan.names, as_of=today)
        return run_week(plan, history, self._ledger(), who="service", today=today).to_dict()

    def approve(self, week: str, revision: str, who: str) -> dict[str, Any]:
        """Approve the revision of a week that somebody looked at."""
        number = int(revision) if revision.isdecimal() else 0
        return _plain(approve(self._ledger(), self._plan(), week, who=who, revision=number))

    def state(self, week: str) -> dict[str, Any]:
        """Return where a week stands."""
        return _plain(state_of(self._ledger(), as_date(week, "week")))

    def _plan(self) -> Plan:
        return Plan.load(self.folder / "plan.toml")

    def _ledger(self) -> Ledger:
        return Ledger.open(self.folder / "friday.db")


def _plain(state: WeekState) -> dict[str, Any]:
    return {"week": str(state.week), "state": state.state, "revision": state.revision}


class Handler(BaseHTTPRequestHandler):
    """Hands requests to the server's `Friday`, and its answers and errors back as JSON."""

    server: "Server"

    def do_GET(self) -> None:
        """Answer a question."""
        self._answer({"/week": self.server.friday.state})

    def do_POST(self) -> None:
        """Do something, in the name of somebody."""
        friday = self.server.friday
        # Headers are read as Latin-1, whatever was sent.
        who = self.headers.get("X-User", "").encode("latin-1").decode("utf-8", "replace")

        def approved(week: str, revision: str) -> dict[str, Any]:
            return friday.approve(week, revision, who)

        self._answer({"/week": friday.week, "/approve": approved})

    def _answer(self, calls: dict[str, Callable[..., dict[str, Any]]]) -> None:
        url = urlsplit(self.path)
        call, query = calls.get(url.path), dict(parse_qsl(url.query))
        if call is None:
            return self._send(HTTPStatus.NOT_FOUND, {"message": f"{url.path} is not there"})
        try:
            inspect.signature(call).bind(**query)
        except TypeError as error:
            return self._send(HTTPStatus.BAD_REQUEST, {"message": str(error)})
        try:
            self._send(HTTPStatus.OK, call(**query))
        except BudgetoptError as error:
            chinese = self.headers.get("Accept-Language", "").startswith("zh")
            self._send(HTTPStatus(error.http_status), error.to_dict("zh" if chinese else "en"))

    def _send(self, status: HTTPStatus, body: dict[str, Any]) -> None:
        text = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


class Server(ThreadingHTTPServer):
    """Serves one folder, to this machine alone."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.friday = Friday(folder)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="The weekly run over HTTP.")
    options.add_argument("--folder", type=Path, default=Path(__file__).parent)
    options.add_argument("--port", type=int, default=8321)
    given = options.parse_args()
    with Server(given.folder, given.port) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
