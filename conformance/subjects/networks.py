"""Cells that call a function of (input, target[, weight]) with fixed options.

They are in a module of their own because MindSpore compiles a Cell from its source.
"""

import mindspore as ms
from mindspore import nn


class Network(nn.Cell):
    def __init__(self, function, options, weighted):
        super().__init__()
        self.function, self.options, self.weighted = function, options, weighted

    def construct(self, input, target, weight=None):
        if self.weighted:
            return self.function(input, target, weight=weight, **self.options)
        return self.function(input, target, **self.options)


class PositionalNetwork(nn.Cell):
    """The same call with all arguments passed by position."""

    def __init__(self, function, p, margin, reduction):
        super().__init__()
        self.function, self.p, self.margin, self.reduction = function, p, margin, reduction

    def construct(self, input, target, weight=None):
        return self.function(input, target, self.p, self.margin, weight, self.reduction)


class Gradient(nn.Cell):
    """The gradients of a network with respect to all its inputs; the last argument is the upstream gradient."""

    def __init__(self, network):
        super().__init__()
        self.gradient = ms.ops.GradOperation(get_all=True, sens_param=True)
        self.network = network

    def construct(self, *arguments):
        return self.gradient(self.network)(*arguments)
