"""Property tests: any scores, shapes and options give the exact result; invalid arguments raise errors that name them.

The suite's cases are chosen edge cases; hypothesis draws arbitrary cases and shrinks those that fail.
`--hypothesis-profile=search` draws new examples in every run and takes about ten minutes.
"""

import functools
import re
from dataclasses import dataclass
from typing import Optional

import mindspore as ms
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ms_mml
from conformance.bounds import Naive
from conformance.cases.base import Call, Case
from conformance.cases.factors import OPERATIONS, POWERS, REDUCTIONS
from conformance.cases.inputs import Inputs
from conformance.judge import judge_values
from conformance.leg import Leg
from conformance.oracle import Exact, Hinges
from conformance.subjects.networks import Network
from conformance.verdict import Outcome, Verdict
from conformance.worker import answer_case
from ms_mml.subjects.library import CLAIMS
from ms_mml.subjects.operator import MsMml

EXAMPLES = settings().max_examples
DTYPES = {np.float16: 16, np.float32: 32, np.float64: 64}
SPECIAL = st.sampled_from((np.nan, np.inf, -np.inf))
INT64 = (-(2**63), 2**63 - 1)


@dataclass(frozen=True)
class Drawn(Case):
    """The loss and the gradients of a drawn call."""

    inputs: Inputs
    dout: np.ndarray
    view: Optional[str]
    id, tier, focus, needs = "drawn", "quick", ("formula",), frozenset()

    def operations(self):
        return OPERATIONS[: 2 if self.inputs.weight is None else 3]

    def calls(self):
        arguments, layouts = self.inputs.arguments(), {} if self.view is None else {"input": self.view}
        gradients = [
            Call("gradient", arguments, self.dout, pick, layouts) for pick in range(len(self.operations()) - 1)
        ]
        return [Call("loss", arguments, layouts=layouts), *gradients]

    def bad_target(self):
        """The error message for the first target out of range; None if there is none."""
        target = self.inputs.target
        bad = np.flatnonzero((target < 0) | (target >= self.inputs.input.shape[1]))
        return (
            f"For 'multi_margin_loss', target[{bad[0]}] is {target[bad[0]]} but must be in [0, " if len(bad) else None
        )

    def outcome_of_results(self, answers, leg):
        if self.bad_target():
            return Outcome(Verdict.DIVERGES, f"accepted: {self.bad_target()}")
        inputs, dtype = self.inputs, self.inputs.dtype
        exact = Exact(Hinges(inputs.input, inputs.target, inputs.margin), inputs.weight, inputs.p, inputs.reduction)
        for operation, answer in zip(self.operations(), answers):
            method, dout = operation.replace("-", "_"), () if operation == "loss" else (self.dout,)
            claim = None if operation == "weight-gradient" else leg.claims[dtype.name]
            values, naive = (getattr(of, method)(*dout) for of in (exact, Naive(inputs)))
            outcome = judge_values(answer.array, values, dtype, self.focus, naive, claim)
            if outcome.verdict.is_failure and outcome.verdict is not Verdict.VACUOUS:
                return Outcome(outcome.verdict, f"{operation}: {outcome.detail}")
        return Outcome(Verdict.CONFORMS)

    def outcome_of_error(self, answer, leg):
        if self.bad_target() and self.bad_target() in answer.message and answer.error[0] == "RuntimeError":
            return Outcome(Verdict.CONFORMS)
        return Outcome(Verdict.REFUSES, answer.text())


def numbers(dtype, p):
    """Finite numbers. For float64, only those whose powers and sums do not overflow: beyond that, the contract promises
    only the formula evaluated step by step."""
    if dtype is not np.float64:
        largest = float(np.finfo(dtype).max)
        return st.floats(-largest, largest, width=DTYPES[dtype])
    if p == 1:
        return st.floats(-1e300, 1e300)
    return st.just(0.0) | st.floats(1e-70, 1e70) | st.floats(-1e70, -1e-70)


def factors(dtype):
    """Weights and upstream gradients. In float16 and float32 their products may overflow or underflow."""
    if dtype is not np.float64:
        info = np.finfo(dtype)
        edges = [1.0, -2.0, *map(float, (info.max, info.tiny, info.smallest_subnormal))]
        return st.sampled_from(edges) | numbers(dtype, 1) | SPECIAL
    return st.just(0.0) | st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3) | SPECIAL


@st.composite
def scores(draw, dtype, p, shape, target, margin, rng):
    """A mixture of normally distributed scores, copies of a few drawn numbers, and scores whose hinge is about 0."""
    drawn = draw(st.lists(numbers(dtype, p) | SPECIAL, min_size=1, max_size=6))
    normal = rng.standard_normal(shape) * 2.0 ** draw(st.integers(-8, 8))
    values = np.where(rng.random(shape) < draw(st.sampled_from((0, 0.1, 0.9, 1))), rng.choice(drawn, shape), normal)
    with np.errstate(all="ignore"):
        values = values.astype(dtype)
        own = values[np.arange(shape[0]), target % shape[1], None].astype(np.float64)
        ties = np.broadcast_to((own - margin).astype(dtype), shape)
        for _ in range(draw(st.integers(0, 2))):
            ties = np.nextafter(ties, dtype(draw(st.sampled_from((-np.inf, np.inf)))))
    close = np.isfinite(ties) & (rng.random(shape) < draw(st.sampled_from((0, 0.3))))
    close[np.arange(shape[0]), target % shape[1]] = False
    return np.where(close, ties, values)


SHAPES = st.tuples(st.integers(0, 40), st.integers(1, 300))
LARGE_SHAPES = st.tuples(st.integers(1, 3), st.integers(1000, 40_000))


def any_int64(dtype, p):
    return st.integers(-3, 3) | st.integers(*INT64)


def any_float(dtype, p):
    return numbers(np.float64, p).filter(lambda margin: abs(margin) < 1e100)


@st.composite
def options(draw, dtype, margins=any_int64, shapes=SHAPES):
    """Any shape, p, margin and reduction, with or without weights."""
    p = draw(st.sampled_from(POWERS))
    return draw(shapes), p, draw(margins(dtype, p)), draw(st.sampled_from(REDUCTIONS)), draw(st.booleans())


# The options of compiled networks. They are few, because each compiles two graphs; a search draws from many more.
COMPILED = st.sampled_from((
    ((3, 5), 1, 1, "none", True),
    ((7, 33), 2, -1, "mean", True),
    ((7, 33), 1, 0, "sum", False),
    ((1, 1), 2, 1, "mean", False),
))  # fmt: skip


@st.composite
def calls(draw, dtype, options, compiled=False):
    """A call with documented arguments, except that a target may be out of range.

    With `compiled` there are no views, which a compiled network does not accept, and all targets are in range, because
    MindSpore takes three seconds to raise the error of a compiled network.
    """
    shape, p, margin, reduction, weighted = draw(options)
    rows, classes = shape
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    target = rng.integers(0, classes, rows)
    values = draw(scores(dtype, p, shape, target, margin, rng))
    if rows and not compiled and draw(st.integers(0, 9)) == 9:
        bad = st.sampled_from((-1, classes)) | st.integers(classes, INT64[1]) | st.integers(INT64[0], -1)
        target[draw(st.lists(st.integers(0, rows - 1), min_size=1, max_size=3))] = draw(bad)

    def some(shape):
        return rng.choice(np.array(draw(st.lists(factors(dtype), min_size=1, max_size=5)), dtype), shape)

    weight = some(classes) if weighted else None
    dout = np.asarray(some(rows if reduction == "none" else ()))
    view = draw(st.sampled_from((None, "strided", "transposed"))) if rows and not compiled else None
    return Drawn(Inputs(values, target, weight, p, margin, reduction), dout, view)


class Layer(MsMml):
    """The layer, called like the function."""

    def find(self, target=None):
        super().find(target)

        def multi_margin_loss(input, target, p, margin, reduction, weight=None):
            return ms_mml.MultiMarginLoss(p, margin, reduction)(input, target, weight)

        return multi_margin_loss


@pytest.fixture
def check(monkeypatch):
    """Run a drawn call; it must conform."""
    monkeypatch.setenv("MS_MML_KERNEL", "aot")  # subjects set it; this restores it after the test
    started = functools.cache(lambda subject_class, mode: subject_class("CPU", mode))  # also caches its networks

    def check(subject_class, mode, drawn):
        subject = started(subject_class, mode)
        outcome = drawn.outcome(answer_case(subject, drawn), Leg("ms_mml", "CPU", mode, CLAIMS, {}, {}, False))
        assert outcome.verdict is Verdict.CONFORMS, outcome.detail

    return check


every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


@every_dtype
@given(data=st.data())
@settings(max_examples=EXAMPLES // 2)
def test_any_call(check, dtype, data):
    check(MsMml, "pynative", data.draw(calls(dtype, options(dtype))))


@every_dtype
@given(data=st.data())
@settings(max_examples=EXAMPLES // 20)
def test_any_call_with_many_classes(check, dtype, data):
    check(MsMml, "pynative", data.draw(calls(dtype, options(dtype, shapes=LARGE_SHAPES))))


@every_dtype
@given(data=st.data())
@settings(max_examples=EXAMPLES // 8)
def test_any_call_of_the_layer(check, dtype, data):
    check(Layer, "pynative", data.draw(calls(dtype, options(dtype, any_float))))


@every_dtype
@given(data=st.data())
@settings(max_examples=EXAMPLES // 10)
def test_any_call_in_graph_mode(check, dtype, data):
    many = options(dtype, lambda *_: st.integers(-1, 1), st.sampled_from(((1, 1), (3, 5), (7, 33))))
    check(MsMml, "graph", data.draw(calls(dtype, many if EXAMPLES > 200 else COMPILED, compiled=True)))


# ----------------------------------------------------------------------------------------------------------------------
# Invalid arguments
# ----------------------------------------------------------------------------------------------------------------------


def zeros(shape, dtype):
    return ms.Tensor(np.zeros(shape), dtype)


def tensors(dtypes, shapes):
    return st.builds(zeros, shapes, st.sampled_from(dtypes))


def shapes(rank):
    return st.lists(st.integers(1, 4), min_size=rank, max_size=rank).map(tuple)


INTS = (ms.int8, ms.int16, ms.int32, ms.uint8, ms.uint16, ms.uint32, ms.uint64, ms.bool_)
FLOATS = (ms.float16, ms.float32, ms.float64)
OTHERS = (ms.bfloat16, ms.complex64, ms.complex128)
GOOD = {"input": zeros((3, 5), ms.float32), "target": zeros(3, ms.int64), "weight": zeros(5, ms.float32)}
GOOD = {**GOOD, "p": 1, "margin": 1, "reduction": "mean"}

# Values of types that no argument accepts. Invalid ints, floats, strings and Tensors are drawn separately.
THINGS = (
    st.sampled_from(
        (bytearray(b"1"), (), {}, set(), object(), int, len, np.float64, ms.float32, Ellipsis, range(3), 1j)
    )
    | st.lists(st.floats())
    | st.builds(np.ones, st.sampled_from(((), 5, (3, 5))), st.sampled_from((np.float32, np.int64)))
    | st.sampled_from((np.int32(1), np.complex64(1), np.bool_(True)))
    | st.booleans()
)
NOT_FLOATS = THINGS | st.none() | st.text() | tensors((ms.float32, ms.int64), shapes(0) | shapes(1))
NOT_INTS = NOT_FLOATS | st.floats() | st.just(np.float32(1))


def invalid(**errors):
    """Pairs of an invalid value and its error, from one strategy for each type of error."""
    each = {"type": TypeError, "value": ValueError}
    return st.one_of([st.tuples(values, st.just(each[name])) for name, values in errors.items()])


def other_size(size):
    return st.integers(0, 9).filter(lambda n: n != size).map(lambda n: (n,))


NO_TENSORS = THINGS | st.text() | st.floats() | st.integers()
INVALID_TENSORS = {
    "input": invalid(
        type=tensors((*INTS, ms.int64, *OTHERS), st.just((3, 5))),
        value=tensors((ms.float32,), st.one_of(map(shapes, (0, 1, 3, 4))) | st.just((3, 0))),
    ),
    "target": invalid(
        type=tensors((*INTS, *FLOATS, *OTHERS), st.just((3,))),
        value=tensors((ms.int64,), st.one_of(map(shapes, (0, 2, 3))) | other_size(3)),
    ),
    "weight": invalid(
        type=tensors((*INTS, ms.int64, *OTHERS, ms.float16, ms.float64), st.just((5,))),
        value=tensors((ms.float32,), st.one_of(map(shapes, (0, 2, 3))) | other_size(5)),
    ),
}
INVALID = {
    "input": INVALID_TENSORS["input"] | invalid(type=NO_TENSORS | st.none()),
    "target": INVALID_TENSORS["target"] | invalid(type=NO_TENSORS | st.none()),
    "weight": INVALID_TENSORS["weight"] | invalid(type=NO_TENSORS),
    "p": invalid(type=NOT_INTS, value=st.integers().filter(lambda p: p not in POWERS)),
    "margin": invalid(type=NOT_INTS, value=st.integers(INT64[1] + 1) | st.integers(max_value=INT64[0] - 1)),
    "reduction": invalid(
        type=THINGS | st.none() | st.integers() | st.floats(), value=st.text().filter(lambda r: r not in REDUCTIONS)
    ),
}
INVALID_FOR_LAYER = {
    "p": INVALID["p"],
    "reduction": INVALID["reduction"],
    "margin": invalid(type=NOT_FLOATS, value=st.sampled_from((np.nan, np.inf, -np.inf)) | st.integers(INT64[1] + 1)),
    "weight": invalid(type=NO_TENSORS | tensors((*INTS, ms.int64, *OTHERS), shapes(1))),
}


def some_invalid(table):
    """One to three invalid arguments: name -> (value, error)."""
    names = st.sets(st.sampled_from(list(table)), min_size=1, max_size=3)
    return names.flatmap(lambda names: st.fixed_dictionaries({name: table[name] for name in sorted(names)}))


def refuses(function, arguments, invalid):
    """The call must raise the error of one of the invalid arguments, and name that argument."""
    arguments = {**arguments, **{name: value for name, (value, _) in invalid.items()}}
    with pytest.raises((TypeError, ValueError)) as raised:
        function(**arguments)
    text = str(raised.value)
    assert text.startswith("For 'multi_margin_loss', ")
    assert any(type(raised.value) is error and re.search(rf"'{name}'", text) for name, (_, error) in invalid.items()), (
        text
    )


@given(some_invalid(INVALID))
@settings(max_examples=EXAMPLES)
@pytest.mark.parametrize("function", [ms_mml.multi_margin_loss, ms_mml.composite], ids=lambda f: f.__name__)
def test_any_invalid_argument(function, invalid):
    ms.set_context(mode=ms.PYNATIVE_MODE)
    refuses(function, GOOD, invalid)


@given(some_invalid(INVALID_FOR_LAYER))
@settings(max_examples=EXAMPLES)
def test_any_invalid_argument_of_the_layer(invalid):
    refuses(ms_mml.MultiMarginLoss, {}, invalid)


@given(some_invalid(INVALID_TENSORS))
@settings(max_examples=EXAMPLES // 10)
def test_any_invalid_tensor_in_graph_mode(invalid):
    ms.set_context(mode=ms.GRAPH_MODE)
    net = Network(ms_mml.multi_margin_loss, {"p": 1, "margin": 1, "reduction": "mean"}, weighted=True)
    refuses(net, {name: GOOD[name] for name in ("input", "target", "weight")}, invalid)
