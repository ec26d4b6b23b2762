"""This project's operator by its kernels, and the same function written in MindSpore's own operators."""

import os

from conformance.subjects.base import NotAvailable
from conformance.subjects.mindspore import MindSporeFunction
from custom_ops.emulation.subjects.row_kernels import Rows

# What the kernels promise. float64 carries what each addition rounds off, so no term grows with C: two roundings for
# a hinge of p = 2 and its square make 5; one each for the sums of a segment, a row and all rows, and for weight, C
# and N.
CLAIMS = {"float16": 0.501, "float32": 0.501, "float64": 11}


def library_facts(facts):
    """What a kernel library says of its build, as a report names it."""
    return {f"library {name}": " ".join(v) if isinstance(v, list) else v for name, v in facts.items()}


class MsMml(MindSporeFunction):
    kernel = "aot"  # or an error: nothing else may run in its place
    claims = CLAIMS
    limits_on_ascend = Rows.limits

    def find(self, target=None):
        target = target or self.target
        os.environ["MS_MML_KERNEL"] = self.kernel
        try:
            import ms_mml
            from ms_mml import library
        except ImportError as error:
            raise NotAvailable(f"{error}; install it: pip install .") from error
        found = library.find(target)
        if self.kernel == "aot" and found.path is None:
            raise NotAvailable(f"ms_mml has no kernels for {target}: {found.reason}")
        self.facts = library_facts(found.build_info) if self.kernel == "aot" else {}
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
    limits_on_ascend = {**limits, "accuracy": Rows.limits["accuracy"]}  # noqa: RUF012
