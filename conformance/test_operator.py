"""Loss, gradient and weight gradient of the operator against exact values, in both modes."""

import mindspore as ms
import numpy as np
import pytest
from cases import Case, cases
from judge import judge_gradient, judge_loss, judge_weight_gradient
from oracle import Exact
from subjects import Gradient, network, tensors

import ms_mml

CASES = cases()
COMPOSITE_CASES = [case for case in CASES if case.shape == (17, 129)]


def judge(function, case, slack):
    inputs, dout = case.inputs(), case.dout()
    exact = Exact(inputs)
    net = network(function, inputs)
    arguments = tensors(inputs)
    judge_loss(net(*arguments).asnumpy(), exact, slack)
    judge_gradient(Gradient(net, 0)(*arguments, ms.Tensor(dout)).asnumpy(), exact, dout, slack)
    if inputs.weight is not None:
        judge_weight_gradient(Gradient(net, 2)(*arguments, ms.Tensor(dout)).asnumpy(), exact, dout, slack)


@pytest.mark.usefixtures("kernels", "mode")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_operator(case):
    judge(ms_mml.multi_margin_loss, case, slack=0)


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("case", COMPOSITE_CASES, ids=lambda case: case.id)
def test_composite(case):
    """MindSpore's operators round at every step, in the dtype of the computation: float16 in float32."""
    judge(ms_mml.composite, case, slack=0.5 if case.dtype == "f16" else 8 + sum(case.shape))


def test_golden():
    """Values worked out by hand, so that the oracle itself cannot drift.

    x = [[1, 0.5, -1], [0, 2, 0.25]], y = [0, 2], margin 1. Row 0: margins 0.5 and -1 (inactive); row 1: 0.75 and 2.75.
    """
    inputs = Case("f64", 2, "mean", "unweighted", 1, (2, 3)).inputs()
    scores = np.array([[1, 0.5, -1], [0, 2, 0.25]])
    golden = {1: ([0.5 / 3, 3.5 / 3], 2 / 3), 2: ([0.25 / 3, 8.125 / 3], 8.375 / 6)}
    for p, (rows, mean) in golden.items():
        exact = Exact(type(inputs)(scores, np.array([0, 2]), None, p, 1, "mean"))
        assert [float(row) for row in exact.row_losses()] == rows
        assert float(exact.loss()) == mean
    exact = Exact(type(inputs)(scores, np.array([0, 2]), None, 1, 1, "sum"))
    third = 1 / 3
    assert [[float(d) for d in row] for row in exact.gradient(1.0)] == [[-third, third, 0], [third, third, -2 * third]]
