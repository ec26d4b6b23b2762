"""Networks and gradients around the function under test."""

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
