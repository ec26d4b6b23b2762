"""Judges a result against the exact values: the verdict, a reason in one line, and the clauses that are broken."""

import numpy as np

from conformance.bounds import allowed, overflow, ulp
from conformance.verdict import Outcome, Verdict

PRECISION = {"margin-precision", "rounded-once"}  # clauses that a result within the naive bound can break
RETURNS = {"returns-rows", "returns-scalar"}  # clauses that a wrong shape breaks
# Clauses that a correct value confirms but a wrong value does not break.
ACCEPTED = RETURNS | {"purpose", "input-shape", "target-shape", "target-int64", "p", "reduction", "weight-dtype"}
# Where the naive bound exceeds the value, as in float16 with more than some 2000 classes, it cannot separate a wrong
# formula from inexact arithmetic. There, by convention, an error of up to 1/16 of the value breaks only accuracy.
NEAR_MISS = 1 / 16


def judge_values(result, exact, dtype, focus, naive=None, claim=None):
    """The outcome of a result.

    `focus` names the clauses that a wrong value breaks, `naive` is the absolute error bound of naive arithmetic (NaN
    where that overflows), and
    `claim` is the error in ulp that the subject promises, if that is less than the contract allows.
    """
    if result.dtype != dtype:
        return _diverges(f"returned {result.dtype}, expected {np.dtype(dtype)}", ("output-dtype",))
    if result.shape != exact.nearest.shape:
        broken = [clause for clause in focus if clause in RETURNS] or focus
        return _diverges(f"returned shape {result.shape}, expected {exact.nearest.shape}", broken)
    focus = [clause for clause in focus if clause not in ACCEPTED]
    with np.errstate(all="ignore"):
        values = result.astype(np.float64)
        expected = np.where(np.abs(exact.nearest) >= overflow(dtype), np.copysign(np.inf, exact.nearest), exact.nearest)
        finite = np.isfinite(expected)
        wrong = ~finite & ~((values == expected) | (np.isnan(values) & np.isnan(expected)))
        overflowed = finite & ~np.isfinite(values) & np.isnan(0 if naive is None else naive)
        wrong |= finite & ~np.isfinite(values) & ~overflowed
        if wrong.any():
            return _diverges(_wrong_value(values, expected, wrong), focus)
        unit = ulp(exact.scale, dtype)
        error = np.where(finite, np.abs((values - np.where(finite, expected, 0)) - exact.rest), 0)
        error = np.where(overflowed, np.inf, error)
        naive = np.broadcast_to(np.nan if naive is None else naive, error.shape)
        bound = np.where(finite, allowed(dtype, exact.scale, naive), 0)
        if claim is not None:
            bound = np.minimum(bound, claim * unit)
    ulps, fraction = (float(np.max(a, initial=0)) for a in (error / unit, error / np.where(bound > 0, bound, unit)))
    # Without a bound only an overflow is accepted.
    beyond = ~(error <= bound) & ~(overflowed & np.isnan(bound))
    if beyond.any():
        text = _wrong_value(values, expected, beyond, worst=error / unit)
        formula = np.where(naive < exact.scale, naive, np.where(overflowed, np.inf, NEAR_MISS * exact.scale))
        if (beyond & ~(error <= formula)).any():
            return _diverges(f"{text}, {ulps:.4g} ulp off", focus, ulps, fraction)
        limit = claim if claim is not None and dtype != np.float64 else 1
        text += (
            f", {ulps:.4g} ulp off where {limit} is allowed, but within the bound of naive {np.dtype(dtype)} arithmetic"
        )
        return _diverges(text, ["accuracy", *(c for c in focus if c in PRECISION)], ulps, fraction)
    measured = exact.nearest != 0  # an expected infinity or NaN is compared as it is
    if measured.any() and not (measured & ~(np.abs(exact.nearest) <= bound)).any():
        return Outcome(Verdict.VACUOUS, "the bound is wider than every value", (), ulps, fraction)
    return Outcome(Verdict.CONFORMS, "", (), ulps, fraction)


def bits(array):
    """The dtype, shape and bytes of a result. Every NaN counts as the same."""
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
    return array.dtype, array.shape, array.tobytes()


def _diverges(text, broken, ulps=None, fraction=None):
    return Outcome(Verdict.DIVERGES, text, tuple(broken), ulps, fraction)


def _wrong_value(values, expected, wrong, worst=None):
    """The first wrong value, or the worst, and the number of wrong values."""
    flat = np.flatnonzero(wrong)[0] if worst is None else np.argmax(np.where(wrong, worst, -1))
    index = np.unravel_index(flat, values.shape)
    position = f"[{', '.join(map(str, index))}]" if index else ""
    others = f" ({int(wrong.sum())} of {values.size} wrong)" if values.size > 1 else ""
    return f"value{position} is {values[index]:.9g}, expected {expected[index]:.9g}{others}"
