"""A device's own kernels where the device is not: compiled for something else, and called through a driver.

Right or wrong is seen, and every byte that is touched; speed is not. Each has a name of its own and is never reported
as the device.
"""

import json
import os
import pathlib
import shutil

from conformance.subjects.base import NotAvailable
from ms_mml.subjects.library import Library, PoisonedMemory, build_report

BUILDS = "MS_MML_EMULATION"  # the environment variable that names the folder of all builds
SYSTEM = "/usr/aarch64-linux-gnu"  # where Debian's cross compiler has that processor's C library


def find_build(name, library, build, made_by):
    """The folder of a library and its driver, which has the name of the subject, and what the build says of itself."""
    folder = pathlib.Path(os.environ.get(BUILDS, "")).absolute() / name
    if not (folder / library).is_file():
        raise NotAvailable(f"{BUILDS} names no folder with {name}/{library}; {made_by} makes it")
    return folder, build_report(json.loads((folder / build).read_text()))


def drive(folder, library, launcher=()):
    """The entry points of the library in a folder; `launcher` is the command that the driver's own follows."""
    from custom_ops.emulation.driven import Driven

    return Driven([*launcher, str(folder / "driver"), str(folder / library)])


class Emulated(Library):
    """The kernel library of a device, as `find_build` finds it."""

    targets = ("CPU",)
    guarded = False  # the driver has copies

    def __init__(self, target, mode):
        folder, self.facts = find_build(self.name, self.library, self.build, self.made_by)
        self.facts["device"] = self.device
        self.kernels = drive(folder, self.library, self.launcher())
        self.memory = PoisonedMemory()

    def launcher(self):
        """The command that the driver's own follows."""
        return []


class Aarch64(Emulated):
    name, library, build, made_by = "aarch64-emulated", "libms_mml_cpu.so", "cpu/build.json", "./ci/run aarch64"
    device = "aarch64, emulated by qemu"

    def launcher(self):
        if shutil.which("qemu-aarch64") is None:
            raise NotAvailable("there is no qemu-aarch64; install it (Debian, Ubuntu: qemu-user)")
        return ["qemu-aarch64", "-L", SYSTEM]


class Cuda(Emulated):
    """The GPU kernels as C++ for this processor, under sanitizers (custom_ops/emulation/cuda)."""

    name, library, build, made_by = "cuda-emulated", "libms_mml_cuda_emulated.so", "build.json", "./ci/run emulated"
    device = "none: the threads of a GPU's blocks, as fibers of this processor"
    limits = {"target-errors": "a GPU's kernel cannot raise"}  # noqa: RUF012
