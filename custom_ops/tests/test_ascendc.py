"""Tests of the Ascend C kernels that the suite's `ascendc-emulated` does not cover.

They show that the stubs detect errors that a chip would not report, that a target out of range is safe, and what
build.sh says on a machine without CANN.
"""

import os
import sys

import numpy as np
import pytest

from custom_ops.tests.builds import CHECKOUT, build_ascendc, copy_with_mutants, open_ascendc, run

SHAPE = (7, 1100)  # three cores with unequal rows, and three tiles of which the last is shorter
MARGIN = np.array([1, 0], np.float32).view(np.int32)


def sums(kernels, scores, target):
    result = np.full(len(target), 77, np.float32)
    kernels.prepare("MultiMarginLossRowsP1", scores, target, MARGIN, result)()
    return result


def slopes(kernels, scores, target):
    factor, result = np.ones(len(target), np.float32), np.full_like(scores, 77)
    kernels.prepare("MultiMarginLossSlopesP1", factor, scores, target, MARGIN, result)()
    return result


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    return open_ascendc(build_ascendc(tmp_path_factory.mktemp("ascendc")))


# ----------------------------------------------------------------------------------------------------------------------
# The emulation
# ----------------------------------------------------------------------------------------------------------------------

# Mutants of the kernels: (file, text to replace, replacement), (function to call, error that the stubs must raise)
MUTANTS = {
    "tail loaded without padding": (
        (
            "op_kernel/copies.h",
            "AscendC::DataCopyPad(to, from, block, padding);",
            "AscendC::DataCopy(to, from, count);",
        ),
        (sums, "DataCopy: a length of 152 bytes is not a multiple of 32"),
    ),
    "tail stored without padding": (
        ("op_kernel/copies.h", "AscendC::DataCopyPad(to, from, block);", "AscendC::DataCopy(to, from, count);"),
        (slopes, "DataCopy: a length of 152 bytes is not a multiple of 32"),
    ),
    "target C not refused": (
        ("op_kernel/rows.h", "if (y_ < 0 || y_ >= extent_.classes) return false;", "if (y_ < 0) return false;"),
        (sums, "elements 7700 to 7701 of a global tensor of 7700"),
    ),
    "no DeQue": (
        ("op_kernel/rows.h", "scores_.template DeQue<Score>()", "loaded"),
        (sums, "Cast: the tensor is still in a queue: call DeQue first"),
    ),
    "no FreeTensor": (
        ("op_kernel/rows.h", "scores_.FreeTensor(scores);", ""),
        (sums, "AllocTensor: all 2 buffers of the queue are in use"),
    ),
    "no barrier between vector operations": (
        ("op_kernel/tile.h", "AscendC::PipeBarrier<PIPE_V>();", ""),
        (sums, "reads the output of another operation without waiting for it"),
    ),
    "no barrier between a tile and the sum at the target": (
        ("op_kernel/slopes.h", "AscendC::PipeBarrier<PIPE_MTE3>();", ""),
        (slopes, "two copies to the same global memory without a barrier between them"),
    ),
    "tile too long for local memory": (
        (
            "op_host/tiling.h",
            "(chip.local_memory - kReserved) / kBytesPerClass",
            "(chip.local_memory - kReserved) / 20",
        ),
        (slopes, "bytes of local memory, but a core has 16384"),
    ),
}
SOURCES = {name: (f"ascend/ascendc/{file}", *texts) for name, ((file, *texts), _) in MUTANTS.items()}


@pytest.fixture(scope="module")
def mutants(tmp_path_factory):
    """The folder of a build with all mutants, and the environment variables that turn them on."""
    folder = tmp_path_factory.mktemp("mutants")
    switches = copy_with_mutants(folder / "custom_ops", SOURCES)
    return build_ascendc(folder / "build", folder / "custom_ops"), switches


@pytest.mark.parametrize("mutant", MUTANTS)
def test_stubs_detect_mutant(mutant, mutants, monkeypatch):
    (folder, switches), (_, (call, message)) = mutants, MUTANTS[mutant]
    monkeypatch.setenv(switches[mutant], "1")
    target = np.zeros(SHAPE[0], np.int32)
    target[-1] = SHAPE[1]
    with pytest.raises(RuntimeError, match=message):
        call(open_ascendc(folder), np.zeros(SHAPE, np.float16), target)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("value", [-1, SHAPE[1], 2**31 - 1, -(2**31)])
def test_target_out_of_range(kernels, value, dtype):
    """The last row's target is past the end of the scores. Its scores are NaN, and no kernel may read them."""
    scores, target = np.zeros(SHAPE, dtype), np.arange(SHAPE[0], dtype=np.int32)
    scores[-1], target[-1] = np.nan, value
    assert sums(kernels, scores, target).tolist() == [SHAPE[1] - 1] * (SHAPE[0] - 1) + [0]
    gradient = slopes(kernels, scores, target)
    expected = np.ones(SHAPE, dtype)
    expected[np.arange(SHAPE[0] - 1), target[:-1]] = 1 - SHAPE[1]
    expected[-1] = 0
    np.testing.assert_array_equal(gradient, expected)


def test_float64_is_refused(kernels):
    with pytest.raises(RuntimeError, match="the dtype of 'input' must be float16 or float32, but got float64"):
        sums(kernels, np.zeros(SHAPE), np.zeros(SHAPE[0], np.int32))


# ----------------------------------------------------------------------------------------------------------------------
# A machine without CANN
# ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("python", "cann", "missing"), [
    (sys.executable, None, "CANN was not found: ASCEND_HOME_PATH is not set"),
    (sys.executable, "nowhere", "CANN was not found at nowhere"),
    ("no-python", None, "no-python has no MindSpore"),
])  # fmt: skip
def test_build_script_names_what_is_missing(python, cann, missing, tmp_path):
    command = ["bash", str(CHECKOUT / "custom_ops" / "ascend" / "ascendc" / "build.sh")]
    environment = {**os.environ, "PYTHON": python, "ASCEND_HOME_PATH": cann or ""}
    child = run(*command, cwd=tmp_path, env=environment)
    assert child.returncode == 77
    assert f"NOT RUN: {missing}" in child.stderr
    assert not list(tmp_path.iterdir())
