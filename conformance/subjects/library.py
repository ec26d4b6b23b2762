"""This project's kernel library by itself: its entry points through ctypes, and no MindSpore in the process."""

import importlib.util
import json
import pathlib

import numpy as np

from conformance.subjects.base import NotAvailable, Subject
from conformance.subjects.ms_mml import CLAIMS, library_facts

FILES = {"CPU": "lib/cpu/libms_mml_cpu.so", "GPU": "lib/gpu/libms_mml_gpu.so"}
INSTALL = {"CPU": "pip install .", "GPU": "pip install . --config-settings=cmake.define.MS_MML_CUDA=ON"}


def installed(file, remedy="pip install ."):
    """The path of a file of the installed ms_mml, which is not imported: that would import MindSpore."""
    package = importlib.util.find_spec("ms_mml")
    for root in package.submodule_search_locations if package else []:
        path = pathlib.Path(root, file)
        if path.is_file():
            return path
    raise NotAvailable(f"there is no {file} in an installed ms_mml; install it: {remedy}")


def installed_module(file):
    """A module of the installed ms_mml, by itself."""
    return module_at(installed(file))


def module_at(path):
    """A module by the path of its file, under no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Library(Subject):
    targets = ("CPU", "GPU")
    claims = CLAIMS
    lacks = {  # noqa: RUF012
        "errors": "p and reduction are part of an entry point's name, and errors have a text but no type",
        "non-contiguous": "a buffer has no strides",
    }

    def __init__(self, target, mode, path=None):
        """Of the installed ms_mml, or of a path."""
        found = installed(FILES[target], INSTALL[target])
        self.facts = library_facts(json.loads(found.with_name("build.json").read_text()))
        self.guarded = target == "CPU"
        if target == "CPU":
            self.entry_points = installed_module("entry_points.py").EntryPoints(path or str(found))
            self.facts["instruction set"] = self.entry_points.instruction_set()
        else:
            from conformance.subjects.on_gpu import OnGpu

            self.entry_points, self.memory = OnGpu(str(found)), Plain()
            self.facts.update(self.entry_points.gpu.facts())

    def environment(self):
        return {**super().environment(), **self.facts}

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


class Plain:
    """Poisoned memory without guards: for results that a device's own memory is copied to."""

    def result(self, shape, dtype):
        return np.full(shape, 77, dtype)
