"""What is tested: ms_mml in a mode of MindSpore, and the kernel library alone. NumPy in, NumPy out."""

import ctypes

import mindspore as ms
import numpy as np
from mindspore import nn

MODES = {"graph": ms.GRAPH_MODE, "pynative": ms.PYNATIVE_MODE}


class Network(nn.Cell):
    """A function of (input, target[, weight]) with its options fixed."""

    def __init__(self, function, p, margin, reduction, weighted):
        super().__init__()
        self.function = function
        self.p, self.margin, self.reduction, self.weighted = p, margin, reduction, weighted

    def construct(self, input, target, weight):
        if self.weighted:
            return self.function(input, target, self.p, self.margin, weight, self.reduction)
        return self.function(input, target, self.p, self.margin, None, self.reduction)


class Gradient(nn.Cell):
    """The gradient of a network's output, weighted by dout."""

    def __init__(self, network, position):
        super().__init__()
        self.gradient = ms.ops.GradOperation(get_all=True, sens_param=True)
        self.network, self.position = network, position

    def construct(self, input, target, weight, dout):
        return self.gradient(self.network)(input, target, weight, dout)[self.position]


def tensors(inputs):
    """The inputs as Tensors; the weight is a placeholder where there is none."""
    weight = np.zeros(1, inputs.dtype) if inputs.weight is None else inputs.weight
    return ms.Tensor(inputs.input), ms.Tensor(inputs.target), ms.Tensor(weight)


def network(function, inputs):
    return Network(function, inputs.p, inputs.margin, inputs.reduction, inputs.weight is not None)


class Library:
    """The kernel library through ctypes, with no MindSpore between."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)

    def call(self, symbol, *arrays, name_dtype=None):
        """Call an entry point with arrays for its inputs and its output; raise RuntimeError with its message."""
        count = len(arrays)
        sizes = [(ctypes.c_int64 * max(1, a.ndim))(*a.shape) for a in arrays]
        pointers = [ctypes.cast(s, ctypes.POINTER(ctypes.c_int64)) for s in sizes]
        names = [(name_dtype or str(a.dtype)).encode() for a in arrays]
        message = ctypes.create_string_buffer(1024)
        failed = self.library.MultiMarginLossTry(
            getattr(self.library, symbol),
            count,
            (ctypes.c_void_p * count)(*[a.ctypes.data for a in arrays]),
            (ctypes.c_int * count)(*[a.ndim for a in arrays]),
            (ctypes.POINTER(ctypes.c_int64) * count)(*pointers),
            (ctypes.c_char_p * count)(*names),
            message,
            ctypes.c_int64(len(message)),
        )
        if failed:
            raise RuntimeError(message.value.decode())

    def _run(self, operator, inputs, first, weight, output):
        symbol = f"MultiMarginLoss{operator}P{inputs.p}{inputs.reduction.capitalize()}"
        margin = np.array(inputs.margin, np.float64).view(np.int64)
        arrays = [*first, inputs.input, inputs.target, margin, *([] if weight is None else [weight]), output]
        self.call(symbol, *arrays)
        return output

    def loss(self, inputs):
        shape = inputs.target.shape if inputs.reduction == "none" else ()
        return self._run("", inputs, [], inputs.weight, np.full(shape, 123, inputs.dtype))

    def gradient(self, inputs, dout):
        return self._run("Grad", inputs, [dout], inputs.weight, np.full(inputs.input.shape, 123, inputs.dtype))

    def weight_gradient(self, inputs, dout):
        output = np.full(inputs.input.shape[1:], 123, inputs.dtype)
        return self._run("WeightGrad", inputs, [dout], None, output)
