"""This project's kernel library by itself: its entry points through ctypes, and no MindSpore in the process."""

import importlib.util
import json
import pathlib

from conformance.subjects.base import NotAvailable, Subject
from conformance.subjects.entry_points import EntryPoints
from conformance.subjects.ms_mml import CLAIMS, library_facts

FILE = "lib/cpu/libms_mml_cpu.so"


class Library(Subject):
    claims = CLAIMS
    guarded = True
    lacks = {  # noqa: RUF012
        "errors": "p and reduction are part of an entry point's name, and errors have a text but no type",
        "non-contiguous": "a buffer has no strides",
    }

    def __init__(self, target, mode, path=None):
        """Of the installed ms_mml, or of a path."""
        package = importlib.util.find_spec("ms_mml")
        roots = package.submodule_search_locations if package else []
        found = [path for path in (pathlib.Path(root, FILE) for root in roots) if path.is_file()]
        if not found:
            raise NotAvailable(f"there is no {FILE} in an installed ms_mml; install it: pip install .")
        self.entry_points = EntryPoints(path or str(found[0]))
        self.facts = library_facts(json.loads(found[0].with_name("build.json").read_text()))

    def environment(self):
        in_use = {"instruction set": self.entry_points.instruction_set()}
        return {**super().environment(), **self.facts, **in_use}

    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        result = self.memory.result(target.shape if reduction == "none" else (), input.dtype)
        return self.entry_points.run("", p, reduction, margin, [input, target], weight, result)

    def gradient(self, dout, input, target, p=1, margin=1, weight=None, reduction="mean"):
        arrays = [dout, input, target]
        result = self.memory.result(input.shape, input.dtype)
        gradient = self.entry_points.run("Grad", p, reduction, margin, arrays, weight, result)
        if weight is None:
            return gradient, None
        result = self.memory.result(weight.shape, input.dtype)
        return gradient, self.entry_points.run("WeightGrad", p, reduction, margin, arrays, None, result)
