"""The base class of all subjects. Subclass `Subject` and name the class with `--subject module:Class`.

A subject runs in a process of its own, the only one that imports its framework. Import the framework in `__init__`, not
at the top of the module, so that the suite can report a missing package.

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


class NotAvailable(Exception):  # noqa: N818 - a state of this machine, not an error
    """A subject cannot run here. A subject's `__init__` raises it with the reason and what to install."""


class Subject:
    """An implementation under test.

    `loss` and `gradient` receive NumPy arrays converted by `to_device`, and their results are converted by `to_host`;
    by default both return their argument. An argument that a case omits is not passed, so the implementation's own
    default applies. Bad arguments are passed unchanged: a list instead of a Tensor, 1.0 instead of an int.

    Attributes:
        targets: the device targets it supports: any of 'CPU', 'GPU' and 'Ascend'.
        modes: the modes it supports: any of 'graph' and 'pynative'; () if it has no modes.
        lacks: the features that it has no interface for -> the reason. Keys: float16, float32, float64, loss, gradient,
            weight-gradient, non-contiguous, errors, many-rows (more than 2**16), huge. Such cases are 'not available'.
        limits: the features that its own documentation excludes -> the place in the documentation. The same keys, and:
            target-errors if a target out of range gives NaN for its row on CPU too, instead of an error;
            accuracy if it promises only the accuracy of naive arithmetic in the dtype.
        claims: dtype -> the error in ulp that it promises, if that is less than the contract allows.
        slowdown: a factor on the time after which a case counts as hung, for emulations.
        guarded: whether it reads the memory that `to_device` receives. If so, inputs lie between guard pages.
    """

    targets = ("CPU",)
    modes = ()
    slowdown = 1
    lacks = {}  # noqa: RUF012
    limits = {}  # noqa: RUF012
    claims = {}  # noqa: RUF012
    guarded = False
    memory: Memory  # if guarded; `memory.result(shape, dtype)` is a poisoned array for a result

    def __init__(self, target, mode):
        """Import what the subject needs, or raise NotAvailable."""

    def environment(self):
        """The versions of packages, the device and its driver, for the report."""
        return {"numpy": np.__version__}

    def to_device(self, array):
        return array

    def to_host(self, result):
        return np.asarray(result)

    def synchronize(self):
        """Wait until all calls have completed, so that a crash belongs to the call that caused it."""

    def recover(self):
        """Called after an error: discard any state that the error may have made unusable."""

    def loss(self, input, target, **options):
        raise NotImplementedError("the adapter does not define loss")

    def gradient(self, dout, input, target, **options):
        """The gradients with respect to input and weight; the latter is None without a weight."""
        raise NotImplementedError("the adapter does not define gradient; if there is none, declare it in lacks")
