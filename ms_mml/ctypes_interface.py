"""A kernel library called through ctypes, without MindSpore: arrays of NumPy or, on a GPU, of PyTorch or CuPy."""

import ctypes

import numpy as np


def symbol(operator, p, reduction=""):
    """The name of an operator's function: MultiMarginLossGradP2Mean, for example.

    The operators of the CPU and GPU libraries are '', 'Grad' and 'WeightGrad'. Those for Ascend, 'Rows' and 'Slopes',
    have no reduction.
    """
    return f"MultiMarginLoss{operator}P{p}{reduction.capitalize()}"


def _array_interface(array):
    """Address, shape and dtype, in the form that all array libraries provide."""
    return getattr(array, "__cuda_array_interface__", None) or array.__array_interface__


class CtypesLibrary:
    """The exported functions of a kernel library.

    A subclass for a device with its own memory overrides `to_device`, which copies an array there, and `stream`, the
    device's stream.
    """

    to_device = staticmethod(np.asarray)
    stream = None

    def __init__(self, path):
        self.cdll = ctypes.CDLL(path)

    def instruction_set(self):
        """The name of the instruction set in use; None if the requested one is unavailable."""
        function = self.cdll.MultiMarginLossInstructionSet
        function.restype = ctypes.c_char_p
        name = function()
        return name and name.decode()

    def check_environment(self):
        """Raise RuntimeError if an environment variable that the library reads is invalid. Only the CPU's reads any."""
        if hasattr(self.cdll, "MultiMarginLossEnvironment"):
            self.call("MultiMarginLossEnvironment")

    def call(self, function, *arrays):
        """Call an exported function with its inputs and its output; raise RuntimeError with the kernel's message."""
        self.prepare(function, *arrays)()

    def prepare(self, function, *arrays):
        """Return the call as a function of no arguments, to be called any number of times."""
        count, interfaces = len(arrays), [_array_interface(array) for array in arrays]
        if any(interface.get("strides") for interface in interfaces):
            raise ValueError("For 'multi_margin_loss', every array must be contiguous in memory, in the order of C.")
        shapes = [interface["shape"] for interface in interfaces]
        sizes = [(ctypes.c_int64 * max(1, len(shape)))(*shape) for shape in shapes]
        pointers = [ctypes.cast(s, ctypes.POINTER(ctypes.c_int64)) for s in sizes]
        names = [np.dtype(interface["typestr"]).name.encode() for interface in interfaces]
        message = ctypes.create_string_buffer(1024)
        arguments = (
            getattr(self.cdll, function),
            count,
            (ctypes.c_void_p * count)(*[interface["data"][0] for interface in interfaces]),
            (ctypes.c_int * count)(*map(len, shapes)),
            (ctypes.POINTER(ctypes.c_int64) * count)(*pointers),
            (ctypes.c_char_p * count)(*names),
            ctypes.c_void_p(self.stream),
            message,
            ctypes.c_int64(len(message)),
        )

        def call(call_and_catch=self.cdll.MultiMarginLossTry, keep_alive=(arrays, sizes)):
            if call_and_catch(*arguments):
                raise RuntimeError(message.value.decode(errors="replace"))

        return call

    def bind(self, operator, p, reduction, margin, arrays, weight, result):
        """Return the call of an operator with its options as a function of no arguments.

        `arrays` are the operator's inputs other than the margin and the weight; `weight` may be None.
        """
        margin = self.to_device(np.array(margin, np.float64).view(np.int64))
        weights = [] if weight is None else [weight]
        return self.prepare(symbol(operator, p, reduction), *arrays, margin, *weights, result)

    def run(self, operator, p, reduction, margin, arrays, weight, result):
        """Call an operator as `bind` describes it; return `result`, which it has written."""
        self.bind(operator, p, reduction, margin, arrays, weight, result)()
        return result
