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
        count = len(arrays)
        sizes = [(ctypes.c_int64 * max(1, a.ndim))(*a.shape) for a in arrays]
        pointers = [ctypes.cast(s, ctypes.POINTER(ctypes.c_int64)) for s in sizes]
        names = [str(a.dtype).encode() for a in arrays]
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

    def run(self, operator, p, reduction, margin, arrays, weight, result):
        """Call the entry point of an operator ('', 'Grad' or 'WeightGrad') and its options; return the result."""
        margin = np.array(margin, np.float64).view(np.int64)
        weights = [] if weight is None else [weight]
        self.call(f"MultiMarginLoss{operator}P{p}{reduction.capitalize()}", *arrays, margin, *weights, result)
        return result
