"""CategoryMatrix: the exact sums and the ranking alone, arrays in and out."""

from __future__ import annotations

import multiprocessing
import os
import warnings
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryMatrix, kernels
from tests.support.vectors import random_vectors

_D = 24


def _filled(kernel: str | None = None) -> tuple[CategoryMatrix, Any, Any]:
    bases, members = random_vectors(50, _D, seed=60), random_vectors(300, _D, seed=61)
    rows = np.arange(300, dtype=np.int64) % 50
    matrix = CategoryMatrix(_D, kernel=kernel)
    assert matrix.add_rows(bases) == 0
    matrix.add(rows, members)
    sums = bases.astype(np.float64)
    np.add.at(sums, rows, members.astype(np.float64))
    return matrix, sums, (rows, members)


@pytest.mark.parametrize("kernel", [None, *kernels()])
def test_every_kernel_ranks_as_numpy_does_and_to_the_same_bits(kernel: str | None) -> None:
    matrix, sums, _ = _filled(kernel)
    queries = random_vectors(20, _D, seed=62)
    found, scores = matrix.top_k(queries, 5)
    units = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    expected = (queries / np.linalg.norm(queries, axis=1, keepdims=True)) @ units.T
    order = np.argsort(-expected, axis=1)[:, :5]
    np.testing.assert_array_equal(found, order)
    np.testing.assert_allclose(scores, np.take_along_axis(expected, order, 1), atol=1e-6)
    scalar, _, _ = _filled("scalar")
    np.testing.assert_array_equal(scalar.top_k(queries, 5)[1], scores)


def test_a_removed_member_leaves_no_trace() -> None:
    matrix, _, (rows, members) = _filled()
    before = [matrix.sums(row).tobytes() for row in range(50)]
    more = random_vectors(300, _D, seed=63)
    weights = np.full(300, 0.1, dtype=np.float32)
    matrix.add(rows, more, weights)
    assert [matrix.sums(row).tobytes() for row in range(50)] != before
    order = np.random.default_rng(1).permutation(300)
    matrix.remove(rows[order], more[order], weights)
    assert [matrix.sums(row).tobytes() for row in range(50)] == before
    matrix.remove(rows, members)
    assert not any(matrix.sums(row).any() for row in range(50))


def test_effective_is_the_mean_of_base_and_members() -> None:
    matrix = CategoryMatrix(2)
    matrix.add_rows(np.array([[1, 0], [0, 0]], dtype=np.float32))
    rows = np.array([0, 1], dtype=np.int64)
    matrix.add(rows, np.array([[0, 1], [3, 4]], dtype=np.float32))
    np.testing.assert_allclose(matrix.effective(0), [0.5, 0.5])
    np.testing.assert_allclose(matrix.effective(1), [3, 4])
    assert len(matrix) == 2


def test_one_query_is_a_batch_of_one() -> None:
    matrix, _, _ = _filled()
    query = random_vectors(1, _D, seed=64)
    one, many = matrix.top_k(query[0], 3), matrix.top_k(query, 3)
    np.testing.assert_array_equal(one[0], many[0])
    np.testing.assert_array_equal(one[1], many[1])
    assert one[0].shape == (1, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.add(np.array([99]), np.ones((1, _D), dtype=np.float32)),
        lambda m: m.add(np.array([-1]), np.ones((1, _D), dtype=np.float32)),
        lambda m: m.add(np.array([0, 1]), np.ones((1, _D), dtype=np.float32)),
        lambda m: m.add(np.array([0]), np.ones((1, _D - 1), dtype=np.float32)),
        lambda m: m.add(np.array([0]), np.full((1, _D), np.nan, dtype=np.float32)),
        lambda m: m.add(np.array([0]), np.zeros((1, _D), dtype=np.float32)),
        lambda m: m.add_rows(np.ones((1, _D + 1), dtype=np.float32)),
        lambda m: m.top_k(np.zeros((1, _D), dtype=np.float32)),
        lambda m: m.top_k(np.ones((1, 2), dtype=np.float32)),
        lambda m: m.sums(50),
        lambda m: m.effective(-1),
        lambda _: CategoryMatrix(0),
        lambda _: CategoryMatrix(16385),
        lambda _: CategoryMatrix(4, kernel="abacus"),
    ],
)
def test_invalid_arguments_are_refused_and_change_nothing(call: Any) -> None:
    matrix, _, _ = _filled()
    before = [matrix.sums(row).tobytes() for row in range(50)]
    with pytest.raises((ValueError, IndexError, OverflowError)):
        call(matrix)
    assert [matrix.sums(row).tobytes() for row in range(50)] == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_ranks_without_its_parents_threads() -> None:
    # Twice the size from which a scan uses a second thread.
    matrix = CategoryMatrix(1024, threads=4)
    matrix.add_rows(np.tile(random_vectors(1_000, 1024, seed=63), (16, 1)))
    query = random_vectors(1, 1024, seed=64)
    expected = matrix.top_k(query, 10)
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=lambda: answers.put(matrix.top_k(query, 10)))
    with warnings.catch_warnings():
        # The parent's threads must exist for this test.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    child.join(30)
    assert child.exitcode == 0
    for found, right in zip(answers.get(), expected, strict=True):
        np.testing.assert_array_equal(found, right)
