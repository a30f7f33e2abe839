"""Chinese, by English template."""

from __future__ import annotations

ZH: dict[str, str] = {
    "nothing moves, as {first} to {last} is frozen": "{first} 至 {last} 为冻结期，预算不调整",
}
