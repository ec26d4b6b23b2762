"""The operator in the place of MindSpore's own: code that knows MindSpore alone runs it, and then all is as it was.

Whether ours ran is told by its count of looks at the options: one a call, or one a compilation in graph mode.
"""

import doctest
import gc
import inspect
import itertools
import sys
import types

import mindspore as ms
import numpy as np
import pytest
from mindspore import amp, nn, ops
from mindspore.ops import functional

import ms_mml
from ms_mml import patching as drop_in
from ms_mml.functional import _prepared

BUILT_IN, OURS = drop_in.BUILT_IN, drop_in.OURS

# All of it is exact in float16: hinges 2, 3, 1.5 and 0, 0.5, 0; so losses of rows 1.625 and 0.125.
SCORES = np.array([[0, 1, 2, 0.5], [0, 3, 2.5, 1]])
TARGET = ms.Tensor([0, 1], ms.int64)
LOSS = 0.875
GRADIENT = np.array([[-0.375, 0.125, 0.125, 0.125], [0, -0.125, 0.125, 0]])
WEIGHT_GRADIENT = np.array([0.8125, 0.0625, 0, 0])
NAN = ms.Tensor(np.full((2, 4), np.nan), ms.float32)  # of which the built-in makes 0


@pytest.fixture(autouse=True)
def _as_it_was():
    """Whatever a test leaves behind, the next finds MindSpore's own."""
    yield
    ms_mml.unpatch()


def count():
    looks = _prepared.cache_info()
    return looks.hits + looks.misses


def in_place(functions):
    return (ops.multi_margin_loss, nn.MultiMarginLoss) == functions


def test_importing_changes_nothing():
    assert in_place(BUILT_IN)
    assert [object.__module__ for object in BUILT_IN] == ["mindspore.ops.function.nn_func", "mindspore.nn.loss.loss"]


def modules_with(objects):
    """The modules of MindSpore that refer to any of these, by what the garbage collector knows."""
    referrers = {id(referrer) for referrer in gc.get_referrers(*objects)}
    modules = [(name, module) for name, module in list(sys.modules.items()) if f"{name}.".startswith("mindspore.")]
    return {name for name, module in modules if id(vars(module)) in referrers}


def test_everywhere_in_mindspore():
    functions = {
        "mindspore.ops",
        "mindspore.ops.function",
        "mindspore.ops.function.nn_func",
        "mindspore.ops.functional",
    }
    layers = {"mindspore.nn", "mindspore.nn.loss", "mindspore.nn.loss.loss"}
    assert modules_with(BUILT_IN) >= functions | layers
    everywhere = modules_with(BUILT_IN)
    ms_mml.patch()
    assert (modules_with(BUILT_IN), modules_with(OURS)) == (set(), everywhere)
    assert all(sys.modules[name].multi_margin_loss is ms_mml.multi_margin_loss for name in functions)
    assert all(sys.modules[name].MultiMarginLoss is ms_mml.MultiMarginLoss for name in layers)
    ms_mml.unpatch()
    assert (modules_with(BUILT_IN), modules_with(OURS)) == (everywhere, set())
    assert all(sys.modules[name].multi_margin_loss is BUILT_IN[0] for name in functions)
    assert all(sys.modules[name].MultiMarginLoss is BUILT_IN[1] for name in layers)


def test_the_operator_beneath_stays():
    primitive = ops.MultiMarginLoss
    with ms_mml.patch():
        assert ops.MultiMarginLoss is primitive


def test_twice_is_once():
    ms_mml.unpatch()
    assert in_place(BUILT_IN)
    ms_mml.patch()
    ms_mml.patch()
    assert in_place(OURS)
    ms_mml.unpatch()
    assert in_place(BUILT_IN)
    ms_mml.unpatch()
    assert in_place(BUILT_IN)


def test_for_the_length_of_a_block():
    with ms_mml.patch():
        assert in_place(OURS)
        with ms_mml.patch():
            assert in_place(OURS)
        assert in_place(OURS)
    assert in_place(BUILT_IN)
    with pytest.raises(KeyError), ms_mml.patch():
        raise KeyError
    assert in_place(BUILT_IN)


def test_a_block_restores_what_it_found():
    ms_mml.patch()
    with ms_mml.patch():
        ms_mml.unpatch()
        assert in_place(BUILT_IN)
    assert in_place(OURS)
    ms_mml.unpatch()
    with ms_mml.patch():
        ms_mml.patch()
    assert in_place(BUILT_IN)


class Lazy(types.ModuleType):
    """A module that imports others when something is asked of it or put into it."""

    def __getattr__(self, name):
        raise AssertionError(f"{name} is imported for nothing")

    def __setattr__(self, name, value):
        sys.modules.setdefault(f"{self.__name__}.{name}", types.ModuleType(name))
        super().__setattr__(name, value)


def test_modules_that_come_later(monkeypatch):
    """Under whatever name they have it; those of others are not touched."""
    modules = {name: Lazy(name) for name in ("mindspore.before", "mindspore.between", "mindspores", "mine")}
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    sys.modules.update(modules)
    sys.modules["mindspore.never"] = None  # Python's word for what may not be imported
    for name in modules.keys() - {"mindspore.between"}:
        vars(modules[name])["hinge"] = ops.multi_margin_loss
    with ms_mml.patch():
        vars(modules["mindspore.between"])["hinge"] = ops.multi_margin_loss
        assert [vars(module)["hinge"] for module in modules.values()] == [*[OURS[0]] * 2, *[BUILT_IN[0]] * 2]
    assert [vars(module)["hinge"] for module in modules.values()] == [BUILT_IN[0]] * 4


# Code that knows MindSpore alone.


class Function(nn.Cell):
    def construct(self, input, target, weight=None):
        return ops.multi_margin_loss(input, target, weight=weight)


class Functional(nn.Cell):
    def construct(self, input, target, weight=None):
        return functional.multi_margin_loss(input, target, 1, 1, weight)


class Layer(nn.Cell):
    def __init__(self):
        super().__init__()
        self.loss = nn.MultiMarginLoss()

    def construct(self, input, target, weight=None):
        return self.loss(input, target, weight)


class Heir(nn.Cell):
    def __init__(self):
        super().__init__()

        class Mean(nn.MultiMarginLoss):
            def __init__(self):
                super().__init__(1, 1.0, "mean")

        self.loss = Mean()

    def construct(self, input, target, weight=None):
        return self.loss(input, target, weight)


def jitted():
    @ms.jit
    def loss(input, target, weight=None):
        return ops.multi_margin_loss(input, target, weight=weight)

    return loss


@pytest.mark.parametrize("code", [Function, Functional, Layer, Heir, jitted], ids=lambda code: code.__name__)
@pytest.mark.parametrize("dtype", [ms.float16, ms.float32, ms.float64], ids=lambda dtype: str(dtype).lower())
def test_existing_code(mode, code, dtype):
    """Float16 without weights, which ends the built-in, and the gradient of the weight, which it takes for 0."""
    scores, weight = ms.Tensor(SCORES, dtype), ms.Tensor(np.ones(4), dtype)
    start = count()
    with ms_mml.patch():
        loss, gradient = ms.value_and_grad(code())(scores, TARGET)
        gradients = ms.grad(code(), (0, 2))(scores, TARGET, weight)
    assert count() > start
    assert loss.dtype == gradient.dtype == dtype
    assert loss.asnumpy() == LOSS
    np.testing.assert_array_equal(gradient.asnumpy(), GRADIENT)
    np.testing.assert_array_equal(gradients[0].asnumpy(), GRADIENT)
    np.testing.assert_array_equal(gradients[1].asnumpy(), WEIGHT_GRADIENT)
    start = count()
    assert code()(ms.Tensor(SCORES, ms.float32), TARGET, ms.Tensor(np.ones(4), ms.float32)).asnumpy() == LOSS
    assert count() == start  # the built-in again


class Classifier(nn.Cell):
    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(4, 4, weight_init=ms.Tensor(np.eye(4), ms.float32), has_bias=False)
        self.loss = nn.MultiMarginLoss()

    def construct(self, input, target):
        return self.loss(self.dense(input), target)


@pytest.mark.parametrize("level", ["O0", "O1", "O2", "O3", "auto"])
def test_mixed_precision_of_existing_code(mode, level):
    scores = ms.Tensor(SCORES, ms.float32)
    with ms_mml.patch():
        loss = amp.auto_mixed_precision(Classifier(), level, ms.float16)(scores, TARGET)
    assert loss.asnumpy() == LOSS
    assert loss.dtype == (ms.float16 if level == "auto" else ms.float32)


@pytest.mark.parametrize("built_in", BUILT_IN, ids=lambda built_in: built_in.__name__)
def test_published_example(mode, built_in):
    """The example of MindSpore's page, word for word."""
    (example,) = doctest.DocTestFinder(recurse=False).find(built_in, globs={})
    start = count()
    with ms_mml.patch():
        results = doctest.DocTestRunner().run(example)
    assert count() > start
    assert results.attempted > 5
    assert results.failed == 0


def test_the_same_arguments():
    """Names, order and defaults, of the function, of the layer and of its call."""
    for built_in, ours in zip(BUILT_IN, OURS):
        assert inspect.signature(ours) == inspect.signature(built_in)
    assert inspect.signature(OURS[1].construct) == inspect.signature(BUILT_IN[1].construct)


@pytest.mark.parametrize("weight", [None, ms.Tensor(np.arange(4), ms.float32), ms.Parameter(np.ones(4, np.float32))],
                         ids=["unweighted", "tensor", "parameter"])  # fmt: skip
@pytest.mark.parametrize("margin", [0.1, -2.5, np.float64(3)])
def test_a_layer_for_each_of_the_built_in(mode, margin, weight):
    for p, reduction in itertools.product((1, 2), ("none", "mean", "sum")):
        options = p, margin, reduction, weight
        built_in = nn.MultiMarginLoss(*options)
        with ms_mml.patch():
            ours = nn.MultiMarginLoss(*options)
        assert type(ours) is ms_mml.MultiMarginLoss
        assert [p.name for p in ours.trainable_params()] == [p.name for p in built_in.trainable_params()]
        scores = ms.Tensor(SCORES, ms.float32)
        np.testing.assert_allclose(ours(scores, TARGET).asnumpy(), built_in(scores, TARGET).asnumpy(), rtol=1e-6)


def test_what_is_taken_before_stays():
    """Names, layers, and what graph mode has compiled; and the same the other way."""
    ms.set_context(mode=ms.GRAPH_MODE)
    weight = ms.Tensor(np.ones(4), ms.float32)

    def of_nan(taken):
        function, *networks = taken
        losses = [function(NAN, TARGET, weight=weight), *[network(NAN, TARGET, weight) for network in networks]]
        return [float(loss.asnumpy()) for loss in losses]

    built_in = ops.multi_margin_loss, nn.MultiMarginLoss(), Function(), jitted()
    assert of_nan(built_in) == [0] * 4
    ms_mml.patch()
    assert of_nan(built_in) == [0] * 4
    ours = ops.multi_margin_loss, nn.MultiMarginLoss(), Function(), jitted()
    assert np.isnan(of_nan(ours)).all()
    ms_mml.unpatch()
    assert np.isnan(of_nan(ours)).all()
    assert of_nan(built_in) == [0] * 4


def test_a_layer_taken_before():
    """It is MindSpore's own still; that of 2.7 looks itself up by name when it is built."""
    taken = nn.MultiMarginLoss
    with ms_mml.patch():
        if ms.__version__.startswith("2.7."):
            with pytest.raises(TypeError, match="super"):
                taken()
        else:
            assert type(taken()) is BUILT_IN[1]
