"""Decisions over HTTP with FastAPI: ``uvicorn app:app``; OpenAPI stands at ``/openapi.json``."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

import budgetopt as bo

app = FastAPI(title="budgetopt", version=bo.__version__)


@app.exception_handler(bo.BudgetoptError)
async def refused(request: Request, error: bo.BudgetoptError) -> JSONResponse:
    """Answer every typed error by its status, in the caller's language."""
    chinese = request.headers.get("accept-language", "").startswith("zh")
    return JSONResponse(error.to_dict("zh" if chinese else "en"), error.http_status)


@app.get("/health")
def health() -> dict[str, str]:
    """Say that the service is up, and which version it is."""
    return {"status": "ok", "version": bo.__version__}


@app.post("/reallocate")
def reallocate(plan: dict[str, Any], history: dict[str, Any]) -> dict[str, Any]:
    """Decide the next week from `Plan.to_dict` and `History.to_dict`."""
    return bo.reallocate(bo.Plan.from_dict(plan), bo.History.from_dict(history)).to_dict()
