"""What the page leaves open, as decided for the kernels and the composite alike, in both modes."""

import mindspore as ms
import numpy as np
import pytest
from cases import DTYPES, POWERS, REDUCTIONS, Inputs
from subjects import Gradient, network, tensors

import ms_mml

NAN, INF = np.nan, np.inf

pytestmark = pytest.mark.usefixtures("mode", "kernels")


@pytest.fixture(params=["multi_margin_loss", "composite"])
def function(request):
    return getattr(ms_mml, request.param)


@pytest.fixture(params=DTYPES)
def dtype(request):
    return DTYPES[request.param]


def loss(function, inputs):
    return network(function, inputs)(*tensors(inputs)).asnumpy()


def gradient(function, inputs, position=0):
    """With an upstream gradient of one."""
    rows = inputs.input.shape[:1] if inputs.reduction == "none" else ()
    dout = ms.Tensor(np.ones(rows, inputs.dtype))
    return Gradient(network(function, inputs), position)(*tensors(inputs), dout).asnumpy()


def one_row(scores, dtype, target=0, weight=None, **options):
    weight = None if weight is None else np.array(weight, dtype)
    return Inputs(np.array([scores], dtype), np.array([target]), weight, reduction="none", **options)


def test_weight_is_outside_the_power(function, dtype):
    inputs = one_row([0, 2, -5], dtype, weight=[3, 1, 1], p=2)
    assert loss(function, inputs) == dtype(3 * 3**2 / 3)


def test_mean_divides_by_rows_and_rows_by_classes(function, dtype):
    inputs = Inputs(np.zeros((2, 4), dtype), np.array([0, 1]), np.array([8, 4, 1, 1], dtype))
    assert loss(function, inputs) == (8 * 3 / 4 + 4 * 3 / 4) / 2


@pytest.mark.parametrize("p", POWERS)
def test_zero_hinge_is_inactive(function, dtype, p):
    inputs = one_row([1, 0, 2], dtype, p=p)  # margin - 1 + 0 is exactly 0
    assert loss(function, inputs) == dtype(2**p / 3)
    np.testing.assert_array_equal(gradient(function, inputs)[0, 1], 0)


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_nan_reaches_the_loss_of_its_row(function, dtype, p, place):
    scores = np.zeros((3, 3), dtype)
    scores[1, place] = NAN
    inputs = Inputs(scores, np.array([0, 0, 0]), None, p, 1, "none")
    np.testing.assert_array_equal(np.isnan(loss(function, inputs)), [False, True, False])
    for reduction in ("mean", "sum"):
        assert np.isnan(loss(function, Inputs(scores, inputs.target, None, p, 1, reduction)))


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_nan_reaches_the_gradient_of_its_row(function, dtype, p, place):
    """Where the right class is NaN, so is every hinge; else that of the class alone, and the sum over them."""
    scores = np.zeros((3, 3), dtype)
    scores[1, place] = NAN
    got = gradient(function, Inputs(scores, np.array([0, 0, 0]), None, p, 1, "none"))
    nans = [True, True, True] if place == 0 else [True, place == 1, place == 2]
    np.testing.assert_array_equal(np.isnan(got), [[False] * 3, nans, [False] * 3])


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0, INF, 0], INF),  # a wrong class beyond all bounds
        ([0, -INF, 0], "finite"),
        ([INF, 0, 0], 0),  # the right class beyond all bounds
        ([-INF, 0, 0], INF),
        ([INF, INF, 0], NAN),  # margin - inf + inf
        ([-INF, -INF, 0], NAN),
    ],
)
def test_infinity_follows_the_formula(function, dtype, p, scores, expected):
    got = loss(function, one_row(scores, dtype, p=p))[0]
    assert got == dtype(1 / 3) if expected == "finite" else np.array_equal(got, expected, equal_nan=True)


def test_nan_weight_reaches_its_rows(function, dtype):
    inputs = one_row([9, 0, 0], dtype, weight=[NAN, 1, 1])  # the row itself is inactive
    assert np.isnan(loss(function, inputs)[0])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_no_rows(function, dtype, reduction, weighted):
    """Run after a call that left a number where an unwritten output would show it."""
    weight = np.ones(4, dtype) if weighted else None
    loss(function, Inputs(np.full((8, 4), 7, dtype), np.zeros(8, np.int64), weight, 1, 1, reduction))
    inputs = Inputs(np.zeros((0, 4), dtype), np.zeros(0, np.int64), weight, 1, 1, reduction)
    expected = {"none": np.zeros(0), "sum": 0.0, "mean": NAN}[reduction]
    np.testing.assert_array_equal(loss(function, inputs), expected)
    assert gradient(function, inputs).shape == (0, 4)
    if weighted:
        np.testing.assert_array_equal(gradient(function, inputs, 2), np.zeros(4))


@pytest.mark.parametrize("scores", [0, NAN, INF])
def test_one_class(function, dtype, scores):
    """No class is wrong, so whatever the score the sum is empty."""
    inputs = Inputs(np.full((3, 1), scores, dtype), np.zeros(3, np.int64), None, 1, 1, "none")
    np.testing.assert_array_equal(loss(function, inputs), np.zeros(3))
    if scores == 0:
        np.testing.assert_array_equal(gradient(function, inputs), np.zeros((3, 1)))


@pytest.mark.parametrize("wide", [np.float32, np.float64])
def test_margin_is_not_squeezed_through_float32(function, wide):
    inputs = one_row([0, -(2.0**24)], wide, margin=2**24 + 1)
    assert loss(function, inputs)[0] == 0.5


def test_float_margin_of_the_cell(dtype):
    cell = ms_mml.MultiMarginLoss(margin=0.1, reduction="sum")
    inputs = one_row([0, 0], dtype)
    assert cell(*tensors(inputs)[:2]).asnumpy() == dtype(0.05)


def test_non_contiguous_input(function, dtype):
    scores = np.random.default_rng(0).standard_normal((5, 12)).astype(dtype)
    target = np.array([0, 1, 2, 3, 4])
    plain = loss(function, Inputs(np.ascontiguousarray(scores[:, ::2]), target, None))
    strided = network(function, Inputs(scores, target, None))
    whole, target, weight = tensors(Inputs(scores, target, None))
    assert strided(whole[:, ::2], target, weight).asnumpy() == plain
    transposed = ms.Tensor(np.ascontiguousarray(scores[:, ::2].T)).T
    assert strided(transposed, target, weight).asnumpy() == plain
