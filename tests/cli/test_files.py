"""Files in and out: every format gives the same state back, bad rows are named, runs resume."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.server import ServerHandle
from tests.support.cli import Cli
from tests.support.populated import DIMENSION, fill
from tests.support.process import environment
from tests.support.vectors import present, random_vectors


@pytest.fixture
def cli(shared_server: ServerHandle, ns: str) -> Cli:
    return Cli(["--server", shared_server.target], ns)


@pytest.fixture
def source(cli: Cli, shared_remote: Client) -> Cli:
    """A namespace with something of everything, metadata and settings included."""
    fill(shared_remote, cli.ns)
    text = 'Čau, "quoted", line\nbreak, 1e5'
    shared_remote.put_items(cli.ns, "inbox 1", weights=0.1, metadata={"text": text, "empty": ""})
    cli.json(
        *("category", "put", cli.ns, "c1", "--base-weight", "0.1", "--window", "3"),
        *("--min-base-share", "0.3", "--meta", "name=první"),
    )
    cli.json("category", "put", cli.ns, "c2", "--clear-base")
    cli.json("category", "put", cli.ns, "c3", "--frozen", "--min-score", "0.1")
    cli.json("category", "put", cli.ns, "c4", "--min-score", "0")
    # Its key is before those of its parts.
    parts = {"c0 item 0": 0.1, "c1 item 1": 3}
    shared_remote.assign(cli.ns, "a composite", "c1", weights=2, parts=parts)
    return cli


def _import_all(cli: Cli, ns: str, folder: Path, suffix: str) -> None:
    for kind in ("categories", "items", "assignments"):
        cli.json("import", kind, ns, str(folder / f"{kind}.{suffix}"))


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "npz", "parquet"])
def test_an_export_imported_again_gives_the_same_state(
    source: Cli, shared_remote: Client, tmp_path: Path, suffix: str
) -> None:
    for kind, rows in (("categories", 5), ("items", 48), ("assignments", 41)):
        told = source.json("export", kind, source.ns, str(tmp_path / f"{kind}.{suffix}"))
        assert told["rows"] == rows
    copy = f"{source.ns}-copy"
    shared_remote.create_namespace(copy, DIMENSION)
    _import_all(source, copy, tmp_path, suffix)
    original, again = (shared_remote.get_namespace(name) for name in (source.ns, copy))
    assert again.digest == original.digest
    for kind in ("categories", "items", "assignments"):
        file = tmp_path / f"again-{kind}.{suffix}"
        source.json("export", kind, copy, str(file))
        assert file.read_bytes() == (tmp_path / f"{kind}.{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "npz", "parquet"])
def test_bounds_of_categories_survive_every_format(
    source: Cli, shared_remote: Client, tmp_path: Path, suffix: str
) -> None:
    file, copy = tmp_path / f"categories.{suffix}", f"{source.ns}-copy"
    source.json("category", "put", source.ns, "c2", "--max-actor-share", "0.2")
    source.json("export", "categories", source.ns, str(file))
    shared_remote.create_namespace(copy, DIMENSION)
    source.json("import", "categories", copy, str(file))
    caps = {each.key: each.max_actor_share for each in shared_remote.list_categories(copy)}
    assert caps == {"c0": None, "c1": None, "c2": 0.2, "c3": None, "c4": None}
    found = {each.key: each.min_score for each in shared_remote.list_categories(copy)}
    # Zero is a least score, and not the absence of one.
    assert found == {"c0": None, "c1": None, "c2": None, "c3": 0.1, "c4": 0.0}


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "npz", "parquet"])
def test_assignments_with_embeddings_need_no_items_before_them(
    source: Cli, shared_remote: Client, tmp_path: Path, suffix: str
) -> None:
    file, copy = tmp_path / f"all.{suffix}", f"{source.ns}-copy"
    source.json("export", "assignments", source.ns, str(file), "--embeddings")
    source.json("export", "categories", source.ns, str(tmp_path / f"categories.{suffix}"))
    shared_remote.create_namespace(copy, DIMENSION)
    source.json("import", "categories", copy, str(tmp_path / f"categories.{suffix}"))
    told = source.json("import", "assignments", copy, str(file))
    assert (told["new"], told["bad"]) == (41, 0)
    shared_remote.delete_items(source.ns, [f"inbox {number}" for number in range(7)])
    assert shared_remote.get_namespace(copy).digest == shared_remote.get_namespace(source.ns).digest


def test_an_option_of_another_kind_is_refused_and_counts_have_their_nouns(
    source: Cli, tmp_path: Path
) -> None:
    file = tmp_path / "items.jsonl"
    for kind in ("categories", "items", "dismissals"):
        refused = source.run("export", kind, source.ns, str(file), "--embeddings")
        assert refused.exit_code == 2
        assert "--embeddings is for assignments" in refused.stderr
        assert not file.exists()
    file.write_text('{"key": "one more", "embedding": [1, 0, 0, 0, 0, 0, 0, 0]}\n')
    assert "1 item in" in source.text("import", "items", source.ns, str(file))


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "npz", "parquet"])
def test_dismissals_exported_and_imported_again_give_the_same_state(
    source: Cli, shared_remote: Client, tmp_path: Path, suffix: str
) -> None:
    pairs = [("inbox 1", "c0"), ("inbox 1", "c3"), ("inbox 2", "c4")]
    shared_remote.dismiss(source.ns, *zip(*pairs, strict=True), reason="not this one")
    counts = {"categories": 5, "items": 48, "assignments": 41, "dismissals": 3}
    for kind, rows in counts.items():
        told = source.json("export", kind, source.ns, str(tmp_path / f"{kind}.{suffix}"))
        assert told["rows"] == rows
    copy, file = f"{source.ns}-copy", str(tmp_path / f"dismissals.{suffix}")
    shared_remote.create_namespace(copy, DIMENSION)
    _import_all(source, copy, tmp_path, suffix)
    told = source.json("import", "dismissals", copy, file)
    assert (told["new"], told["unchanged"]) == (3, 0)
    told = source.json("import", "dismissals", copy, file)
    assert (told["new"], told["unchanged"]) == (0, 3)
    for namespace in (source.ns, copy):
        listed = shared_remote.list_items(namespace)
        found = [(item.key, own.category) for item in listed for own in item.dismissals]
        assert found == pairs
    again = tmp_path / f"again.{suffix}"
    source.json("export", "dismissals", copy, str(again))
    assert again.read_bytes() == Path(file).read_bytes()


def test_a_dismissal_of_a_member_is_a_bad_row(
    source: Cli, shared_remote: Client, tmp_path: Path
) -> None:
    (member, *_) = shared_remote.list_items(source.ns, category="c0")
    rows = [("inbox 1", "c0"), (member.key, "c0"), ("inbox 1", "c0")]
    file = _jsonl(tmp_path, [{"item": item, "category": category} for item, category in rows])
    told = source.json("import", "dismissals", source.ns, file, "--skip-bad")
    assert (told["new"], told["bad"]) == (1, 2)
    refused = source.run("import", "dismissals", source.ns, file)
    assert refused.exit_code != 0
    assert "ITEM_IN_CATEGORY" in refused.stderr or "earlier row" in refused.stderr
    for suffix in ("npy", "npz"):
        told_not = source.run("export", "dismissals", source.ns, str(tmp_path / f"d.{suffix}"))
        assert (told_not.exit_code != 0) == (suffix == "npy")


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "npz", "parquet"])
def test_parts_survive_every_format(
    source: Cli, shared_remote: Client, tmp_path: Path, suffix: str
) -> None:
    file, copy = tmp_path / f"items.{suffix}", f"{source.ns}-copy"
    source.json("export", "items", source.ns, str(file))
    shared_remote.create_namespace(copy, DIMENSION)
    source.json("import", "items", copy, str(file))
    found, original = (shared_remote.get_item(ns, "a composite") for ns in (copy, source.ns))
    assert found.parts == original.parts
    assert {part.item: np.float32(part.weight) for part in found.parts} == {
        "c0 item 0": np.float32(0.1),
        "c1 item 1": 3,
    }
    np.testing.assert_array_equal(present(found.embedding), present(original.embedding))


def test_npy_has_no_room_for_parts(cli: Cli, shared_remote: Client, tmp_path: Path) -> None:
    shared_remote.create_namespace(cli.ns, 2)
    shared_remote.put_items(cli.ns, "x", [1, 2])
    shared_remote.put_items(cli.ns, "plan", parts={"x": 1})
    refused = cli.refused("export", "items", cli.ns, str(tmp_path / "items.npy"))
    assert "the parts of 'plan' would be lost" in refused["message"]


def test_a_matrix_with_its_keys_is_imported_as_items(
    cli: Cli, shared_remote: Client, tmp_path: Path
) -> None:
    shared_remote.create_namespace(cli.ns, DIMENSION)
    vectors = random_vectors(20, DIMENSION, seed=50)
    np.save(tmp_path / "items.npy", vectors)
    keys = [f"item {number}" for number in range(20)]
    (tmp_path / "items.keys.txt").write_text("\n".join(keys), encoding="utf-8")
    told = cli.json("import", "items", cli.ns, str(tmp_path / "items.npy"))
    assert told["new"] == 20
    cli.json("export", "items", cli.ns, str(tmp_path / "out.npy"), "--keys", str(tmp_path / "k"))
    exported = dict(
        zip(
            (tmp_path / "k").read_text(encoding="utf-8").splitlines(),
            np.load(tmp_path / "out.npy"),
            strict=True,
        )
    )
    for key, vector in zip(keys, vectors, strict=True):
        np.testing.assert_array_equal(exported[key], vector)


def test_importing_twice_changes_nothing(
    source: Cli, shared_remote: Client, tmp_path: Path
) -> None:
    for kind in ("categories", "items", "assignments"):
        source.json("export", kind, source.ns, str(tmp_path / f"{kind}.jsonl"))
    before = shared_remote.get_namespace(source.ns)
    _import_all(source, source.ns, tmp_path, "jsonl")
    assert shared_remote.get_namespace(source.ns) == before


def test_a_dry_run_reports_and_writes_nothing(
    cli: Cli, shared_remote: Client, tmp_path: Path
) -> None:
    shared_remote.create_namespace(cli.ns, 2)
    file = _jsonl(tmp_path, [{"key": "a", "embedding": [1, 0]}, {"key": "b", "embedding": [0, 1]}])
    told = cli.json("import", "items", cli.ns, file, "--dry-run")
    assert (told["new"], told["dry_run"]) == (2, True)
    assert shared_remote.get_namespace(cli.ns).item_count == 0


def test_standard_input_and_output_are_json_lines(cli: Cli, shared_remote: Client) -> None:
    shared_remote.create_namespace(cli.ns, 2)
    first = '{"key": "a", "embedding": [1.5, 0], "metadata": {"text": "ž"}}'
    lines = first + '\n\n{"key": "b", "embedding": [0, 1]}\n'
    assert cli.run("import", "items", cli.ns, "-", stdin=lines).exit_code == 0
    exported = cli.run("export", "items", cli.ns, "-").stdout
    assert [json.loads(line)["key"] for line in exported.splitlines()] == ["a", "b"]
    assert json.loads(exported.splitlines()[0])["metadata"] == {"text": "ž"}


def _jsonl(folder: Path, rows: list[Any], name: str = "rows.jsonl") -> str:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(folder / name)


_GOOD = {"key": "good", "embedding": [1, 1]}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("no json", "line 2"),
        ("[1]", "must be a JSON object"),
        ({"embedding": [1, 1]}, "key"),
        ({"key": "bad", "embedding": [1, 1, 1]}, "has 3 components"),
        ({"key": "bad", "embedding": [1, "x"]}, "list of numbers"),
        ({"key": "bad", "embedding": [1, None]}, "list of numbers"),
        ({"key": "bad", "embedding": [1, 1], "weight": "heavy"}, "weight"),
        ({"key": "bad", "embedding": [1, 1], "weight": -1}, "2^-10 to 2^20"),
        ({"key": "bad", "embedding": [0, 0]}, "norm"),
        ({"key": "bad\n", "embedding": [1, 1]}, "U+000A"),
        ({"key": "bad", "embedding": [1, 1], "colour": "red"}, "colour"),
        ({"key": "bad"}, "does not exist"),
        ({"key": "bad", "embedding": [1, 1], "metadata": {"a": 1}}, "metadata.a"),
    ],
)
def test_a_bad_row_is_named_and_ends_the_run_or_is_skipped(
    cli: Cli, shared_remote: Client, tmp_path: Path, row: Any, told: str
) -> None:
    shared_remote.create_namespace(cli.ns, 2)
    file = _jsonl(tmp_path, [_GOOD, row, {"key": "last", "embedding": [1, 2]}])
    done = cli.run("import", "items", cli.ns, file)
    assert done.exit_code == 1
    assert told in done.stderr
    assert "line 2" in done.stderr
    assert "Traceback" not in done.stderr
    # A row with other fields than the previous one starts a new batch.
    alone = isinstance(row, dict) and ("weight" in row or "embedding" not in row)
    written = shared_remote.get_namespace(cli.ns).item_count
    assert written <= alone, "a batch is one write"
    counts = cli.json("import", "items", cli.ns, file, "--skip-bad")
    assert (counts["new"], counts["unchanged"], counts["bad"]) == (2 - written, written, 1)
    assert [item.key for item in shared_remote.list_items(cli.ns)] == ["good", "last"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("rows.txt", b"", "--format"),
        ("rows.csv", b"", "empty"),
        ("rows.csv", b"key,colour\na,red\n", "colour"),
        ("rows.csv", b"embedding\n[1]\n", "key"),
        ("rows.npz", b"no archive", "NumPy"),
        ("rows.npy", b"\x93NUMPY", "rows.keys.txt"),
        ("rows.parquet", b"PAR1", "Parquet"),
    ],
)
def test_a_file_of_another_format_is_reported(
    cli: Cli, shared_remote: Client, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    shared_remote.create_namespace(cli.ns, 2)
    (tmp_path / name).write_bytes(content)
    done = cli.run("import", "items", cli.ns, str(tmp_path / name))
    assert done.exit_code == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert cli.run("import", "items", cli.ns, str(tmp_path / "absent.csv")).exit_code == 1


def test_a_duplicate_key_is_a_bad_row(cli: Cli, shared_remote: Client, tmp_path: Path) -> None:
    shared_remote.create_namespace(cli.ns, 2)
    rows = [{"key": "a", "embedding": [1, 0]}, _GOOD, {"key": "a", "embedding": [0, 1]}]
    file = _jsonl(tmp_path, rows)
    done = cli.run("import", "items", cli.ns, file)
    assert done.exit_code == 1
    assert "line 3, key: 'a' is in an earlier row" in done.stderr
    counts = cli.json("import", "items", cli.ns, file, "--skip-bad")
    assert (counts["new"], counts["bad"]) == (2, 1)
    np.testing.assert_array_equal(present(shared_remote.get_item(cli.ns, "a").embedding), [1, 0])


def _updates(folder: Path, suffix: str) -> str:
    """A file with only keys and embeddings of the items a and b."""
    file, vectors = folder / f"update.{suffix}", np.array([[3, 4], [5, 6]], dtype=np.float32)
    match suffix:
        case "jsonl":
            return _jsonl(
                folder,
                [
                    {"key": key, "embedding": vector.tolist()}
                    for key, vector in zip("ab", vectors, strict=True)
                ],
            )
        case "csv":
            file.write_text('key,embedding\na,"[3, 4]"\nb,"[5, 6]"\n')
        case "npy":
            np.save(file, vectors)
            file.with_suffix(".keys.txt").write_text("a\nb\n")
        case "npz":
            np.savez(file, key=np.array(["a", "b"]), embedding=vectors)
        case "parquet":
            columns = {"key": pa.array(["a", "b"]), "embedding": pa.array(vectors.tolist())}
            pq.write_table(pa.table(columns), file)
    return str(file)


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "npy", "npz", "parquet"])
def test_fields_missing_in_a_row_stay_unchanged(
    cli: Cli, shared_remote: Client, tmp_path: Path, suffix: str
) -> None:
    shared_remote.create_namespace(cli.ns, 2)
    shared_remote.put_items(
        cli.ns, ["a", "b"], [[1, 2], [3, 4]], weights=[2, 3], metadata=[{"x": "1"}, {}]
    )
    cli.json("import", "items", cli.ns, _updates(tmp_path, suffix))
    for key, weight, metadata, vector in (("a", 2, {"x": "1"}, [3, 4]), ("b", 3, {}, [5, 6])):
        item = shared_remote.get_item(cli.ns, key)
        assert (item.weight, item.metadata) == (weight, metadata)
        np.testing.assert_array_equal(present(item.embedding), vector)


def test_a_weight_alone_keeps_metadata_and_an_empty_object_clears_it(
    cli: Cli, shared_remote: Client, tmp_path: Path
) -> None:
    shared_remote.create_namespace(cli.ns, 2)
    shared_remote.put_items(cli.ns, ["a", "b"], [[1, 2]] * 2, metadata={"x": "1"})
    rows = [{"key": "a", "weight": 2}, {"key": "b", "metadata": {}}]
    cli.json("import", "items", cli.ns, _jsonl(tmp_path, rows))
    a, b = (shared_remote.get_item(cli.ns, key) for key in "ab")
    assert (a.weight, a.metadata, b.weight, b.metadata) == (2, {"x": "1"}, 1, {})


def test_fields_of_a_category_missing_in_a_row_stay_unchanged(
    cli: Cli, shared_remote: Client, tmp_path: Path
) -> None:
    shared_remote.create_namespace(cli.ns, 2)
    shared_remote.put_categories(
        cli.ns, CategoryUpdate("c", base=[1, 0], window=5, frozen=True, metadata={"x": "1"})
    )
    before = shared_remote.get_category(cli.ns, "c")
    cli.json(
        "import", "categories", cli.ns, _jsonl(tmp_path, [{"key": "c", "min_base_share": 0.5}])
    )
    after = shared_remote.get_category(cli.ns, "c")
    assert after == dataclasses.replace(before, min_base_share=0.5)


def test_texts_that_numpy_would_pad_are_refused_by_name(
    cli: Cli, shared_remote: Client, tmp_path: Path
) -> None:
    shared_remote.create_namespace(cli.ns, 2)
    keys = [f"k{number}" for number in range(3000)]
    shared_remote.put_items(cli.ns, keys, np.ones((3000, 2)))
    shared_remote.put_items(cli.ns, "k7", metadata={"text": "x" * 16_000})
    done = cli.run("export", "items", cli.ns, str(tmp_path / "items.npz"))
    assert done.exit_code == 1
    assert "parquet" in done.stderr
    assert "metadata" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert cli.run("export", "items", cli.ns, str(tmp_path / "items.jsonl")).exit_code == 0


def test_csv_goes_through_standard_streams(cli: Cli, shared_remote: Client) -> None:
    shared_remote.create_namespace(cli.ns, 2)
    lines = 'key,embedding\na,"[1, 2]"\n'
    done = cli.run("import", "items", cli.ns, "-", "--format", "csv", stdin=lines)
    assert done.exit_code == 0, done.stderr
    exported = cli.run("export", "items", cli.ns, "-", "--format", "csv").stdout
    assert exported.splitlines()[1].startswith('a,"[1.0,2.0]"')
    assert cli.run("export", "items", cli.ns, "-", "--format", "npz").exit_code == 1


def test_bad_rows_are_json_where_json_is_asked_for(
    cli: Cli, shared_remote: Client, tmp_path: Path
) -> None:
    shared_remote.create_namespace(cli.ns, 2)
    done = cli.run("import", "items", cli.ns, _jsonl(tmp_path, [_GOOD, "{"]), "--json")
    assert done.exit_code == 1
    bad, error = (json.loads(line) for line in done.stderr.splitlines())
    assert bad["bad_row"]["place"].endswith("line 2")
    assert "run it again" in error["error"]["message"]


@pytest.fixture
def many_rows(tmp_path: Path) -> str:
    vectors = random_vectors(6000, DIMENSION, seed=51)
    rows = [{"key": f"{n:05}", "embedding": vector.tolist()} for n, vector in enumerate(vectors)]
    return _jsonl(tmp_path, rows, "many.jsonl")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_import_continues_when_run_again(
    cli: Cli, shared_remote: Client, many_rows: str, how: signal.Signals
) -> None:
    shared_remote.create_namespace(cli.ns, DIMENSION)
    command = [sys.executable, "-m", "effective_embeddings.cli", "import", "items", cli.ns]
    # If the tests run in the background, SIGINT is ignored, and children inherit that.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        # Small batches, so that there is time for an interrupt.
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, many_rows, "--batch", "2", *cli.where],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=environment(),
        )
    finally:
        signal.signal(signal.SIGINT, ours)
    end = time.monotonic() + 20
    while shared_remote.get_namespace(cli.ns).item_count == 0:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(how)
    _, told = process.communicate(timeout=20)
    done = shared_remote.get_namespace(cli.ns).item_count
    assert 0 < done < 6000, "it must have been interrupted on the way"
    assert done % 2 == 0, "a batch is all or nothing"
    if how is signal.SIGINT:
        assert process.returncode in (1, 130)
        assert b"Traceback" not in told
        assert b"run it again" in told
    counts = cli.json("import", "items", cli.ns, many_rows)
    assert (counts["new"], counts["unchanged"]) == (6000 - done, done)


def test_an_export_that_fails_leaves_no_file(cli: Cli, tmp_path: Path) -> None:
    assert cli.run("export", "items", "nowhere", str(tmp_path / "out.jsonl")).exit_code == 1
    assert list(tmp_path.iterdir()) == []
