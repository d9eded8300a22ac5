"""The JSON Schema of `result.json`: ``python -m seawall.report.schema`` prints what docs/result.schema.json holds."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from seawall.result import SCHEMA_VERSION, Result


def result_schema() -> dict[str, Any]:
    """Return the schema of this version's results, which those of earlier versions keep as well."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A result of Seawall, schema version {SCHEMA_VERSION}",
        **msgspec.json.schema(Result),
    }


def schema_text() -> str:
    """Return the schema as the text of its file."""
    return msgspec.json.format(msgspec.json.encode(result_schema()), indent=2).decode() + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
