"""`ms_mml` as on an Ascend with the op package: MindSpore's operators on CPU, with the emulated Ascend C kernels."""

import os
import pathlib
import tempfile

from custom_ops.emulation.subjects.ascendc import LIBRARY, AscendcEmulated, find_kernels
from custom_ops.emulation.subjects.builds import open_library
from ms_mml.subjects.operator import MsMml


class AscendEmulated(MsMml):
    targets = ("CPU",)

    def find(self):
        folder, facts = find_kernels(AscendcEmulated.name)
        import mindspore

        from custom_ops.emulation import simulated_ascend
        from ms_mml import ascend, library

        self.opp = tempfile.TemporaryDirectory()
        os.environ["ASCEND_OPP_PATH"] = self.opp.name
        os.environ["ASCEND_CUSTOM_OPP_PATH"] = str(simulated_ascend.install(pathlib.Path(self.opp.name, "ms_mml")))
        mindspore.get_current_device = lambda: simulated_ascend.DEVICE
        library._chip = lambda: simulated_ascend.CHIP
        ascend.operator = simulated_ascend.operator_factory(open_library(folder, LIBRARY))
        function = super().find("Ascend")
        self.facts = {**facts, "device": AscendcEmulated.device}
        return function
