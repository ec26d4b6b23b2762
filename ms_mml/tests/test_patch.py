"""`patch` and `unpatch`: code that uses only MindSpore's names runs our operator, and MindSpore is restored afterwards.

`count` tells whether our operator ran. It counts the preparations of the options: one per call in PyNative mode, one
per compilation in graph mode.
"""

import concurrent.futures
import doctest
import gc
import inspect
import subprocess
import sys
import types

import mindspore as ms
import numpy as np
import pytest
from mindspore import amp, nn, ops
from mindspore.ops import functional

import ms_mml
from ms_mml.functional import _prepared
from ms_mml.patching import BUILT_IN, OURS

# All values are exact in float16. The hinges are 2, 3, 1.5 and 0, 0.5, 0, so the rows' losses are 1.625 and 0.125.
SCORES = np.array([[0, 1, 2, 0.5], [0, 3, 2.5, 1]])
TARGET = ms.Tensor([0, 1], ms.int64)
LOSS = 0.875
GRADIENT = np.array([[-0.375, 0.125, 0.125, 0.125], [0, -0.125, 0.125, 0]])
WEIGHT_GRADIENT = np.array([0.8125, 0.0625, 0, 0])
NAN = ms.Tensor(np.full((2, 4), np.nan), ms.float32)  # for which the built-in returns 0


@pytest.fixture(autouse=True)
def _restore():
    """Restore MindSpore even if a test fails."""
    yield
    ms_mml.unpatch()


def count():
    cache = _prepared.cache_info()
    return cache.hits + cache.misses


def installed(functions):
    return (ops.multi_margin_loss, nn.MultiMarginLoss) == functions


def test_importing_changes_nothing():
    assert installed(BUILT_IN)
    assert [object.__module__ for object in BUILT_IN] == ["mindspore.ops.function.nn_func", "mindspore.nn.loss.loss"]


def modules_with(objects):
    """The modules of MindSpore that refer to any of these objects, according to the garbage collector."""
    referrers = {id(referrer) for referrer in gc.get_referrers(*objects)}
    modules = [(name, module) for name, module in list(sys.modules.items()) if f"{name}.".startswith("mindspore.")]
    return {name for name, module in modules if id(vars(module)) in referrers}


def test_every_module_of_mindspore_is_patched():
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


def test_the_primitive_is_not_patched():
    primitive = ops.MultiMarginLoss
    with ms_mml.patch():
        assert ops.MultiMarginLoss is primitive


def test_patching_twice():
    ms_mml.unpatch()
    assert installed(BUILT_IN)
    ms_mml.patch()
    ms_mml.patch()
    assert installed(OURS)
    ms_mml.unpatch()
    assert installed(BUILT_IN)
    ms_mml.unpatch()
    assert installed(BUILT_IN)


def test_context_manager():
    with ms_mml.patch():
        assert installed(OURS)
        with ms_mml.patch():
            assert installed(OURS)
        assert installed(OURS)
    assert installed(BUILT_IN)
    with pytest.raises(KeyError), ms_mml.patch():
        raise KeyError
    assert installed(BUILT_IN)


def test_context_manager_restores_the_state_before_it():
    ms_mml.patch()
    with ms_mml.patch():
        ms_mml.unpatch()
        assert installed(BUILT_IN)
    assert installed(OURS)
    ms_mml.unpatch()
    with ms_mml.patch():
        ms_mml.patch()
    assert installed(BUILT_IN)


@pytest.mark.parametrize("started", [(0, 1), (1, 0)])
@pytest.mark.parametrize("ended", [(0, 1), (1, 0)])
def test_overlapping_blocks(started, ended):
    """The replacements stay until the last block ends."""
    blocks = ms_mml.patch(), ms_mml.patch()
    for i in started:
        blocks[i].__enter__()
    blocks[ended[0]].__exit__(None, None, None)
    assert installed(OURS)
    blocks[ended[1]].__exit__(None, None, None)
    assert installed(BUILT_IN)


def test_entering_a_block_again():
    block = ms_mml.patch()
    for _ in range(2):
        with block:
            assert installed(OURS)
            with block:
                assert installed(OURS)
            assert installed(OURS)
        assert installed(BUILT_IN)


def test_exit_without_entry():
    """It ends that call of `patch`, and no other; unittest's `addCleanup` and `ExitStack.push` exit in this way."""
    for _ in range(2):
        block, other = ms_mml.patch(), ms_mml.patch()
        block.__exit__(None, None, None)
        assert installed(OURS)
        with ms_mml.patch():
            other.__exit__(None, None, None)
            assert installed(OURS)
        assert installed(BUILT_IN)
        other.__exit__(None, None, None)
        assert installed(BUILT_IN)


def test_blocks_in_several_threads():
    wrong = []

    def work(_):
        for _ in range(50):
            with ms_mml.patch():
                wrong.extend(["in a block"] * (not installed(OURS)))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert not wrong
    assert installed(BUILT_IN)


class Lazy(types.ModuleType):
    """A module whose attributes must not be looked up, and which imports another module when one is set."""

    def __getattr__(self, name):
        raise AssertionError(f"{name} was looked up")

    def __setattr__(self, name, value):
        sys.modules.setdefault(f"{self.__name__}.{name}", types.ModuleType(name))
        super().__setattr__(name, value)


def test_modules_imported_later(monkeypatch):
    """They are patched under any name; modules of other packages are not touched."""
    modules = {name: Lazy(name) for name in ("mindspore.before", "mindspore.between", "mindspores", "mine")}
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    sys.modules.update(modules)
    sys.modules["mindspore.never"] = None  # marks a module that cannot be imported
    for name in modules.keys() - {"mindspore.between"}:
        vars(modules[name])["hinge"] = ops.multi_margin_loss
    with ms_mml.patch():
        vars(modules["mindspore.between"])["hinge"] = ops.multi_margin_loss
        assert [vars(module)["hinge"] for module in modules.values()] == [*[OURS[0]] * 2, *[BUILT_IN[0]] * 2]
    assert [vars(module)["hinge"] for module in modules.values()] == [BUILT_IN[0]] * 4


# Networks that use only MindSpore's names.


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


class Subclass(nn.Cell):
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


@pytest.mark.parametrize("code", [Function, Functional, Layer, Subclass, jitted], ids=lambda code: code.__name__)
@pytest.mark.parametrize("dtype", [ms.float16, ms.float32, ms.float64], ids=lambda dtype: str(dtype).lower())
def test_existing_code(mode, code, dtype):
    """They get the loss in float16 without weights, where the built-in fails, and the true gradient of the weight."""
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
    assert count() == start  # this was the built-in


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
    """The example of MindSpore's documentation, unchanged."""
    (example,) = doctest.DocTestFinder(recurse=False).find(built_in, globs={})
    start = count()
    with ms_mml.patch():
        results = doctest.DocTestRunner().run(example)
    assert count() > start
    assert results.attempted > 5
    assert results.failed == 0


def test_signatures():
    """The names, order and defaults are those of the built-in function, layer and call of the layer."""
    for built_in, ours in zip(BUILT_IN, OURS):
        assert inspect.signature(ours) == inspect.signature(built_in)
    assert inspect.signature(OURS[1].construct) == inspect.signature(BUILT_IN[1].construct)


class Losses(nn.Cell):
    """The losses of several layers, compiled together."""

    def __init__(self, layers):
        super().__init__()
        self.layers = nn.CellList(layers)

    def construct(self, input, target):
        losses = ()
        for layer in self.layers:
            losses += (layer(input, target),)
        return losses


@pytest.mark.parametrize("weight", [None, ms.Tensor(np.arange(4), ms.float32), ms.Parameter(np.ones(4, np.float32))],
                         ids=["unweighted", "tensor", "parameter"])  # fmt: skip
@pytest.mark.parametrize("margin", [0.1, -2.5, np.float64(3)])
def test_layers_equal_the_built_in(mode, margin, weight):
    all_options = [(p, margin, reduction, weight) for p in (1, 2) for reduction in ("none", "mean", "sum")]
    built_in = [nn.MultiMarginLoss(*options) for options in all_options]
    with ms_mml.patch():
        ours = [nn.MultiMarginLoss(*options) for options in all_options]
    for our_layer, built_in_layer in zip(ours, built_in):
        assert type(our_layer) is ms_mml.MultiMarginLoss
        names = [[parameter.name for parameter in layer.trainable_params()] for layer in (our_layer, built_in_layer)]
        assert names[0] == names[1]
    scores = ms.Tensor(SCORES, ms.float32)
    for our_loss, built_in_loss in zip(Losses(ours)(scores, TARGET), Losses(built_in)(scores, TARGET)):
        np.testing.assert_allclose(our_loss.asnumpy(), built_in_loss.asnumpy(), rtol=1e-6)


def test_objects_obtained_before_are_not_patched():
    """Names, layers and compiled networks remain MindSpore's after `patch`, and ours after `unpatch`."""
    ms.set_context(mode=ms.GRAPH_MODE)
    weight = ms.Tensor(np.ones(4), ms.float32)

    def losses_of_nan(objects):
        function, *networks = objects
        losses = [function(NAN, TARGET, weight=weight), *[network(NAN, TARGET, weight) for network in networks]]
        return [float(loss.asnumpy()) for loss in losses]

    built_in = ops.multi_margin_loss, nn.MultiMarginLoss(), Function(), jitted()
    assert losses_of_nan(built_in) == [0] * 4
    ms_mml.patch()
    assert losses_of_nan(built_in) == [0] * 4
    ours = ops.multi_margin_loss, nn.MultiMarginLoss(), Function(), jitted()
    assert np.isnan(losses_of_nan(ours)).all()
    ms_mml.unpatch()
    assert np.isnan(losses_of_nan(ours)).all()
    assert losses_of_nan(built_in) == [0] * 4


def test_a_layer_class_obtained_before():
    """It remains MindSpore's. In MindSpore 2.7 its constructor fails, because it looks its own name up."""
    layer_class = nn.MultiMarginLoss
    with ms_mml.patch():
        if ms.__version__.startswith("2.7."):
            with pytest.raises(TypeError, match="super"):
                layer_class()
        else:
            assert type(layer_class()) is BUILT_IN[1]


def test_a_second_import_while_patched():
    """As in a notebook that reloads modules. The second import finds MindSpore's objects and replaces the first's."""
    code = """
import sys
from mindspore import nn, ops
built_in = ops.multi_margin_loss, nn.MultiMarginLoss
import ms_mml
ms_mml.patch()
for name in [name for name in sys.modules if name.partition(".")[0] == "ms_mml"]:
    del sys.modules[name]
import ms_mml
assert ops.multi_margin_loss is not ms_mml.multi_margin_loss
ms_mml.patch()
assert (ops.multi_margin_loss, nn.MultiMarginLoss) == (ms_mml.multi_margin_loss, ms_mml.MultiMarginLoss)
ms_mml.unpatch()
assert (ops.multi_margin_loss, nn.MultiMarginLoss) == built_in
"""
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
