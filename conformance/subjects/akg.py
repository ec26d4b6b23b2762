"""The AKG kernels (custom_ops/ascend/akg), compiled by the AKG that comes with MindSpore, on CPU and in both modes.

Around them comes what ms_mml does for a row in MindSpore's operators. float16 is computed in float32, and float32 in
float64.
"""

import importlib.metadata
import importlib.util

from conformance.subjects.base import NotAvailable
from conformance.subjects.mindspore import MindSporeFunction


class Akg(MindSporeFunction):
    targets = ("CPU",)
    limits = {  # noqa: RUF012
        "target-errors": "custom_ops/ascend/README.md: a kernel cannot raise",
        "accuracy": "custom_ops/ascend/README.md: float16 is added up in float32",
    }

    def find(self):
        if importlib.util.find_spec("decorator") is None:
            raise NotAvailable("MindSpore's AKG needs the package decorator; install it: pip install '.[akg]'")
        from conformance.subjects import akg_operators

        return akg_operators.loss

    def environment(self):
        return {**super().environment(), "decorator": importlib.metadata.version("decorator")}
