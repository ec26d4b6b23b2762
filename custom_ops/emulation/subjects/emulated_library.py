"""The base class of the subjects that run a whole kernel library in emulation."""

from custom_ops.emulation.subjects.builds import find_build, open_library
from ms_mml.subjects.library import Library, PoisonedMemory


class EmulatedLibrary(Library):
    """A kernel library built for emulation. A subclass names the library file and what it is built for.

    Emulation checks results and memory accesses, not speed. A report never counts it as the device.
    """

    targets = ("CPU",)
    guarded = False  # the driver works on copies of the arrays
    slowdown = 5

    def __init__(self, target, mode):
        folder, self.facts = find_build(self.name, self.library, self.build, self.made_by)
        self.facts["device"] = self.device
        self.kernels = open_library(folder, self.library, self.launcher())
        self.memory = PoisonedMemory()

    def launcher(self):
        """The command that runs the driver; empty if it runs on this processor."""
        return []
