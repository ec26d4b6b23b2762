"""The operator under jit, dynamic shapes, vmap, training and mixed precision, and its derivatives, in both modes."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import amp, nn, ops
from mindspore.common.initializer import initializer

import ms_mml
from conformance.cases.factors import POWERS, REDUCTIONS
from conformance.subjects.networks import Network
from ms_mml import primitive
from ms_mml.modes import MODES

RNG = np.random.default_rng(0)
SCORES = RNG.standard_normal((6, 5))
INPUT = ms.Tensor(SCORES, ms.float32)
TARGET = ms.Tensor([0, 1, 2, 3, 4, 1], ms.int64)
WEIGHT = ms.Tensor([1, 2, -1, 0.5, 3], ms.float32)
FUNCTIONS = pytest.mark.parametrize(
    "function",
    [
        pytest.param(ms_mml.multi_margin_loss, id="multi_margin_loss"),
        pytest.param(ms_mml.composite, id="composite", marks=pytest.mark.level1),
    ],
)

pytestmark = pytest.mark.usefixtures("kernels")


def same(result, expected):
    np.testing.assert_array_equal(result.asnumpy(), expected.asnumpy())


@ms.jit
def jitted(input, target, weight):
    return ms_mml.multi_margin_loss(input, target, 2, 1, weight, "none")


def test_jit(mode):
    same(jitted(INPUT, TARGET, WEIGHT), ms_mml.multi_margin_loss(INPUT, TARGET, 2, 1, WEIGHT, "none"))


@FUNCTIONS
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("rank", ["known", "unknown"])
def test_dynamic_shapes(mode, function, reduction, rank):
    """One compiled network, and its gradients, for several N and C and for an empty batch. The bits are those of static
    shapes in PyNative mode."""
    if rank == "unknown" and function is ms_mml.composite:
        pytest.skip("MindSpore's own operators do not take an unknown rank")

    def shape(size):
        return [None] * size if rank == "known" else None

    net, gradient = (Network(function, {"p": 2, "margin": 1, "reduction": reduction}, weighted=True) for _ in range(2))
    shapes = [ms.Tensor(shape=shape(n), dtype=t) for n, t in ((2, ms.float32), (1, ms.int64), (1, ms.float32))]
    net.set_inputs(*shapes)
    gradient.set_inputs(*shapes)
    gradient = ms.grad(gradient, (0, 2))
    for rows, classes in ((6, 5), (3, 4), (1, 5), (4, 1)):
        arguments = INPUT[:rows, :classes], ops.minimum(TARGET[:rows], classes - 1), WEIGHT[:classes]
        results = net(*arguments), *gradient(*arguments)
        for result, expected in zip(results, static_results(function, reduction, *arguments)):
            same(result, expected)
    empty = net(INPUT[:0], TARGET[:0], WEIGHT).asnumpy()
    np.testing.assert_array_equal(empty, {"none": np.zeros(0), "sum": 0, "mean": np.nan}[reduction])


def static_results(function, reduction, *arguments):
    mode = ms.get_context("mode")
    ms.set_context(mode=ms.PYNATIVE_MODE)
    net = Network(function, {"p": 2, "margin": 1, "reduction": reduction}, weighted=True)
    results = net(*arguments), *ms.grad(net, (0, 2))(*arguments)
    ms.set_context(mode=mode)
    return results


class Each(nn.Cell):
    def __init__(self, weight):
        super().__init__()
        self.loss = ms_mml.MultiMarginLoss(weight=weight)

    def construct(self, input, target):
        return self.loss(input, target)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("cell", [Each, lambda weight: ms_mml.MultiMarginLoss(weight=weight)], ids=["inside", "itself"])
def test_vmap_of_a_cell(mode, cell, weight):
    batch = ops.stack([INPUT, INPUT + 1, -INPUT])
    targets = ops.stack([TARGET, TARGET, TARGET])
    got = ops.vmap(cell(weight), in_axes=0)(batch, targets)
    expected = ops.stack([ms_mml.MultiMarginLoss(weight=weight)(x, TARGET) for x in batch])
    same(got, expected)


@FUNCTIONS
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_vmap_and_hessian(mode, function, weight):
    """Only the scores are mapped: the weight is closed over. The Hessian for p = 2 follows from the active classes."""

    def loss(input):
        return function(input, TARGET, 2, 1, weight)

    batch = ops.stack([INPUT, INPUT + 1, -INPUT])
    same(ms.vmap(loss, 0)(batch), ops.stack([loss(x) for x in batch]))
    gradients = ops.stack([ms.grad(loss)(x) for x in batch])
    np.testing.assert_allclose(ms.vmap(ms.grad(loss), 0)(batch).asnumpy(), gradients.asnumpy(), rtol=1e-6)

    rows, classes = INPUT.shape
    target = TARGET.asnumpy()
    expected = np.zeros((rows, classes, rows, classes))
    for n, y in enumerate(target):
        x = INPUT.asnumpy()[n]
        factor = 2 / (rows * classes) * (1 if weight is None else weight.asnumpy()[y])
        for i in np.flatnonzero((1 - x[y] + x > 0) & (np.arange(classes) != y)):
            expected[n, i, n, i] += factor
            expected[n, i, n, y] = expected[n, y, n, i] = -factor
            expected[n, y, n, y] += factor
    for hessian in (ms.jacrev(ms.grad(loss))(INPUT), ms.jacfwd(ms.grad(loss))(INPUT)):
        np.testing.assert_allclose(hessian.asnumpy(), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", [ms.float16, ms.float32, ms.float64])
def test_float_margin_of_the_cell(mode, dtype):
    cell = ms_mml.MultiMarginLoss(margin=0.1, reduction="sum")
    assert cell(ms.Tensor([[0, 0]], dtype), TARGET[:1]) == ops.cast(0.05, dtype)


def test_value_and_grad_equals_loss_and_grad(mode):
    net = Network(ms_mml.multi_margin_loss, {"p": 1, "margin": 1, "reduction": "mean"}, weighted=True)
    value, (gradient, weight_gradient) = ms.value_and_grad(net, (0, 2))(INPUT, TARGET, WEIGHT)
    same(value, net(INPUT, TARGET, WEIGHT))
    same(gradient, ms.grad(net, 0)(INPUT, TARGET, WEIGHT))
    same(weight_gradient, ms.grad(net, 2)(INPUT, TARGET, WEIGHT))


@pytest.mark.parametrize("function", [ms_mml.multi_margin_loss, ms_mml.composite], ids=lambda f: f.__name__)
@pytest.mark.parametrize("weighted", [False, True])
def test_results_share_no_memory(mode, function, weighted):
    """Writing to the results of a call changes neither its inputs nor the results of the next call."""
    arguments = [ms.Tensor(t.asnumpy()) for t in (INPUT, TARGET, WEIGHT)[: 3 if weighted else 2]]
    net = Network(function, {"p": 2, "margin": 1, "reduction": "none"}, weighted=weighted)
    call = ms.value_and_grad(net, tuple(range(len(arguments))))

    def tensors(results):
        value, gradients = results
        return [value, *gradients]

    expected = [t.asnumpy().copy() for t in tensors(call(*arguments))]
    for _ in range(2):
        results = tensors(call(*arguments))
        for result, array in zip(results, expected):
            np.testing.assert_array_equal(result.asnumpy(), array)
            result[:] = 9
    for argument, original in zip(arguments, (INPUT, TARGET, WEIGHT)):
        same(argument, original)


def test_graph_mode_does_not_run_an_unused_weight_gradient(monkeypatch):
    """The gradient with respect to weight calls a kernel with arguments that it always refuses."""

    def failing(options):
        inputs = ["dout", "input", "target", "margin"]
        return primitive.Kernel("", options._replace(weighted=False), inputs, None, lambda options, zeros_like: None)

    monkeypatch.setattr(primitive, "weight_gradient_kernel", failing)
    ms.set_context(mode=ms.GRAPH_MODE)
    options = {"p": 1, "margin": 77, "reduction": "mean"}  # no other test uses this margin, so no kernel is cached
    net = Network(ms_mml.multi_margin_loss, options, weighted=True)
    assert np.isfinite(ms.grad(net, 0)(INPUT, TARGET, WEIGHT).asnumpy()).all()
    with pytest.raises(RuntimeError, match=r"the rank of .input. must be 2, but got shape \(\)"):  # the shape of dout
        ms.grad(net, 2)(INPUT, TARGET, WEIGHT).asnumpy()


class Slope(nn.Cell):
    """The gradient with respect to one input, times a direction. Its gradient is a second derivative."""

    def __init__(self, net, position):
        super().__init__()
        self.gradient = ms.grad(net, position)

    def construct(self, input, target, weight, direction):
        return (self.gradient(input, target, weight) * direction).sum()


class Slopes(nn.Cell):
    """The gradients with respect to input and weight, each times a direction, added up."""

    def __init__(self, net):
        super().__init__()
        self.gradient = ms.grad(net, (0, 2))

    def construct(self, input, target, weight, input_direction, weight_direction):
        by_input, by_weight = self.gradient(input, target, weight)
        return (by_input * input_direction).sum() + (by_weight * weight_direction).sum()


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@FUNCTIONS
def test_second_derivatives(mode, function, p, reduction):
    """They equal central differences of the gradients, in float64 and away from ties."""
    values = [SCORES, WEIGHT.asnumpy().astype(float)]
    directions = [ms.Tensor(RNG.standard_normal(value.shape)) for value in values]
    slopes = Slopes(Network(function, {"p": p, "margin": 1, "reduction": reduction}, weighted=True))

    def at(scores, weight):
        return slopes(ms.Tensor(scores), TARGET, ms.Tensor(weight), *directions).asnumpy()

    arguments = ms.Tensor(values[0]), TARGET, ms.Tensor(values[1]), *directions
    second = [g.asnumpy() for g in ms.grad(slopes, (0, 2))(*arguments)]
    for which, got in enumerate(second):
        step = np.zeros_like(values[which])
        for index in list(np.ndindex(step.shape))[::3]:
            step[index] = 1e-4
            moved = [[v + sign * step if i == which else v for i, v in enumerate(values)] for sign in (1, -1)]
            expected = (at(*moved[0]) - at(*moved[1])) / 2e-4
            step[index] = 0
            np.testing.assert_allclose(got[index], expected, rtol=1e-6, atol=1e-9)


def test_second_derivatives_agree_in_all_dtypes(mode):
    """Float16 and float32 equal float64 within their rounding error, with and without weights."""
    for weighted in (False, True):
        slope = Slope(Network(ms_mml.multi_margin_loss, {"p": 2, "margin": 1, "reduction": "mean"}, weighted), 0)
        results = []
        for dtype in (ms.float16, ms.float32, ms.float64):
            x, w = ops.cast(ops.cast(INPUT, ms.float16), dtype), ops.cast(WEIGHT, dtype)
            results.append(ms.grad(slope)(x, TARGET, w, x).asnumpy())
            assert results[-1].dtype == x.asnumpy().dtype
        np.testing.assert_allclose(results[0], results[2], rtol=0, atol=np.abs(results[2]).max() * 2**-10)
        np.testing.assert_allclose(results[1], results[2], rtol=0, atol=np.abs(results[2]).max() * 2**-21)


class Classifier(nn.Cell):
    def __init__(self, loss):
        super().__init__()
        self.dense = nn.Dense(5, 5, weight_init="zeros", bias_init="zeros")
        self.loss = loss

    def construct(self, input, target):
        return self.loss(self.dense(input), target)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_training(mode, weight):
    net = Classifier(ms_mml.MultiMarginLoss(weight=None if weight is None else ops.abs(weight)))
    step = nn.TrainOneStepCell(net, nn.SGD(net.trainable_params(), learning_rate=0.1))
    losses = [float(step(INPUT, TARGET).asnumpy()) for _ in range(20)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


def test_a_parameter_as_weight_is_trained(mode):
    weight = ms.Parameter(ms.Tensor(WEIGHT.asnumpy()))
    net = Classifier(ms_mml.MultiMarginLoss(weight=weight))
    assert "loss.weight" in {parameter.name for parameter in net.trainable_params()}
    nn.TrainOneStepCell(net, nn.SGD([weight], learning_rate=1.0))(INPUT, TARGET)
    rows = np.bincount(TARGET.asnumpy(), minlength=5)  # all scores are 0, so the sum of hinges of each row is 4
    np.testing.assert_allclose(weight.asnumpy(), WEIGHT.asnumpy() - rows * 4 / 5 / 6, rtol=1e-6)


def test_an_initializer_as_weight(mode):
    """It has no values until it is initialised."""
    got = ms_mml.MultiMarginLoss(weight=initializer("ones", [5], ms.float32))(INPUT, TARGET)
    same(got, ms_mml.MultiMarginLoss()(INPUT, TARGET))


@pytest.mark.parametrize("level", ["O1", "O2", "O3", "auto"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_mixed_precision(mode, level, weight):
    """The margin keeps its precision: mixed precision would cast a floating-point tensor to float16."""
    cell = ms_mml.MultiMarginLoss(margin=0.1, weight=weight)
    net = amp.auto_mixed_precision(Classifier(cell), level, ms.float16)
    got = net(INPUT, TARGET).asnumpy()
    expected = ms_mml.MultiMarginLoss(margin=0.1, weight=weight)(ops.zeros_like(INPUT), TARGET).asnumpy()
    if level in ("O2", "O3"):
        expected = expected.astype(np.float16).astype(np.float32)  # the loss was computed in float16
    assert got == expected
    gradients = ms.grad(net, None, net.trainable_params())(INPUT, TARGET)
    assert all(np.isfinite(g.asnumpy()).all() and np.abs(g.asnumpy()).max() > 0 for g in gradients)


class WithWeights(nn.Cell):
    def __init__(self, loss):
        super().__init__()
        self.dense = nn.Dense(5, 5, weight_init="zeros", bias_init="zeros")
        self.loss = loss
        self.weight = WEIGHT

    def construct(self, input, target):
        return self.loss(ops.relu(self.dense(input)), target, weight=self.weight)


@pytest.mark.parametrize("level", ["O1", "O2", "O3", "auto", "to_float"])
@pytest.mark.parametrize(
    "loss", [ms_mml.multi_margin_loss, ms_mml.composite, ms_mml.MultiMarginLoss], ids=lambda f: f.__name__
)
def test_mixed_precision_with_the_weight_of_a_call(mode, level, loss):
    """The weight may be float32, where mixed precision has made the scores float16. Afterwards it is no longer on."""
    net = WithWeights(loss() if isinstance(loss, type) else loss)
    net = net.to_float(ms.float16) if level == "to_float" else amp.auto_mixed_precision(net, level, ms.float16)
    expected = ms_mml.multi_margin_loss(ops.zeros_like(INPUT), TARGET, weight=WEIGHT).asnumpy()
    np.testing.assert_allclose(net(INPUT, TARGET).asnumpy(), expected, rtol=2**-11)
    assert ops.matmul(INPUT, INPUT.T).dtype == ms.float32


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("shape", [(3, 2), (100_000, 2), (1000, 300)], ids=str)
def test_subnormal_numbers(mode, shape, dtype):
    """The kernels keep subnormal numbers, on their own threads and on those of graph mode, which are flush-to-zero."""
    rows, classes = shape
    smallest = float(np.finfo(dtype).smallest_subnormal)
    scores, weight = np.zeros(shape, dtype), np.full(classes, 2 * classes * smallest, dtype)
    scores[:, 1] = 2 * classes * smallest
    input, target = ms.Tensor(scores), ms.Tensor(np.zeros(rows, np.int64))
    options = {"p": 1, "margin": 0, "reduction": "none"}
    loss = Network(ms_mml.multi_margin_loss, options, weighted=False)(input, target)
    np.testing.assert_array_equal(loss.asnumpy(), np.full(rows, 2 * smallest))
    gradient = ms.grad(Network(ms_mml.multi_margin_loss, options, weighted=True))(input, target, ms.Tensor(weight))
    np.testing.assert_array_equal(gradient.asnumpy()[:, :2], np.tile([-2 * smallest, 2 * smallest], (rows, 1)))


def test_both_modes_give_the_same_bits():
    for p in POWERS:
        for reduction in REDUCTIONS:
            results = []
            for mode in MODES.values():
                ms.set_context(mode=mode)
                net = Network(ms_mml.multi_margin_loss, {"p": p, "margin": 1, "reduction": reduction}, weighted=True)
                results.append((net(INPUT, TARGET, WEIGHT), *ms.grad(net, (0, 2))(INPUT, TARGET, WEIGHT)))
            for graph, pynative in zip(*results):
                same(graph, pynative)


@pytest.mark.parametrize("dtype", [ms.float16, ms.float64])
def test_a_hook_that_changes_the_dtype_of_the_gradient(dtype):
    ms.set_context(mode=ms.PYNATIVE_MODE)

    def cast(gradient):
        return gradient.astype(dtype)

    def loss(input):
        losses = ms_mml.multi_margin_loss(input, TARGET, 2, 1, WEIGHT, "none")
        if hooks:
            losses.register_hook(cast)
        return losses.sum()

    hooks = False
    expected = ms.grad(loss)(INPUT)
    hooks = True
    for _ in range(3):  # MindSpore crashed at a call after the error
        same(ms.grad(loss)(INPUT), expected)
