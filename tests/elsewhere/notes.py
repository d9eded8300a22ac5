"""A notes application of another framework with a database of its own: Flask and SQLite, knowing nothing of Seawall.

``python notes.py PORT DATABASE [SLOW_S]`` serves it with threads; *SLOW_S* is how long each write takes.
"""

from __future__ import annotations

import logging
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from flask import Flask, abort, jsonify, request
from werkzeug.serving import WSGIRequestHandler


def application(database: Path, slow_s: float) -> Flask:
    """Return the application over a new database of twenty notes."""
    app = Flask(__name__)

    def connection() -> sqlite3.Connection:
        return sqlite3.connect(database, timeout=10, isolation_level=None)

    with connection() as first:
        first.execute("PRAGMA journal_mode=WAL")
        first.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        first.executemany("INSERT INTO notes (text) VALUES (?)", [(f"note {number}",) for number in range(20)])

    @app.get("/notes/<int:number>")
    def look(number: int) -> Any:
        row = connection().execute("SELECT id, text FROM notes WHERE id = ?", (number,)).fetchone()
        if row is None:
            abort(404)
        return jsonify(id=row[0], text=row[1])

    @app.post("/notes")
    def write() -> Any:
        time.sleep(slow_s)
        text = request.get_json()["text"]
        made = connection().execute("INSERT INTO notes (text) VALUES (?)", (text,))
        return jsonify(id=made.lastrowid), 201

    @app.get("/search")
    def search() -> Any:
        word = f"%{request.args['word']}%"
        found = connection().execute("SELECT id FROM notes WHERE text LIKE ? LIMIT 10", (word,)).fetchall()
        return jsonify([row[0] for row in found])

    return app


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    WSGIRequestHandler.protocol_version = "HTTP/1.1"  # else each request needs a connection of its own
    port, place, *slow = sys.argv[1:]
    application(Path(place), float(slow[0]) if slow else 0.0).run(port=int(port), threaded=True)
