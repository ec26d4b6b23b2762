"""The GPU's kernels beyond the suite's `cuda-emulated`: that the emulation would notice a race, that nvcc takes the
same source without a complaint, and what is said where nvcc or a GPU is missing."""

import os
import pathlib
import re
import shutil
import sys
import sysconfig
import zlib

import mindspore
import numpy as np
import pytest

from conformance.cases.inputs import Inputs
from conformance.subjects.base import NotAvailable
from custom_ops.emulation.subjects.builds import BUILDS
from custom_ops.emulation.subjects.cuda import CudaEmulated
from custom_ops.tests.builds import CHECKOUT, build, run
from ms_mml import library

MEGABYTE = 1 << 20
needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="there is no nvcc on PATH")


# ----------------------------------------------------------------------------------------------------------------------
# The emulation
# ----------------------------------------------------------------------------------------------------------------------

# What makes a sum over threads right, what becomes of it, and what the suite then says.
MUTANTS = {
    "no barrier before the sums of the warps are read": (
        "    __syncthreads();  // every warp has left its sum\n",
        "",
        "diverges",
    ),
    "no barrier before they are overwritten": (
        "    __syncthreads();  // the first thread has read them all: the next row's may come\n",
        "",
        "diverges",
    ),
    "half of the lanes in the mask": (
        "kAllLanes = 0xffffffff",
        "kAllLanes = 0x0000ffff",
        "is not in the mask that it gives",
    ),
    "each lane alone in its mask": (
        "__shfl_down_sync(kAllLanes, sum.parts.high",
        "__shfl_down_sync(1u << threadIdx.x % kWarpSize, sum.parts.high",
        "diverges",
    ),
    "a barrier for some": (
        "    __syncthreads();  // every warp has left its sum\n",
        "    if (threadIdx.x < kWarpSize) __syncthreads();\n",
        "wait for others that do not come",
    ),
}
CASES = ("loss-f16-p1-mean-wnone-m1-9x33", "loss-f32-p1-mean-wnone-m1-3x1100", "gradient-f64-p1-none-wnone-m1-3x1100")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_emulation_notices(mutant, tmp_path):
    right, wrong, verdict = MUTANTS[mutant]
    source = tmp_path / "custom_ops"
    shutil.copytree(CHECKOUT / "custom_ops", source)
    file = source / "gpu" / "group_sum.cuh"
    assert right in file.read_text()
    file.write_text(file.read_text().replace(right, wrong))
    build(tmp_path / "cuda-emulated", CHECKOUT / "custom_ops" / "emulation" / "cuda", f"-DMS_MML_SOURCE={source}")
    suite = [sys.executable, "-m", "pytest", str(CHECKOUT / "conformance"), "--subject", "cuda-emulated"]
    cases = [f"--case={case}" for case in CASES]
    child = run(*suite, *cases, cwd=tmp_path, env={**os.environ, BUILDS: str(tmp_path)})
    assert child.returncode == 1, child.stdout + child.stderr
    assert verdict in child.stdout


@pytest.mark.parametrize("shape", [(262_200, 2), (4_100, 1_030)], ids=str)
def test_more_rows_than_blocks_take_at_once(shape):
    try:
        subject = CudaEmulated("CPU", "")
    except NotAvailable as reason:
        pytest.skip(str(reason))
    rows, classes = shape
    target = np.arange(rows) % classes
    inputs = Inputs(np.zeros(shape, np.float32), target, None, 1, 1, "mean").arguments()
    assert subject.loss(**inputs) == np.float32((classes - 1) / classes)
    gradient, _ = subject.gradient(np.ones((), np.float32), **inputs)
    expected = np.full(shape, 1 / (rows * classes), np.float32)
    expected[np.arange(rows), target] *= 1 - classes
    np.testing.assert_allclose(gradient, expected, rtol=1e-7)


# ----------------------------------------------------------------------------------------------------------------------
# nvcc
# ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gpu_build(tmp_path_factory):
    """The folder of a build in which a warning of nvcc, of the host's compiler or of a spilled register is an error."""
    folder = tmp_path_factory.mktemp("gpu")
    strict = "-Werror=all-warnings -Xcompiler=-Werror -Xptxas=--warn-on-spills,--warning-as-error"
    build(folder, CHECKOUT / "custom_ops", "-DMS_MML_CUDA=ON", f"-DCMAKE_CUDA_FLAGS={strict}")
    return folder


@needs_nvcc
def test_nvcc_compiles_it_for_every_generation(gpu_build):
    cuobjdump = pathlib.Path(sysconfig.get_path("purelib"), "nvidia", "cu13", "bin", "cuobjdump")
    file = str(gpu_build / "libms_mml_gpu.so")

    def generations(what):
        return {int(number) for number in re.findall(r"\.sm_(\d+)\.", run(cuobjdump, what, file).stdout)}

    assert generations("--list-elf") >= {80, 90}
    assert generations("--list-ptx") == {80}


@needs_nvcc
def test_the_library_is_small_and_needs_no_cuda(gpu_build):
    file = gpu_build / "libms_mml_gpu.so"
    assert len(zlib.compress(file.read_bytes())) < 20 * MEGABYTE
    needed = run("readelf", "--dynamic", str(file)).stdout
    assert "NEEDED" in needed
    assert "cuda" not in needed
    exported = run("nm", "--dynamic", "--defined-only", str(file)).stdout
    functions = [line for line in exported.splitlines() if " T " in line]  # not the weak ones of the standard library
    assert functions
    assert all(" T MultiMarginLoss" in line for line in functions)


def test_cuda_without_nvcc(tmp_path):
    """Where it is asked for and missing, the build says so; where it is not asked for, nobody looks."""
    environment = {"PATH": "/usr/bin:/bin", "CUDACXX": str(tmp_path / "nowhere")}
    options = ["-S", str(CHECKOUT / "custom_ops"), "-B", str(tmp_path)]
    asked = run(shutil.which("cmake"), *options, "-DMS_MML_CUDA=ON", env=environment)
    assert asked.returncode != 0
    assert "MS_MML_CUDA is ON but there is no nvcc" in asked.stderr
    assert run(shutil.which("cmake"), *options, "-DMS_MML_CUDA=OFF", env=environment).returncode == 0


# ----------------------------------------------------------------------------------------------------------------------
# A machine without a GPU
# ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(library.find("GPU").path is not None, reason="the GPU's library is installed here")
@pytest.mark.parametrize(("subject", "missing"), [
    ("library", "there is no lib/gpu/libms_mml_gpu.so in an installed ms_mml; install it: pip install . --config"),
    ("ms_mml", f"MindSpore {mindspore.__version__} cannot use device target GPU"),
])  # fmt: skip
def test_the_device_target_gpu_says_what_is_missing(subject, missing, tmp_path):
    suite = [sys.executable, "-m", "pytest", str(CHECKOUT / "conformance"), "--device-target", "GPU"]
    child = run(*suite, "--subject", subject, cwd=tmp_path)
    assert child.returncode == 4
    assert f"subject '{subject}' cannot run on GPU: {missing}" in child.stderr
