"""What the suite asks of an implementation: subclass `Subject`, and name it `--subject module:Class`.

A subject lives in a process of its own, which alone imports its framework. Import that in `__init__`, not at the top of
the module: then the suite can say what is missing.

    class MyKernel(Subject):
        def __init__(self, target, mode):
            import my_kernel
            self.kernel = my_kernel

        def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
            return self.kernel.multi_margin_loss(input, target, p, margin, weight, reduction)

        def gradient(self, dout, input, target, p=1, margin=1, weight=None, reduction="mean"):
            return self.kernel.multi_margin_loss_backward(dout, input, target, p, margin, weight, reduction)
"""

import numpy as np

from conformance.guard import Memory


class NotAvailable(Exception):  # noqa: N818 - a state of this machine, not a fault
    """Raised by a subject's `__init__`: why it cannot run here, and what to install."""


class Subject:
    """An implementation under test.

    Arrays reach `loss` and `gradient` as `to_device` made them of NumPy arrays, and results go back through `to_host`;
    both leave them as they are unless you say otherwise. Arguments that a case leaves out are not passed, so that the
    defaults are your own. Bad arguments come as they are: a list where a Tensor should be, 1.0 where an int should be.

    Attributes:
        targets: the device targets it can run on: of 'CPU', 'GPU', 'Ascend'.
        modes: how it can be called; () where there is but one way.
        lacks: what it has no way to be asked -> why. Keys: float16, float32, float64, loss, gradient, weight-gradient,
            non-contiguous, errors, huge.
        limits: what its own documentation says that it refuses -> where. The same keys; and target-errors, where it
            gives NaN for the row of a target out of range on CPU too; and accuracy, where it promises no more than
            arithmetic step by step in the dtype gives.
        claims: dtype -> the ulp it promises to stay within, where that is less than the contract asks.
        guarded: whether it works on the very memory that `to_device` is given: then inputs lie between guard pages.
    """

    targets = ("CPU",)
    modes = ()
    lacks = {}  # noqa: RUF012
    limits = {}  # noqa: RUF012
    claims = {}  # noqa: RUF012
    guarded = False
    memory: Memory  # set where guarded: `memory.result(shape, dtype)` is a poisoned array for a result

    def __init__(self, target, mode):
        """Get ready, or raise NotAvailable."""

    def environment(self):
        """What a report should name: versions of packages, the device and its driver."""
        return {"numpy": np.__version__}

    def to_device(self, array):
        return array

    def to_host(self, result):
        return np.asarray(result)

    def synchronize(self):
        """Wait for what is still under way, so that a crash is laid at the right door."""

    def recover(self):
        """Called after an error: let go of what it may have spoiled."""

    def loss(self, input, target, **options):
        raise NotImplementedError

    def gradient(self, dout, input, target, **options):
        """The gradients with respect to input and weight; None for the weight where there is none."""
        raise NotImplementedError
