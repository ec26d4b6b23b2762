"""The Ascend C kernels where no Ascend is: compiled for this processor against stand-ins for the calls that they make
(custom_ops/emulation/ascendc), under sanitizers.

Arithmetic, indexing, buffers and queues are seen; what the chip, its compiler and CANN do with them is not.
"""

import numpy as np

from custom_ops.emulation.subjects.kernel_library import drive, find_build
from custom_ops.emulation.subjects.row_kernels import Rows
from ms_mml.subjects.library import PoisonedMemory

LIBRARY = "libms_mml_ascendc_emulated.so"


class AscendcEmulated(Rows):
    name = "ascendc-emulated"
    device = "none: the cores of an Ascend 910B, one after another on this processor"

    def __init__(self, target, mode):
        folder, facts = find_build(self.name, LIBRARY, "build.json", "./ci/run emulated")
        self.kernels, self.memory = drive(folder, LIBRARY), PoisonedMemory()
        self.facts = {**facts, "device": self.device}

    def environment(self):
        return {**super().environment(), **self.facts}

    def row_sums(self, p, input, target, margin):
        sums = self.memory.result(target.shape, np.float32)
        self.kernels.prepare(f"MultiMarginLossRowsP{p}", input, target, margin.view(np.int32), sums)()
        return sums

    def slopes(self, p, factor, input, target, margin):
        slopes = self.memory.result(input.shape, input.dtype)
        self.kernels.prepare(f"MultiMarginLossSlopesP{p}", factor, input, target, margin.view(np.int32), slopes)()
        return slopes


class Ascendc310pEmulated(AscendcEmulated):
    """The same for the cores of an Ascend 310P, which copy whole blocks only (custom_ops/ascend/ascendc/op_kernel)."""

    name = "ascendc-310p-emulated"
    device = "none: the cores of an Ascend 310P, one after another on this processor"
