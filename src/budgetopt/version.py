"""The version, for what is recorded as well."""

from __future__ import annotations

VERSION = "0.1.0"
