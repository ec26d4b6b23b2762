"""The operator `ms_mml.multi_margin_loss` with its kernels, and its fallback in MindSpore's own operators."""

import os

import ms_mml
from conformance.subjects.base import NotAvailable
from conformance.subjects.mindspore import MindSporeFunction
from ms_mml import library
from ms_mml.subjects.library import CLAIMS, build_report

LIMITS_ON_ASCEND = {
    "float64": "custom_ops/ascend/README.md: these chips have no float64",
    "target-errors": "custom_ops/ascend/README.md: a kernel cannot raise",
    "accuracy": "custom_ops/ascend/README.md: float32 is computed in float32",
}


class MsMml(MindSporeFunction):
    kernel = "aot"  # requested by name, so that missing kernels are an error and nothing falls back
    claims = CLAIMS
    limits_on_ascend = LIMITS_ON_ASCEND

    def find(self, target=None):
        target = target or self.target
        os.environ["MS_MML_KERNEL"] = self.kernel
        found = library.find(target)
        if self.kernel == "aot" and found.path is None:
            raise NotAvailable(f"ms_mml has no kernels for {target}: {found.reason}")
        self.facts = build_report(found.build_info) if self.kernel == "aot" else {}
        if target == "Ascend":
            self.claims, self.limits = {}, self.limits_on_ascend
        self.version = ms_mml.__version__
        return ms_mml.multi_margin_loss

    def environment(self):
        return {**super().environment(), "ms_mml": self.version, **self.facts}


class Composite(MsMml):
    kernel = "composite"
    claims = {}  # noqa: RUF012
    limits = {"target-errors": "MindSpore's operators cannot raise (ms_mml.composite)"}  # noqa: RUF012
    limits_on_ascend = {**limits, "accuracy": LIMITS_ON_ASCEND["accuracy"]}  # noqa: RUF012
