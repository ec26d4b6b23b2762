"""The contestants. `prepare(case)` makes the inputs and returns a function of no arguments that runs the whole case.

Each contestant runs in its own process and imports its packages when it is made.
"""

import ctypes
import platform
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ms_mml import library
from ms_mml.bench.machine import PROCESSORS
from ms_mml.ctypes_interface import CtypesLibrary
from ms_mml.modes import MODES

BLOCK = 1_000_003  # random scores are repeated after this many: a prime, so that rows differ


def random_inputs(case):
    """Random scores, targets, and weights or None."""
    rng = np.random.default_rng(0)
    count = case.rows * case.classes
    block = rng.standard_normal(min(count, BLOCK), np.float32).astype(case.dtype)
    input = np.empty(count, case.dtype)
    for first in range(0, count, len(block)):
        input[first : first + len(block)] = block[: count - first]
    weight = rng.random(case.classes).astype(case.dtype) if case.weighted else None
    return input.reshape(case.rows, case.classes), rng.integers(0, case.classes, case.rows), weight


class Memory:
    """The memory bandwidth: reads the scores (forward) or copies them (gradient), on every processor."""

    def __init__(self):
        self.pool = ThreadPoolExecutor(PROCESSORS)

    def prepare(self, case):
        source = random_inputs(case)[0].reshape(-1).view(np.uint8)
        source = source[: len(source) // 4 * 4].view(np.float32)  # fast for the bytes of any dtype
        copy = np.zeros_like(source) if case.operation == "gradient" else None
        parts = PROCESSORS if source.nbytes > 1 << 20 else 1
        bounds = np.linspace(0, len(source), parts + 1, dtype=int)
        slices = [slice(*pair) for pair in zip(bounds[:-1], bounds[1:])]

        def work(part):
            return self.read(source[part]) if copy is None else self.copy(copy[part], source[part])

        np.seterr(all="ignore")
        if parts == 1:
            return lambda: work(slices[0])
        return lambda: list(self.pool.map(work, slices))


class Numpy(Memory):
    """The memory bandwidth with NumPy."""

    read = staticmethod(np.add.reduce)
    copy = staticmethod(np.copyto)

    def describe(self):
        return {"version": np.__version__, "threads": PROCESSORS}


class Libc(Memory):
    """The memory bandwidth with the C library: wmemchr, which looks for a number that is not there, and memcpy."""

    ABSENT = 0x7FC12345  # the bits of a NaN

    def __init__(self):
        super().__init__()
        libc = ctypes.CDLL(None)
        self.wmemchr, self.memcpy = libc.wmemchr, libc.memcpy
        self.wmemchr.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
        self.memcpy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]

    def describe(self):
        return {"version": " ".join(platform.libc_ver()), "threads": PROCESSORS}

    def read(self, source):
        self.wmemchr(source.ctypes.data, self.ABSENT, len(source))

    def copy(self, copy, source):
        self.memcpy(copy.ctypes.data, source.ctypes.data, source.nbytes)


class Kernels:
    """The kernels of ms_mml, called through ctypes."""

    def __init__(self):
        found = library.find("CPU")
        if found.path is None:
            raise RuntimeError(f"no kernel library ({found.reason})")
        self.kernels, self.build_info = CtypesLibrary(found.path), found.build_info

    def describe(self):
        return {**self.build_info, "instruction set": self.kernels.instruction_set()}

    def prepare(self, case):
        input, target, weight = random_inputs(case)
        if case.operation == "forward":
            return self.kernels.bind("", case.p, "mean", 1, [input, target], weight, np.zeros((), input.dtype))
        arrays = [np.ones((), input.dtype), input, target]
        return self.kernels.bind("Grad", case.p, "mean", 1, arrays, weight, np.zeros_like(input))


class MindSpore:
    """An implementation in MindSpore, in one mode."""

    def __init__(self, implementation, mode):
        import mindspore
        from mindspore import ops

        import ms_mml

        self.mindspore, self.mode = mindspore, mode
        mindspore.set_context(mode=MODES[mode])
        self.function = {
            "ms_mml": ms_mml.multi_margin_loss,
            "composite": ms_mml.composite,
            "mindspore": ops.multi_margin_loss,
        }[implementation]

    def describe(self):
        return {"version": self.mindspore.__version__}

    def prepare(self, case):
        from mindspore.nn.cell import _pynative_executor  # its own module has moved between versions, with a warning

        input, target, weight = (
            None if array is None else self.mindspore.Tensor(array) for array in random_inputs(case)
        )
        net = _network(self.function, case.p, weight)
        gradient = _gradient if self.mode == "graph" else self.mindspore.grad
        call = net if case.operation == "forward" else gradient(net)
        if self.mode == "graph":
            return lambda: call(input, target)

        def run():
            call(input, target)
            _pynative_executor.sync()  # mindspore.runtime.synchronize() does not wait on CPU

        return run


def _network(function, p, weight):
    from mindspore import nn

    class Network(nn.Cell):
        def __init__(self):
            super().__init__()
            self.weight = weight

        def construct(self, input, target):
            return function(input, target, p, 1, self.weight)

    return Network()


def _gradient(network):
    from mindspore import nn, ops

    class Gradient(nn.Cell):
        def __init__(self):
            super().__init__()
            self.network, self.gradient = network, ops.GradOperation()

        def construct(self, input, target):
            return self.gradient(self.network)(input, target)

    return Gradient()


class Torch:
    """PyTorch's operator and its derivative through autograd, on CPU."""

    def __init__(self):
        import torch

        self.torch = torch
        torch.set_num_threads(PROCESSORS)

    def describe(self):
        return {"version": self.torch.__version__}

    def prepare(self, case):
        input, target, weight = (
            None if array is None else self.torch.from_numpy(array) for array in random_inputs(case)
        )
        loss = self.torch.nn.functional.multi_margin_loss
        if case.operation == "forward":
            return lambda: loss(input, target, case.p, 1.0, weight)
        input.requires_grad_()
        return lambda: self.torch.autograd.grad(loss(input, target, case.p, 1.0, weight), input)


def contestant(name):
    """Make the contestant of this name: an implementation and a mode of MindSpore, or one of `others`."""
    others = {"numpy": Numpy, "libc": Libc, "kernels": Kernels, "torch": Torch}
    return others[name]() if name in others else MindSpore(*name.split())
