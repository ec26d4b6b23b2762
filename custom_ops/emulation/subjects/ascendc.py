"""The Ascend C kernels compiled for this processor against stubs for Ascend C (custom_ops/emulation/ascendc).

The emulation checks arithmetic, indexing, buffers and queues, but neither scheduling nor compilation by CANN.
"""

import numpy as np

from custom_ops.emulation.subjects.builds import find_build, open_library
from custom_ops.emulation.subjects.row_kernels import RowKernels
from ms_mml.ctypes_interface import symbol
from ms_mml.subjects.library import PoisonedMemory

LIBRARY = "libms_mml_ascendc_emulated.so"


def find_kernels(name):
    """Return the folder of the build of subject `name`, and its build information for the report."""
    return find_build(name, LIBRARY, "build.json", "./ci/run emulated")


class AscendcEmulated(RowKernels):
    name = "ascendc-emulated"
    device = "none: the cores of an Ascend 910B, one after another on this processor"

    def __init__(self, target, mode):
        folder, facts = find_kernels(self.name)
        self.kernels, self.memory = open_library(folder, LIBRARY), PoisonedMemory()
        self.facts = {**facts, "device": self.device}

    def environment(self):
        return {**super().environment(), **self.facts}

    def row_sums(self, p, input, target, margin):
        sums = self.memory.result(target.shape, np.float32)
        self.kernels.prepare(symbol("Rows", p), input, target, margin.view(np.int32), sums)()
        return sums

    def slopes(self, p, factor, input, target, margin):
        slopes = self.memory.result(input.shape, input.dtype)
        self.kernels.prepare(symbol("Slopes", p), factor, input, target, margin.view(np.int32), slopes)()
        return slopes


class Ascendc310pEmulated(AscendcEmulated):
    """The kernels as compiled for Ascend 310P, which copies only whole blocks of 32 bytes (op_kernel/copies.h)."""

    name = "ascendc-310p-emulated"
    device = "none: the cores of an Ascend 310P, one after another on this processor"
