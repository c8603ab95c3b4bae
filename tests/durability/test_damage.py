"""A flipped bit in the files is detected or has no effect: no answer is silently wrong."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from effective_embeddings import CategoryUpdate, Client, EffectiveEmbeddingsError
from effective_embeddings.client import DamagedNamespace
from effective_embeddings.errors import DataLoss
from tests.support.cli import run
from tests.support.vectors import random_vectors

#: Written as by `a_damaged_namespace_hides_no_other_from_a_list` of the engine.
_DAMAGED_ROW = Path(__file__).parent / "fixtures" / "damaged-row"

_DIMENSION = 16
_VECTORS = random_vectors(120, _DIMENSION, seed=90)


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("intact") / "data"
    with Client.embedded(folder) as client:
        client.create_namespace("ns", _DIMENSION)
        client.put_categories(
            "ns", [CategoryUpdate(f"c{n}", base=base) for n, base in enumerate(_VECTORS[:5])]
        )
        keys = [f"item {number}" for number in range(120)]
        client.assign("ns", keys, [f"c{number % 5}" for number in range(120)], _VECTORS)
        client.put_items("ns", "waiting", _VECTORS[0], metadata={"text": "x" * 3000})
    return folder


def _read_all(folder: Path) -> list[object]:
    """Everything that a client can read, checked by verify; raises if damage is detected."""
    with Client.embedded(folder) as client:
        seen: list[object] = []
        for namespace in client.list_namespaces():
            report = client.verify(namespace.name)
            if report.findings:
                raise EffectiveEmbeddingsError("; ".join(report.findings))
            seen += [
                namespace,
                report.digest,
                list(client.list_categories(namespace.name, include_embeddings=True)),
                list(client.list_items(namespace.name, include_embeddings=True)),
                client.match(namespace.name, _VECTORS[:10], limit=0),
            ]
    return seen


def test_undamaged_files_read_the_same_twice(intact: Path, tmp_path: Path) -> None:
    shutil.copytree(intact, tmp_path / "copy")
    assert _read_all(tmp_path / "copy") == _read_all(intact)


def test_a_flipped_bit_anywhere_is_detected_or_has_no_effect(intact: Path, tmp_path: Path) -> None:
    expected = _read_all(intact)
    rng = random.Random(90)
    found = 0
    for number in range(40):
        copy = tmp_path / f"{number}"
        shutil.copytree(intact, copy)
        file = rng.choice([path for path in sorted(copy.iterdir()) if path.stat().st_size])
        content = bytearray(file.read_bytes())
        place = rng.randrange(len(content))
        content[place] ^= 1 << rng.randrange(8)
        file.write_bytes(bytes(content))
        try:
            seen = _read_all(copy)
        except EffectiveEmbeddingsError:
            found += 1
        else:
            assert seen == expected, f"{file.name}, byte {place}"
        shutil.rmtree(copy)
    assert found > 0, "some of them must have hit what is read"


def test_a_truncated_file_is_detected(intact: Path, tmp_path: Path) -> None:
    largest = max(intact.iterdir(), key=lambda path: path.stat().st_size)
    for share in (0.9, 0.5, 0.01):
        copy = tmp_path / f"{share}"
        shutil.copytree(intact, copy)
        with (copy / largest.name).open("r+b") as file:
            file.truncate(int(largest.stat().st_size * share))
        with pytest.raises(EffectiveEmbeddingsError):
            _read_all(copy)


def test_a_missing_file_is_not_mistaken_for_an_empty_service(intact: Path, tmp_path: Path) -> None:
    largest = max(intact.iterdir(), key=lambda path: path.stat().st_size)
    copy = tmp_path / "copy"
    shutil.copytree(intact, copy)
    (copy / largest.name).unlink()
    with pytest.raises(EffectiveEmbeddingsError):
        _read_all(copy)


def test_a_foreign_folder_is_refused_and_left_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(EffectiveEmbeddingsError):
        Client.embedded(file)
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_namespace_whose_row_is_damaged_is_named_and_the_others_are_listed(
    tmp_path: Path,
) -> None:
    """Three namespaces; the row of "b" fails its checksum although its page passes."""
    data = tmp_path / "data"
    shutil.copytree(_DAMAGED_ROW, data)
    with Client.embedded(data) as client:
        damaged: list[DamagedNamespace] = []
        listed = [each.name for each in client.list_namespaces(damaged=damaged)]
        assert listed == ["a", "c"]
        assert [(each.name, each.reason) for each in damaged] == [("b", "DATA_CORRUPTED")]
        with pytest.raises(DataLoss, match="'b'") as caught:
            list(client.list_namespaces())
        assert caught.value.metadata == {"namespace": "b"}
        assert client.get_namespace("c").revision == 1
    done = run("namespace", "list", "--data", str(data))
    assert done.exit_code == 1
    first = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    assert [word for word in first if word in "abc"] == ["a", "c"]
    assert done.stderr.startswith("b: DATA_CORRUPTED: ")
    done = run("verify", "--data", str(data))
    assert done.exit_code == 1
    assert "b" in done.stdout + done.stderr
