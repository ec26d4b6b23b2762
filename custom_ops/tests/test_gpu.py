"""Tests of the GPU kernels that the suite's `cuda-emulated` does not cover.

The emulation detects races, and the errors without nvcc or without a GPU name what is missing. ci/check_wheel.py checks
the library that nvcc compiles.
"""

import shutil

import mindspore
import numpy as np
import pytest

from conformance.cases.inputs import Inputs
from conformance.subjects.base import NotAvailable
from custom_ops.emulation.subjects.builds import BUILDS
from custom_ops.emulation.subjects.cuda import CudaEmulated
from custom_ops.tests.builds import KERNELS, build, copy_with_mutants, run, run_suite
from ms_mml import library

# ----------------------------------------------------------------------------------------------------------------------
# The emulation
# ----------------------------------------------------------------------------------------------------------------------

# Mutants of group_sum.cuh: the text to replace, its replacement, and what the suite must report.
MUTANTS = {
    "no barrier before the sums of the warps are read": (
        "    __syncthreads();  // all warps must have written their sums before the first thread reads them\n",
        "",
        "diverges",
    ),
    "no barrier before the sums of the warps are overwritten": (
        "    __syncthreads();  // the first thread must have read all sums before the next row's overwrite them\n",
        "",
        "diverges",
    ),
    "a mask with half of the lanes": (
        "__shfl_down_sync(kAllLanes, sum.parts.high, distance, lanes)",
        "__shfl_down_sync(0x0000ffff, sum.parts.high, distance, lanes)",
        "shuffles with a mask that does not include it",
    ),
    "a mask with a single lane": (
        "__shfl_down_sync(kAllLanes, sum.parts.high, distance, lanes)",
        "__shfl_down_sync(1u << threadIdx.x % kWarpSize, sum.parts.high, distance, lanes)",
        "diverges",
    ),
    "a barrier for some of the warps": (
        "    __syncthreads();  // all warps must have written their sums before the first thread reads them\n",
        "    if (threadIdx.x < kWarpSize) __syncthreads();\n",
        "wait for threads that never arrive",
    ),
}
SOURCES = {name: ("gpu/group_sum.cuh", right, wrong) for name, (right, wrong, _) in MUTANTS.items()}
CASES = ("loss-f16-p1-mean-wnone-m1-9x33", "loss-f32-p1-mean-wnone-m1-3x1100", "gradient-f64-p1-none-wnone-m1-3x1100")


@pytest.fixture(scope="module")
def mutants(tmp_path_factory):
    """The folder of an emulated build with all mutants, and the environment variables that turn them on."""
    folder = tmp_path_factory.mktemp("mutants")
    switches = copy_with_mutants(folder / "custom_ops", SOURCES)
    source = f"-DMS_MML_SOURCE={folder / 'custom_ops'}"
    build(folder / "cuda-emulated", KERNELS / "emulation" / "cuda", source)
    return folder, switches


def run_cases(folder, cwd, **environment):
    cases = [f"--case={case}" for case in CASES]
    return run_suite("--subject", "cuda-emulated", *cases, cwd=cwd, **{BUILDS: str(folder)}, **environment)


def test_the_build_conforms_without_a_mutant(mutants, tmp_path):
    child = run_cases(mutants[0], tmp_path)
    assert child.returncode == 0, child.stdout + child.stderr


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_emulation_kills(mutant, mutants, tmp_path):
    folder, switches = mutants
    child = run_cases(folder, tmp_path, **{switches[mutant]: "1"})
    assert child.returncode == 1, child.stdout + child.stderr
    assert MUTANTS[mutant][-1] in child.stdout


@pytest.mark.parametrize("shape", [(262_200, 2), (4_100, 1_030)], ids=str)
def test_more_rows_than_blocks_can_hold_at_once(shape):
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


@pytest.mark.parametrize(
    ("operator", "shape", "output"), [("Grad", (1, 70_000), (1, 70_000)), ("WeightGrad", (9, 3), (3,))]
)
def test_a_call_without_memory_raises_and_leaves_nan(monkeypatch, operator, shape, output):
    monkeypatch.setenv("MS_MML_EMULATED_MEMORY", "10")
    arrays = np.ones((), np.float32), np.ones(shape, np.float32), np.zeros(shape[0], np.int64)
    result = np.zeros(output, np.float32)
    with pytest.raises(RuntimeError, match="cudaMallocFromPoolAsync failed on the GPU: out of memory"):
        CudaEmulated("CPU", "").kernels.run(operator, 1, "mean", 1, arrays, None, result)
    assert np.isnan(result).all()


# ----------------------------------------------------------------------------------------------------------------------
# A machine without nvcc or a GPU
# ----------------------------------------------------------------------------------------------------------------------


def test_cuda_without_nvcc(tmp_path):
    """A requested CUDA build fails without nvcc; other builds do not look for nvcc."""
    environment = {"PATH": "/usr/bin:/bin", "CUDACXX": str(tmp_path / "nowhere")}
    options = ["-S", str(KERNELS), "-B", str(tmp_path)]
    requested = run(shutil.which("cmake"), *options, "-DMS_MML_CUDA=ON", env=environment)
    assert requested.returncode != 0
    assert "MS_MML_CUDA is ON but there is no nvcc" in requested.stderr
    assert run(shutil.which("cmake"), *options, "-DMS_MML_CUDA=OFF", env=environment).returncode == 0


@pytest.mark.skipif(library.find("GPU").path is not None, reason="the GPU library is installed")
@pytest.mark.parametrize(("subject", "missing"), [
    ("library", "lib/gpu/libms_mml_gpu.so is not in the package; build it with: pip install "),
    ("ms_mml", f"MindSpore {mindspore.__version__} cannot use device target GPU"),
])  # fmt: skip
def test_the_error_for_device_target_gpu_names_what_is_missing(subject, missing, tmp_path):
    child = run_suite("--device-target", "GPU", "--subject", subject, cwd=tmp_path)
    assert child.returncode == 4
    assert f"subject '{subject}' cannot run on GPU: {missing}" in child.stderr
