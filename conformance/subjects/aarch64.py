"""The kernel library compiled for aarch64, under qemu's emulation of that processor."""

import json
import os
import pathlib
import shutil

import numpy as np

from conformance.subjects.base import NotAvailable
from conformance.subjects.library import Library, library_facts

BUILD = "MS_MML_AARCH64"  # the environment variable that names the folder of the library and the driver
SYSTEM = "/usr/aarch64-linux-gnu"  # where Debian's cross compiler has that processor's C library


class Aarch64(Library):
    guarded = False  # the driver has copies

    def __init__(self, target, mode):
        from conformance.emulation.driven import Driven

        folder = pathlib.Path(os.environ.get(BUILD, ""))
        library = folder / "libms_mml_cpu.so"
        if not library.is_file():
            raise NotAvailable(f"{BUILD} names no folder with the library and the driver; ./ci/run aarch64 makes them")
        if shutil.which("qemu-aarch64") is None:
            raise NotAvailable("there is no qemu-aarch64; install it (Debian, Ubuntu: qemu-user)")
        self.entry_points = Driven(["qemu-aarch64", "-L", SYSTEM, str(folder / "driver"), str(library)])
        self.facts = library_facts(json.loads((folder / "cpu" / "build.json").read_text()))
        self.facts["device"] = "aarch64, emulated by qemu"
        self.memory = _Memory()


class _Memory:
    def result(self, shape, dtype):
        return np.full(shape, 77, dtype)
