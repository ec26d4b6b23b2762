"""The Ascend C kernels where no Ascend is: compiled for this processor against stand-ins for the calls that they make
(conformance/emulation/ascendc), under sanitizers.

Arithmetic, indexing, buffers and queues are seen; what the chip, its compiler and CANN do with them is not.
"""

import json
import os
import pathlib

import numpy as np

from conformance.subjects.base import NotAvailable
from conformance.subjects.emulated import BUILDS
from conformance.subjects.library import Plain, library_facts
from conformance.subjects.rows import Rows


class AscendcEmulated(Rows):
    """The library and the driver lie in a folder, with the name of the subject, among the builds."""

    name = "ascendc-emulated"
    device = "none: the cores of an Ascend 910B, one after another on this processor"

    def __init__(self, target, mode):
        from conformance.emulation.driven import Driven

        folder = pathlib.Path(os.environ.get(BUILDS, "")).absolute() / self.name
        library = folder / "libms_mml_ascendc_emulated.so"
        if not library.is_file():
            raise NotAvailable(f"{BUILDS} names no folder with {self.name}/{library.name}; ./ci/run cpu makes it")
        self.kernels = Driven([str(folder / "driver"), str(library)])
        self.facts = {**library_facts(json.loads((folder / "build.json").read_text())), "device": self.device}
        self.memory = Plain()

    def environment(self):
        return {**super().environment(), **self.facts}

    def row_sums(self, p, input, target, margin):
        sums = self.memory.result(target.shape, np.float32)
        self.kernels.prepare(f"MultiMarginLossRowsP{p}", input, target, margin, sums)()
        return sums

    def slopes(self, p, factor, input, target, margin):
        slopes = self.memory.result(input.shape, input.dtype)
        self.kernels.prepare(f"MultiMarginLossSlopesP{p}", factor, input, target, margin, slopes)()
        return slopes


class Ascendc310pEmulated(AscendcEmulated):
    """The same for the cores of an Ascend 310P, which copy whole blocks only (custom_ops/ascend/ascendc/op_kernel)."""

    name = "ascendc-310p-emulated"
    device = "none: the cores of an Ascend 310P, one after another on this processor"
