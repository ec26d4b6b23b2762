"""The AKG kernels (custom_ops/ascend/akg), compiled by the AKG that comes with MindSpore, on CPU and in both modes.

Around them comes what ms_mml does for a row in MindSpore's operators. Every dtype is computed in float64: added up in
float32, the hinges of 100000 float16 scores that nearly cancel are 2 ulp off.
"""

import importlib.metadata
import importlib.util

from conformance.subjects.base import NotAvailable
from conformance.subjects.mindspore import MindSporeFunction


class Akg(MindSporeFunction):
    targets = ("CPU",)
    limits = {"target-errors": "custom_ops/ascend/README.md: a kernel cannot raise"}  # noqa: RUF012

    def find(self):
        if importlib.util.find_spec("decorator") is None:
            raise NotAvailable("MindSpore's AKG needs the package decorator; install it: pip install '.[akg]'")
        from custom_ops.ascend.akg import operators

        return operators.loss

    def environment(self):
        return {**super().environment(), "decorator": importlib.metadata.version("decorator")}
