"""A kernel library through ctypes, without MindSpore: arrays of NumPy or, on a GPU, of PyTorch or CuPy."""

import ctypes

import numpy as np


def _interface(array):
    """Address, shape and type, as all array libraries give them."""
    return getattr(array, "__cuda_array_interface__", None) or array.__array_interface__


class EntryPoints:
    """The entry points of a kernel library.

    Where that is not this processor's, `to_device` puts an array in its device's memory, and `stream` is the device's
    queue of work.
    """

    to_device = staticmethod(np.asarray)
    stream = None

    def __init__(self, path):
        self.library = ctypes.CDLL(path)

    def instruction_set(self):
        name = self.library.MultiMarginLossInstructionSet
        name.restype = ctypes.c_char_p
        found = name()
        return found and found.decode()

    def call(self, symbol, *arrays):
        """Call an entry point with arrays for its inputs and its output; raise RuntimeError with its message."""
        self.prepare(symbol, *arrays)()

    def prepare(self, symbol, *arrays):
        """The call as a function of no arguments, so that it can be made many times."""
        count, interfaces = len(arrays), [_interface(array) for array in arrays]
        if any(interface.get("strides") for interface in interfaces):
            raise ValueError("For 'multi_margin_loss', every array must be contiguous in memory, in the order of C.")
        shapes = [interface["shape"] for interface in interfaces]
        sizes = [(ctypes.c_int64 * max(1, len(shape)))(*shape) for shape in shapes]
        pointers = [ctypes.cast(s, ctypes.POINTER(ctypes.c_int64)) for s in sizes]
        names = [np.dtype(interface["typestr"]).name.encode() for interface in interfaces]
        message = ctypes.create_string_buffer(1024)
        arguments = (
            getattr(self.library, symbol),
            count,
            (ctypes.c_void_p * count)(*[interface["data"][0] for interface in interfaces]),
            (ctypes.c_int * count)(*map(len, shapes)),
            (ctypes.POINTER(ctypes.c_int64) * count)(*pointers),
            (ctypes.c_char_p * count)(*names),
            ctypes.c_void_p(self.stream),
            message,
            ctypes.c_int64(len(message)),
        )

        def call(function=self.library.MultiMarginLossTry, keep_alive=(arrays, sizes)):
            if function(*arguments):
                raise RuntimeError(message.value.decode())

        return call

    def bind(self, operator, p, reduction, margin, arrays, weight, result):
        """The call of an operator ('', 'Grad' or 'WeightGrad') with its options, as a function of no arguments."""
        margin = self.to_device(np.array(margin, np.float64).view(np.int64))
        weights = [] if weight is None else [weight]
        symbol = f"MultiMarginLoss{operator}P{p}{reduction.capitalize()}"
        return self.prepare(symbol, *arrays, margin, *weights, result)

    def run(self, operator, p, reduction, margin, arrays, weight, result):
        """Call an operator; return the result."""
        self.bind(operator, p, reduction, margin, arrays, weight, result)()
        return result
