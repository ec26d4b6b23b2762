"""The GPU kernels compiled as C++ for this processor, with sanitizers (custom_ops/emulation/cuda)."""

from custom_ops.emulation.subjects.emulated_library import EmulatedLibrary


class CudaEmulated(EmulatedLibrary):
    name, library, build, made_by = "cuda-emulated", "libms_mml_cuda_emulated.so", "build.json", "./ci/run emulated"
    device = "none: the threads of a GPU's blocks, as fibers of this processor"
    lacks = {  # noqa: RUF012
        **EmulatedLibrary.lacks,
        "many-rows": "emulating 70,000 blocks takes minutes; custom_ops/tests has one case",
    }
    limits = {"target-errors": "a GPU's kernel cannot raise"}  # noqa: RUF012
