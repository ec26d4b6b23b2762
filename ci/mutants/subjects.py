"""The kernel libraries with a mutant as subjects of the suite. Environment variables say where they are."""

import os

from custom_ops.emulation.subjects.builds import BUILDS
from custom_ops.emulation.subjects.cuda import CudaEmulated
from ms_mml.subjects.library import Library

__all__ = ["BUILDS", "LIBRARY", "MutantCuda", "MutantLibrary"]
LIBRARY = "MS_MML_MUTANT"  # environment variable: the path of the CPU library with a mutant


class MutantLibrary(Library):
    def __init__(self, target, mode):
        super().__init__(target, mode, os.environ[LIBRARY])


class MutantCuda(CudaEmulated):
    def launcher(self):
        return ["setpriv", "--pdeathsig", "KILL"]  # a driver that hangs ends with the process that started it
