"""This project's kernel library by itself: its entry points through ctypes, and no MindSpore in the process."""

import numpy as np

from conformance.subjects.base import NotAvailable, Subject
from ms_mml import library
from ms_mml.ctypes_interface import CtypesLibrary
from ms_mml.subjects.operator import CLAIMS, library_facts


class Library(Subject):
    targets = ("CPU", "GPU")
    claims = CLAIMS
    lacks = {  # noqa: RUF012
        "errors": "p and reduction are part of an entry point's name, and errors have a text but no type",
        "non-contiguous": "a buffer has no strides",
    }

    def __init__(self, target, mode, path=None):
        """Of the installed ms_mml, or of a path."""
        found = library.find(target)
        if found.path is None:
            raise NotAvailable(f"{found.reason}; build it with: {found.build}")
        self.facts = library_facts(found.build_info)
        self.guarded = target == "CPU"
        if target == "CPU":
            self.kernels = CtypesLibrary(path or found.path)
            self.facts["instruction set"] = self.kernels.instruction_set()
        else:
            from ms_mml.subjects.gpu_arrays import OnGpu

            self.kernels, self.memory = OnGpu(found.path), Plain()
            self.facts.update(self.kernels.gpu.facts())

    def environment(self):
        return {**super().environment(), **self.facts}

    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        result = self.memory.result(target.shape if reduction == "none" else (), input.dtype)
        return self.kernels.run("", p, reduction, margin, [input, target], weight, result)

    def gradient(self, dout, input, target, p=1, margin=1, weight=None, reduction="mean"):
        arrays = [dout, input, target]
        result = self.memory.result(input.shape, input.dtype)
        gradient = self.kernels.run("Grad", p, reduction, margin, arrays, weight, result)
        if weight is None:
            return gradient, None
        result = self.memory.result(weight.shape, input.dtype)
        return gradient, self.kernels.run("WeightGrad", p, reduction, margin, arrays, None, result)


class Plain:
    """Poisoned memory without guards: for results that a device's own memory is copied to."""

    def result(self, shape, dtype):
        return np.full(shape, 77, dtype)
