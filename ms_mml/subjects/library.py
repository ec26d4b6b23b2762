"""The kernel library called through ctypes, with no MindSpore in the process."""

import numpy as np

from conformance.subjects.base import NotAvailable, Subject
from ms_mml import library
from ms_mml.ctypes_interface import CtypesLibrary
from ms_mml.subjects.guarded_gpu import GuardedGpuLibrary

# The kernels' accuracy in ulp. In float64 a compensated sum keeps the rounding error of each addition, so no term grows
# with C. Two roundings for a hinge of p = 2 and its square make 5 ulp; the sum of a segment, of a row and of all rows,
# and the factors weight, C and N add one ulp each.
CLAIMS = {"float16": 0.501, "float32": 0.501, "float64": 11}


def build_report(build_info):
    """The build information of a kernel library, under the names that reports use."""
    return {f"library {name}": " ".join(v) if isinstance(v, list) else v for name, v in build_info.items()}


class PoisonedMemory:
    """Poisoned memory without guards, for results that are copied from a device."""

    def result(self, shape, dtype):
        return np.full(shape, 77, dtype)


class Library(Subject):
    targets = ("CPU", "GPU")
    claims = CLAIMS
    lacks = {  # noqa: RUF012
        "errors": "p and reduction are part of a function's name, and errors have a text but no type",
        "non-contiguous": "a buffer has no strides",
    }

    def __init__(self, target, mode, path=None):
        """Open the library at `path`; by default, that of the installed ms_mml."""
        found = library.find(target)
        if found.path is None:
            raise NotAvailable(f"{found.reason}; build it with: {found.build}")
        self.facts = build_report(found.build_info)
        self.guarded = target == "CPU"
        if target == "CPU":
            self.kernels = CtypesLibrary(path or found.path)
            self.facts["instruction set"] = self.kernels.instruction_set()
        else:
            self.kernels, self.memory = GuardedGpuLibrary(found.path), PoisonedMemory()
            self.facts.update(self.kernels.gpu.describe())

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
