"""`ms_mml` as it runs on Ascend with the op package, where no Ascend is: MindSpore's operators on CPU, and the Ascend C
kernels as in ascendc.py."""

import os
import pathlib
import tempfile

from custom_ops.emulation.subjects.ascendc import LIBRARY, AscendcEmulated
from custom_ops.emulation.subjects.kernel_library import drive, find_build
from ms_mml.subjects.operator import MsMml


class AscendEmulated(MsMml):
    targets = ("CPU",)

    def find(self):
        folder, facts = find_build(AscendcEmulated.name, LIBRARY, "build.json", "./ci/run emulated")
        import mindspore

        from custom_ops.emulation import ascend as emulation
        from ms_mml import ascend, library

        self.opp = tempfile.TemporaryDirectory()
        os.environ["ASCEND_OPP_PATH"] = self.opp.name
        os.environ["ASCEND_CUSTOM_OPP_PATH"] = str(emulation.install(pathlib.Path(self.opp.name, "ms_mml")))
        mindspore.get_current_device = lambda: emulation.DEVICE
        library._chip = lambda: emulation.CHIP
        ascend.operator = emulation.operators(drive(folder, LIBRARY))
        function = super().find("Ascend")
        self.facts = {**facts, "device": AscendcEmulated.device}
        return function
