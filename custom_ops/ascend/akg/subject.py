"""The AKG kernels as a subject of the conformance suite: MindSpore's AKG compiles them for CPU."""

import importlib.metadata
import importlib.util

from conformance.subjects.base import NotAvailable
from conformance.subjects.mindspore import MindSporeFunction
from ms_mml.subjects.operator import LIMITS_ON_ASCEND


class Akg(MindSporeFunction):
    targets = ("CPU",)
    limits = {"target-errors": LIMITS_ON_ASCEND["target-errors"]}  # noqa: RUF012

    def find(self):
        if importlib.util.find_spec("decorator") is None:
            raise NotAvailable("MindSpore's AKG needs the package decorator; install it: pip install '.[akg]'")
        from custom_ops.ascend.akg import operators

        return operators.loss

    def environment(self):
        return {**super().environment(), "decorator": importlib.metadata.version("decorator")}
