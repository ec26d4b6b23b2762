"""The kernel library through ctypes: NumPy in, NumPy out, and no MindSpore between."""

import ctypes

import numpy as np


class EntryPoints:
    """The entry points of a kernel library. `place` copies an array to where it is to lie in memory."""

    def __init__(self, path, place=np.array):
        self.library = ctypes.CDLL(path)
        self.place = place

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

    def _run(self, operator, inputs, dout, weight, shape):
        symbol = f"MultiMarginLoss{operator}P{inputs.p}{inputs.reduction.capitalize()}"
        margin = np.array(inputs.margin, np.float64).view(np.int64)
        arrays = [dout, inputs.input, inputs.target, margin, weight, np.full(shape, 123, inputs.dtype)]
        placed = [self.place(array) for array in arrays if array is not None]
        self.call(symbol, *placed)
        for array, copy in zip([array for array in arrays if array is not None][:-1], placed):
            assert array.tobytes() == copy.tobytes(), f"{symbol} wrote to an input"
        return placed[-1]

    def loss(self, inputs):
        shape = inputs.target.shape if inputs.reduction == "none" else ()
        return self._run("", inputs, None, inputs.weight, shape)

    def gradient(self, inputs, dout):
        return self._run("Grad", inputs, dout, inputs.weight, inputs.input.shape)

    def weight_gradient(self, inputs, dout):
        return self._run("WeightGrad", inputs, dout, None, inputs.input.shape[1:])
