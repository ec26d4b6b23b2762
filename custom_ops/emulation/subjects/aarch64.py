"""The CPU kernels compiled for aarch64 and run under qemu."""

import shutil

from conformance.subjects.base import NotAvailable
from custom_ops.emulation.subjects.emulated_library import EmulatedLibrary

SYSTEM = "/usr/aarch64-linux-gnu"  # where Debian's cross compiler installs the C library for aarch64


class Aarch64Emulated(EmulatedLibrary):
    name, library, build, made_by = "aarch64-emulated", "libms_mml_cpu.so", "cpu/build.json", "./ci/run aarch64"
    device = "aarch64, emulated by qemu"

    def launcher(self):
        if shutil.which("qemu-aarch64") is None:
            raise NotAvailable("qemu-aarch64 is not on PATH; install it (Debian, Ubuntu: qemu-user)")
        return ["qemu-aarch64", "-L", SYSTEM]
