"""Every documented `Raises`, in both modes: the type of the error, and the expected and the received in its message."""

import mindspore as ms
import numpy as np
import pytest
from mindspore.nn.cell import _pynative_executor

import ms_mml
from conformance.cases.factors import REDUCTIONS
from conformance.subjects.networks import Network

FUNCTIONS = {"multi_margin_loss": ms_mml.multi_margin_loss, "composite": ms_mml.composite}

INPUT = ms.Tensor(np.ones((3, 5)), ms.float32)
TARGET = ms.Tensor([1, 2, 1], ms.int64)
WEIGHT = ms.Tensor(np.ones(5), ms.float32)
GOOD = {"input": INPUT, "target": TARGET, "p": 1, "margin": 1, "weight": WEIGHT, "reduction": "mean"}


def zeros(shape, dtype=ms.float32):
    return ms.Tensor(np.zeros(shape), dtype)


# argument, its invalid value, the error, and its message after "For 'multi_margin_loss', "
RAISES = [
    ("p", 1.0, TypeError, "the type of 'p' must be int, but got 1.0 of type float."),
    ("p", True, TypeError, "the type of 'p' must be int, but got True of type bool."),
    ("p", "1", TypeError, "the type of 'p' must be int, but got '1' of type str."),
    ("p", 3, ValueError, "'p' must be 1 or 2, but got 3."),
    ("p", 0, ValueError, "'p' must be 1 or 2, but got 0."),
    ("margin", 1.0, TypeError, "the type of 'margin' must be int, but got 1.0 of type float."),
    ("margin", True, TypeError, "the type of 'margin' must be int, but got True of type bool."),
    ("margin", None, TypeError, "the type of 'margin' must be int, but got None of type NoneType."),
    ("reduction", 1, TypeError, "the type of 'reduction' must be str, but got 1 of type int."),
    ("reduction", "avg", ValueError, "'reduction' must be one of 'none', 'mean', 'sum', but got 'avg'."),
    ("input", [1.0], TypeError, "the type of 'input' must be Tensor, but got list."),
    ("target", [1], TypeError, "the type of 'target' must be Tensor, but got list."),
    ("weight", [1.0], TypeError, "the type of 'weight' must be Tensor, but got list."),
    ("input", zeros((3, 5), ms.int32), TypeError, "'input' must be one of float16, float32, float64, but got int32."),
    ("input", zeros((3, 5), ms.bfloat16), TypeError, "must be one of float16, float32, float64, but got bfloat16."),
    ("target", zeros(3, ms.int32), TypeError, "the dtype of 'target' must be int64, but got int32."),
    ("target", zeros(3), TypeError, "the dtype of 'target' must be int64, but got float32."),
    ("weight", zeros(5, ms.float16), TypeError, "'weight' must be that of 'input', float32, but got float16."),
    ("input", zeros(3), ValueError, "the rank of 'input' must be 2, but got shape (3,)."),
    ("input", zeros((3, 5, 1)), ValueError, "the rank of 'input' must be 2, but got shape (3, 5, 1)."),
    ("target", zeros((3, 1), ms.int64), ValueError, "the rank of 'target' must be 1, but got shape (3, 1)."),
    ("weight", zeros((1, 5)), ValueError, "the rank of 'weight' must be 1, but got shape (1, 5)."),
    ("target", zeros(4, ms.int64), ValueError, "shape[0] of 'target' must be shape[0] of 'input', 3, but got 4."),
    ("weight", zeros(4), ValueError, "shape[0] of 'weight' must be shape[1] of 'input', 5, but got 4."),
    ("input", zeros((3, 0)), ValueError, "shape[1] of 'input' must be at least 1, but got shape (3, 0)."),
]


def call(function, mode, arguments):
    if mode == "pynative":
        return function(**arguments)
    options = {name: arguments[name] for name in ("p", "margin", "reduction")}
    tensors = [arguments[name] for name in ("input", "target", "weight")]
    return Network(function, options, weighted=True)(*tensors)


@pytest.mark.parametrize(("argument", "value", "error", "message"), RAISES, ids=[message for *_, message in RAISES])
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_raises(function, mode, argument, value, error, message):
    with pytest.raises(error) as raised:
        call(function, mode, {**GOOD, argument: value})
    text = str(raised.value)
    assert text.startswith("For 'multi_margin_loss', ")
    assert message in text


NOT_TENSORS = {
    "tuple": (INPUT, INPUT),
    "mutable tuple": ms.mutable((INPUT, INPUT)),
    "mutable list": ms.mutable([1, 2, 1]),
    "list of unknown length": ms.mutable([1, 2], True),
    "mutable int": ms.mutable(1),
    "dict": {"a": INPUT},
    "mutable dict": ms.mutable({"a": INPUT}),
    "COOTensor": ms.COOTensor(ms.Tensor([[0, 1]]), ms.Tensor([1.0], ms.float32), (3, 5)),
    "CSRTensor": ms.CSRTensor(ms.Tensor([0, 1, 1, 1]), ms.Tensor([0]), ms.Tensor([1.0], ms.float32), (3, 5)),
    "Cell": ms.nn.ReLU(),
}


@pytest.mark.parametrize("value", NOT_TENSORS.values(), ids=NOT_TENSORS)
@pytest.mark.parametrize("argument", ["input", "target", "weight"])
def test_any_other_object_is_not_a_tensor(mode, argument, value):
    arguments = [{**GOOD, argument: value}[name] for name in ("input", "target", "weight")]
    networks = [Network(f, {"p": 1, "margin": 1, "reduction": "mean"}, weighted=True) for f in FUNCTIONS.values()]
    for call_it in (*networks, ms_mml.MultiMarginLoss()):
        with pytest.raises(TypeError, match=f"For 'multi_margin_loss', the type of '{argument}' must be Tensor, but"):
            call_it(*arguments)


class Options(ms.nn.Cell):
    """The options are arguments of the network, so that graph mode may not know their values."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def construct(self, input, target, p, margin, reduction):
        return self.function(input, target, p, margin, None, reduction)


def with_option(function, option, value):
    arguments = [{**GOOD, option: value}[name] for name in ("input", "target", "p", "margin", "reduction")]
    return Options(function)(*arguments)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize(("option", "expected", "value", "got"), [
    ("p", "int", ms.mutable(1), "Int64"),
    ("margin", "int", ms.mutable(1), "Int64"),
    ("margin", "int", ms.mutable(1.0), "Float32"),
    ("margin", "int", ms.mutable((1,)), "tuple"),
    ("margin", "int", ms.Tensor(1), "Tensor[Int64]"),
    ("reduction", "str", ms.Tensor(1), "Tensor[Int64]"),
])  # fmt: skip
def test_graph_mode_requires_constant_options(function, option, expected, value, got):
    ms.set_context(mode=ms.GRAPH_MODE)
    with pytest.raises(TypeError) as raised:
        with_option(function, option, value)
    expected = f"must be {expected} and, in graph mode, its value a constant, but got a variable of type {got}."
    assert str(raised.value).startswith(f"For 'multi_margin_loss', the type of '{option}' {expected}")


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize(("option", "value", "same_as"), [
    *[("p", dtype(2), 2) for dtype in (np.int8, np.int16, np.int64, np.uint8, np.uint16, np.uint64)],
    ("margin", np.int64(-1), -1),
    *[("reduction", reduction.encode(), reduction) for reduction in ("none", "mean", "sum")],
])  # fmt: skip
def test_types_that_graph_mode_converts_are_accepted_in_both_modes(mode, function, option, value, same_as):
    got, expected = (with_option(function, option, option_value).asnumpy() for option_value in (value, same_as))
    np.testing.assert_array_equal(got, expected)
    layer = ms_mml.MultiMarginLoss(**{option: value})(INPUT, TARGET).asnumpy()
    np.testing.assert_array_equal(layer, expected)


@pytest.mark.parametrize("option", ["p", "margin"])
@pytest.mark.parametrize("value", [np.int32(1), np.uint32(1), np.float32(1), np.bool_(True)], ids=repr)
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_types_that_graph_mode_does_not_convert_to_int_are_refused_in_both_modes(mode, function, option, value):
    with pytest.raises(TypeError, match=f"For 'multi_margin_loss', the type of '{option}' must be int, but got"):
        with_option(function, option, value)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64], ids=lambda dtype: dtype.__name__)
def test_layer_takes_a_float_margin_of_numpy(mode, dtype):
    margin = dtype(0.1)
    layer = ms_mml.MultiMarginLoss(margin=margin, reduction="none")
    assert layer.margin == float(margin)
    assert type(layer.margin) is float
    same = ms_mml.MultiMarginLoss(margin=float(margin), reduction="none")
    np.testing.assert_array_equal(layer(INPUT, TARGET).asnumpy(), same(INPUT, TARGET).asnumpy())
    with pytest.raises(ValueError, match="'margin' must be finite, but got nan"):
        ms_mml.MultiMarginLoss(margin=dtype(np.nan))


@pytest.mark.parametrize(
    "margin", [2**63, -(2**63) - 1, 10**400, 10**5000], ids=["2**63", "-2**63-1", "1e400", "1e5000"]
)
def test_margin_beyond_int64(margin):
    """In graph mode MindSpore itself refuses such an int."""
    with pytest.raises(ValueError, match="'margin' must be in the range of int64, but got"):
        ms_mml.multi_margin_loss(INPUT, TARGET, margin=margin)
    ms.set_context(mode=ms.GRAPH_MODE)
    with pytest.raises((RuntimeError, ValueError, OverflowError)):
        call(ms_mml.multi_margin_loss, "graph", {**GOOD, "margin": margin})


def test_an_int_that_is_too_long_for_a_message(mode):
    """Python converts no int of more than 4300 digits to a str."""
    with pytest.raises(ValueError, match="'p' must be 1 or 2, but got an int of 16610 bits"):
        ms_mml.multi_margin_loss(INPUT, TARGET, 10**5000)


def test_numpy_array_is_not_a_tensor(mode):
    arrays = {**GOOD, "weight": np.ones(5, np.float32)}
    with pytest.raises(TypeError, match="the type of 'weight' must be Tensor, but got ndarray"):
        call(ms_mml.multi_margin_loss, "pynative", arrays)


@pytest.mark.parametrize(("options", "error", "message"), [
    ({"p": 2.0}, TypeError, "the type of 'p' must be int, but got 2.0 of type float"),
    ({"p": 3}, ValueError, "'p' must be 1 or 2, but got 3"),
    ({"margin": "1"}, TypeError, "the type of 'margin' must be int or float, but got '1' of type str"),
    ({"margin": False}, TypeError, "the type of 'margin' must be int or float, but got False of type bool"),
    ({"reduction": None}, TypeError, "the type of 'reduction' must be str, but got None of type NoneType"),
    ({"reduction": "Mean"}, ValueError, "'reduction' must be one of 'none', 'mean', 'sum', but got 'Mean'"),
    ({"margin": np.inf}, ValueError, "'margin' must be finite, but got inf"),
    ({"margin": np.nan}, ValueError, "'margin' must be finite, but got nan"),
    ({"weight": [1.0]}, TypeError, "the type of 'weight' must be Tensor, but got list"),
    ({"weight": TARGET}, TypeError, "the dtype of 'weight' must be one of float16, float32, float64, but got int64"),
])  # fmt: skip
def test_cell_raises_in_its_constructor(options, error, message):
    with pytest.raises(error, match=message):
        ms_mml.MultiMarginLoss(**options)


def test_cell_raises_when_called(mode):
    with pytest.raises(TypeError, match="the type of 'input' must be Tensor, but got list"):
        ms_mml.MultiMarginLoss(weight=WEIGHT)([1.0], TARGET)
    with pytest.raises(TypeError, match="the dtype of 'weight' must be that of 'input', float32, but got float16"):
        ms_mml.MultiMarginLoss()(INPUT, TARGET, zeros(5, ms.float16))
    with pytest.raises(ValueError, match=r"shape\[0\] of 'target' must be shape\[0\] of 'input', 3, but got 2"):
        ms_mml.MultiMarginLoss()(INPUT, TARGET[:2])


@pytest.mark.parametrize(("shapes", "message"), [
    (((3, 5), (4,), (5,)), "the shape of 'target' must be (3,), but got (4,)."),
    (((3, 5), (3,), (4,)), "the shape of 'weight' must be (5,), but got (4,)."),
    (((3, 0), (3,), (0,)), "shape[1] of 'input' must be at least 1, but got shape (3, 0)."),
], ids=["target", "weight", "no-class"])  # fmt: skip
def test_dynamic_shapes_are_checked_at_run_time(shapes, message):
    """The shapes are unknown during compilation, so the kernel checks them."""
    ms.set_context(mode=ms.GRAPH_MODE)
    net = Network(ms_mml.multi_margin_loss, {"p": 1, "margin": 1, "reduction": "mean"}, weighted=True)
    dtypes = (ms.float32, ms.int64, ms.float32)
    net.set_inputs(*[ms.Tensor(shape=[None] * len(shape), dtype=dtype) for shape, dtype in zip(shapes, dtypes)])
    with pytest.raises(RuntimeError) as raised:
        net(*[zeros(shape, dtype) for shape, dtype in zip(shapes, dtypes)]).asnumpy()
    assert message in str(raised.value)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("bad", [5, -1, 2**40, -(2**63)])
@pytest.mark.parametrize("rows", [3, 20_000])
def test_target_out_of_range(mode, rows, bad):
    """The loss and the gradient raise an error that names the first such row."""
    target = np.zeros(rows, np.int64)
    target[[rows // 2, rows - 1]] = bad
    arguments = ms.Tensor(np.ones((rows, 5)), ms.float32), ms.Tensor(target), WEIGHT
    net = Network(ms_mml.multi_margin_loss, {"p": 1, "margin": 1, "reduction": "mean"}, weighted=True)
    for function in (net, ms.grad(net)):
        with pytest.raises(RuntimeError) as raised:
            function(*arguments).asnumpy()
        assert f"For 'multi_margin_loss', target[{rows // 2}] is {bad} but must be in [0, 5)." in str(raised.value)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("read_first", ["failed", "later"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_result_of_a_failed_call_is_nan(reduction, read_first):
    """In PyNative mode the result of a later operation may report the error; then the failed one's can be read."""
    ms.set_context(mode=ms.PYNATIVE_MODE)
    _pynative_executor.set_grad_flag(False)  # a failed gradient of another test leaves it on: then the call raises

    def loss(*target):
        return ms_mml.multi_margin_loss(INPUT, ms.Tensor(target, ms.int64), 1, 1, WEIGHT, reduction)

    loss(0, 1, 2).asnumpy()  # leaves a finite number in memory that MindSpore uses again
    results = {"failed": loss(0, 5, 1), "later": INPUT + 1}
    with pytest.raises(RuntimeError, match=r"target\[1\] is 5"):
        results[read_first].asnumpy()
    assert np.isnan(results["failed"].asnumpy()).all()


@pytest.mark.parametrize("bad", [5, -1, 2**40])
def test_target_out_of_range_in_composite(mode, bad):
    """MindSpore's operators cannot raise: the loss of that row is NaN and its gradient 0; other rows are unaffected."""
    target = ms.Tensor([0, bad, 1], ms.int64)
    net = Network(ms_mml.composite, {"p": 2, "margin": 1, "reduction": "none"}, weighted=True)
    np.testing.assert_array_equal(np.isnan(net(INPUT, target, WEIGHT).asnumpy()), [False, True, False])
    gradient = ms.grad(net)(INPUT, target, WEIGHT).asnumpy()
    np.testing.assert_array_equal(gradient[1], np.zeros(5))
    assert np.abs(gradient[[0, 2]]).min() > 0


@pytest.mark.parametrize("scores", [np.nan, np.inf])
@pytest.mark.parametrize("p", [1, 2])
def test_row_with_a_target_out_of_range_has_no_gradient_in_composite(mode, p, scores):
    """Neither its scores nor the weight of any class reach a gradient, even if they are not finite."""
    input = np.ones((3, 5), np.float32)
    input[1, 0] = scores
    weight = ms.Tensor([np.nan, 1, 1, 1, 1], ms.float32)
    net = Network(ms_mml.composite, {"p": p, "margin": 1, "reduction": "sum"}, weighted=True)
    gradient, by_class = ms.grad(net, (0, 2))(ms.Tensor(input), ms.Tensor([2, 5, 1], ms.int64), weight)
    np.testing.assert_array_equal(gradient.asnumpy()[1], np.zeros(5))
    np.testing.assert_array_equal(by_class.asnumpy() != 0, [False, True, True, False, False])
    assert np.isfinite(by_class.asnumpy()).all()


@pytest.mark.parametrize("p", [1, 2])
def test_weight_of_nan_reaches_the_gradient_of_inactive_classes_in_composite(mode, p):
    """As in the kernels, where the gradient is the product of the weight and a slope of 0."""
    input = ms.Tensor([[0, -9, 9], [9, 0, 0]], ms.float32)
    net = Network(ms_mml.composite, {"p": p, "margin": 1, "reduction": "sum"}, weighted=True)
    gradient = ms.grad(net)(input, ms.Tensor([0, 1], ms.int64), ms.Tensor([np.nan, 1, 1], ms.float32)).asnumpy()
    np.testing.assert_array_equal(np.isnan(gradient), [[True] * 3, [False] * 3])
