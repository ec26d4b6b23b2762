"""A result against the exact one: raises AssertionError with the place and the distance."""

import numpy as np
from oracle import error_in_ulp, gradient_bound, loss_bound, overflow


def _near(results, exacts, bound, dtype, of, what):
    assert len(results) == len(exacts), f"{what}: {len(results)} values, expected {len(exacts)}"
    infinite_from = overflow(dtype)
    for index, (result, exact, scale) in enumerate(zip(results, exacts, of)):
        if abs(exact) >= infinite_from:
            assert np.isinf(result), f"{what}[{index}] is {result}, expected {float(exact)}, which rounds to infinity"
            assert (result > 0) == (exact > 0), f"{what}[{index}] has the wrong sign"
            continue
        assert np.isfinite(result), f"{what}[{index}] is {result}, expected {float(exact)}"
        error = error_in_ulp(result, exact, dtype, scale)
        assert error <= bound, (
            f"{what}[{index}] is {result!r}, expected {float(exact)!r}: {error:.3f} ulp, at most {bound}"
        )


def judge_loss(result, exact, slack=0, bound=None):
    """`slack` is added to the bound for any implementation; `bound` takes its place."""
    inputs = exact.inputs
    scalar = inputs.reduction != "none"
    assert result.dtype == inputs.dtype
    assert result.shape == (() if scalar else inputs.target.shape)
    value, magnitude = exact.loss(), exact.magnitude()
    if scalar:
        result, value, magnitude = [result[()]], [value], [magnitude]
    bound = loss_bound(inputs) + slack if bound is None else bound
    _near(result, value, bound, inputs.dtype, magnitude, "loss")


def judge_gradient(result, exact, dout, slack=0, bound=None):
    inputs = exact.inputs
    assert result.dtype == inputs.dtype
    assert result.shape == inputs.input.shape
    bound = gradient_bound(inputs) + slack if bound is None else bound
    for row, (got, expected) in enumerate(zip(result, exact.gradient(dout))):
        largest = max(map(abs, expected))
        _near(got, expected, bound, inputs.dtype, [largest] * len(expected), f"gradient[{row}]")


def judge_weight_gradient(result, exact, dout, slack=0):
    inputs = exact.inputs
    assert result.dtype == inputs.dtype
    assert result.shape == inputs.weight.shape
    value, magnitude = exact.weight_gradient(dout)
    rows = len(inputs.target) if inputs.dtype == np.float64 else 0
    _near(result, value, loss_bound(inputs) + rows + slack, inputs.dtype, magnitude, "weight gradient")
