"""Sessions kept on disk: one SQLite file a user, written ahead, never deleted by us."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sparselab.benchmarking.records import Session
from sparselab.core.errors import FileError, SparselabError

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    key TEXT PRIMARY KEY, date TEXT NOT NULL, device TEXT NOT NULL, shape TEXT NOT NULL, dtype TEXT NOT NULL,
    document TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class Store:
    """The sessions in the database at `path`; every call opens it anew, so that processes may share it.

    Raises: FileError from every method when the file is damaged, is no such database, or cannot be written.
    """

    path: Path

    def add(self, session: Session) -> str:
        """Keep a session; return its key. It is on disk when this returns; adding it twice keeps it once."""
        device, shape = str(session.device.get("name", "")), shape_text(session)
        row = (session.key, session.date, device, shape, session.dtype, json.dumps(session.as_json()))
        with self._open() as connection, connection:
            connection.execute("INSERT OR IGNORE INTO sessions VALUES (?, ?, ?, ?, ?, ?)", row)
        return session.key

    def sessions(
        self, *, device: str | None = None, shape: str | None = None, dtype: str | None = None
    ) -> tuple[Session, ...]:
        """Return the sessions of a device, a shape ("512 x 4608") and a dtype (None: any), the newest first."""
        wanted = {name: value for name, value in (("device", device), ("shape", shape), ("dtype", dtype)) if value}
        where = " AND ".join(["TRUE", *(f"{name} = ?" for name in wanted)])
        query = f"SELECT document FROM sessions WHERE {where} ORDER BY date DESC, key"  # noqa: S608 - names of our own
        with self._open() as connection:
            found = connection.execute(query, tuple(wanted.values())).fetchall()
        try:
            return tuple(Session.from_json(json.loads(document)) for (document,) in found)
        except (json.JSONDecodeError, SparselabError) as error:
            raise self._damaged(error) from None

    def remove(self, key: str) -> None:
        """Forget one session."""
        with self._open() as connection, connection:
            connection.execute("DELETE FROM sessions WHERE key = ?", (key,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=10.0)) as connection:
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                if version > _VERSION:
                    raise FileError(f"expected latency sessions of version {_VERSION}; {self.path} is newer: {version}")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(_SCHEMA)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
                connection.commit()
                yield connection
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> FileError:
        return FileError(
            f"expected a database of latency sessions; {self.path}: {error}. Nothing was deleted: move it away to "
            "start a new one"
        )


def shape_text(session: Session) -> str:
    """Return the weight's shape as people write it: 512 x 4608."""
    return f"{session.shape[0]} x {session.shape[1]}"
