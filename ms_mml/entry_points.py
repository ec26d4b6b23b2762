"""The kernel library through ctypes: NumPy in, NumPy out, and no MindSpore between."""

import ctypes

import numpy as np


class EntryPoints:
    """The entry points of a kernel library."""

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
        count = len(arrays)
        sizes = [(ctypes.c_int64 * max(1, a.ndim))(*a.shape) for a in arrays]
        pointers = [ctypes.cast(s, ctypes.POINTER(ctypes.c_int64)) for s in sizes]
        names = [str(a.dtype).encode() for a in arrays]
        message = ctypes.create_string_buffer(1024)
        arguments = (
            getattr(self.library, symbol),
            count,
            (ctypes.c_void_p * count)(*[a.ctypes.data for a in arrays]),
            (ctypes.c_int * count)(*[a.ndim for a in arrays]),
            (ctypes.POINTER(ctypes.c_int64) * count)(*pointers),
            (ctypes.c_char_p * count)(*names),
            message,
            ctypes.c_int64(len(message)),
        )

        def call(function=self.library.MultiMarginLossTry, keep_alive=(arrays, sizes)):
            if function(*arguments):
                raise RuntimeError(message.value.decode())

        return call

    def bind(self, operator, p, reduction, margin, arrays, weight, result):
        """The call of an operator ('', 'Grad' or 'WeightGrad') with its options, as a function of no arguments."""
        margin = np.array(margin, np.float64).view(np.int64)
        weights = [] if weight is None else [weight]
        symbol = f"MultiMarginLoss{operator}P{p}{reduction.capitalize()}"
        return self.prepare(symbol, *arrays, margin, *weights, result)

    def run(self, operator, p, reduction, margin, arrays, weight, result):
        """Call an operator; return the result."""
        self.bind(operator, p, reduction, margin, arrays, weight, result)()
        return result
