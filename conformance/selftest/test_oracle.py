"""The oracle against independent results, and the bounds against naive arithmetic."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest

from conformance.bounds import Naive, overflow, ulp
from conformance.cases import all_cases
from conformance.cases.golden import golden_cases
from conformance.cases.inputs import DTYPES, Inputs, generator, weights
from conformance.cases.values import ValueCase
from conformance.oracle import Exact, Hinges
from conformance.selftest.record_pytorch import FILE, is_recorded

GOLDEN = [case for case in golden_cases() if hasattr(case, "index")]
COMPARED = [case for case in all_cases("full") if is_recorded(case)]
RECORDED = json.loads(FILE.read_text())["results"]


def exact_of(inputs):
    return Exact(Hinges(inputs.input, inputs.target, inputs.margin), inputs.weight, inputs.p, inputs.reduction)


def values_of(case):
    exact = exact_of(case.inputs())
    return (
        exact.loss() if case.operation == "loss" else getattr(exact, case.operation.replace("-", "_"))(case.full_dout())
    )


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.id)
def test_golden_values(case):
    """The oracle equals the committed fractions in every bit."""
    exact, expected = values_of(case), case.expected()
    np.testing.assert_array_equal(exact.nearest, expected.nearest)
    np.testing.assert_array_equal(exact.rest, expected.rest)


def test_recorded_cases_are_complete():
    assert {case.id for case in COMPARED} == set(RECORDED)
    assert len(RECORDED) >= 40


@pytest.mark.parametrize("case", COMPARED, ids=lambda case: case.id)
def test_pytorch_in_float64(case):
    exact, inputs = values_of(case), case.inputs()
    bound = Naive(inputs).loss() if case.operation == "loss" else Naive(inputs).gradient(case.full_dout())
    assert np.all(np.abs(np.array(RECORDED[case.id]) - exact.nearest) <= bound)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("values", ["nan", "inf"])
def test_nan_and_infinity_follow_ieee_arithmetic(values, p):
    """Compared with naive arithmetic in float64, also with zero, negative and NaN weights."""
    base = ValueCase("loss", "f64", p, "none", "wnone", 1, (9, 33), values, "inner").inputs()
    for weight_kind in ("wnone", "w0", "wsigned", "wnan"):
        weight = weights("f64", weight_kind, base.input.shape[1])
        inputs = Inputs(base.input, base.target, weight, p, base.margin, "none")
        rows = np.arange(len(inputs.target))
        with np.errstate(all="ignore"):
            z = inputs.margin - inputs.input[rows, inputs.target][:, None] + inputs.input
            hinge = np.where(np.isnan(z), z, np.maximum(z, 0))
            hinge[rows, inputs.target] = 0
            row_loss = (hinge**p).sum(1) / inputs.input.shape[1]
            row_loss = row_loss if weight is None else row_loss * weight[inputs.target]
        np.testing.assert_allclose(exact_of(inputs).loss().nearest, row_loss, rtol=1e-12)


def test_counts_equal_repeated_rows():
    rng = generator("counts")
    scores, target = rng.standard_normal((3, 5)), np.array([0, 4, 2])
    counts = [2, 1, 3]
    for reduction in ("mean", "sum"):
        short = Exact(Hinges(scores, target, 1, counts), None, 2, reduction)
        long = Exact(Hinges(np.repeat(scores, counts, 0), np.repeat(target, counts), 1), None, 2, reduction)
        assert short.loss() == long.loss()
        np.testing.assert_array_equal(np.repeat(short.gradient(1.5).nearest, counts, 0), long.gradient(1.5).nearest)


def test_nearest_and_rest_add_up_to_the_exact_value():
    exact = exact_of(Inputs(np.array([[0.0, 0.1, 0.2]]), np.array([0]), None, 1, 1, "none")).loss()
    value = (2 + Fraction(0.1) + Fraction(0.2)) / 3
    kept = Fraction(float(exact.nearest[0])) + Fraction(float(exact.rest[0]))
    assert abs(kept - value) < Fraction(1, 2**105)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_ulp(dtype):
    """At 1, below and at a power of two, at the smallest normal and subnormal number, and at 0."""
    info = np.finfo(dtype)
    values = np.array([1, 1.5, np.nextafter(dtype(2), dtype(0)), 2, info.tiny, info.smallest_subnormal], dtype)
    np.testing.assert_array_equal(ulp(values, dtype), np.spacing(values).astype(np.float64))
    assert ulp(0.0, dtype) == float(info.smallest_subnormal)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_overflow_is_the_least_value_that_rounds_to_infinity(dtype):
    with np.errstate(over="ignore"):
        assert np.isinf(dtype(overflow(dtype)))
        assert np.isfinite(dtype(np.nextafter(overflow(dtype), 0)))
    assert overflow(np.float64) == math.inf


def naive_loop(inputs, dout):
    """The loss and the gradient from a naive loop, in which every step is rounded to the dtype."""
    dtype, (rows, classes) = inputs.dtype.type, inputs.input.shape
    losses, gradient = [], np.zeros_like(inputs.input)
    for r, y in enumerate(inputs.target):
        total = dtype(0)
        factor = dtype(dtype(dout) * dtype(inputs.p)) / dtype(classes) / dtype(rows)
        for i in range(classes):
            z = dtype(dtype(dtype(inputs.margin) - inputs.input[r, y]) + inputs.input[r, i])
            if i != y and z > 0:
                total = dtype(total + (z if inputs.p == 1 else dtype(z * z)))
                gradient[r, i] = factor if inputs.p == 1 else dtype(factor * z)
                gradient[r, y] = dtype(gradient[r, y] - gradient[r, i])
        losses.append(dtype(total / dtype(classes)))
    loss = dtype(0)
    for row in losses:
        loss = dtype(loss + row)
    return dtype(loss / dtype(rows)), gradient


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_naive_loop_stays_within_the_naive_bound(dtype, p):
    """It must also use at least 2% of the bound: a bound that is far too wide cannot detect an error."""
    used = 0
    for draw in range(20):
        rng = generator(f"{dtype}-{p}-{draw}")
        scores = rng.standard_normal((4, 19)).astype(DTYPES[dtype])
        inputs = Inputs(scores, rng.integers(0, 19, 4), None, p, 1, "mean")
        loss, gradient = naive_loop(inputs, 1.5)
        exact, naive = exact_of(inputs), Naive(inputs)
        fractions = [abs(float(loss) - exact.loss().nearest) / naive.loss()]
        fractions.append((np.abs(gradient - exact.gradient(1.5).nearest) / naive.gradient(1.5)).max())
        assert max(fractions) <= 1
        used = max(used, *fractions)
    assert used > 0.02
