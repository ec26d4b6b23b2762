"""The CPU library through ctypes, beyond the suite's cases: equal bits, sanitizers, threads, a fork, argument lists."""

import concurrent.futures
import shutil
import types

import numpy as np
import pytest

from conformance.cases.factors import POWERS, REDUCTIONS
from conformance.cases.inputs import DTYPES, Inputs
from custom_ops.tests.builds import KERNELS, build, run, run_python
from custom_ops.tests.fingerprint import PARALLEL_SHAPES
from ms_mml import library
from ms_mml.ctypes_interface import symbol

LIBRARY = library.find("CPU")
assert LIBRARY.path, LIBRARY.reason


def fingerprint(path=LIBRARY.path, instruction_set=None, **environment):
    """The hash of the library's results, computed in another process with this instruction set."""
    if instruction_set:
        environment["MS_MML_INSTRUCTION_SET"] = instruction_set
    child = run_python("-m", "custom_ops.tests.fingerprint", path, **environment)
    assert child.returncode == 0, child.stderr
    used, digest = child.stdout.split()
    if used == "None":
        pytest.skip(f"this processor has no {instruction_set}")
    assert instruction_set in (None, used)
    return digest


@pytest.fixture(scope="module")
def reference():
    return fingerprint(MS_MML_NUM_THREADS="1")


@pytest.mark.parametrize("threads", ["1", "2", "7"])
@pytest.mark.parametrize("instruction_set", LIBRARY.build_info["instruction_sets"])
def test_same_bits(reference, instruction_set, threads):
    """The results include special values. NaN payloads may differ."""
    assert fingerprint(instruction_set=instruction_set, MS_MML_NUM_THREADS=threads) == reference


def build_sanitized(sanitizers, runtimes, folder):
    """Build the library with sanitizers; return its path and the environment that a process needs to load it."""
    if shutil.which("g++") is None:
        pytest.skip("the sanitized build needs g++")
    build(folder, KERNELS, "-DCMAKE_CXX_COMPILER=g++", f"-DMS_MML_SANITIZE={sanitizers}")
    files = [run("g++", f"-print-file-name={name}").stdout.strip() for name in runtimes]
    return str(folder / "libms_mml_cpu.so"), {"LD_PRELOAD": " ".join(files)}


def test_address_and_undefined_behaviour_sanitizers(reference, tmp_path):
    path, environment = build_sanitized("address,undefined", ("libasan.so", "libubsan.so"), tmp_path)
    environment["ASAN_OPTIONS"] = "detect_leaks=0"  # Python itself leaks
    for instruction_set in LIBRARY.build_info["instruction_sets"]:
        assert fingerprint(path=path, instruction_set=instruction_set, **environment) == reference


@pytest.mark.level1
def test_thread_sanitizer(tmp_path):
    """ThreadSanitizer reports no race in narrow, short and long rows, in segments of few rows, with bad targets (which
    any thread may find), and with several callers at once."""
    path, environment = build_sanitized("thread", ("libtsan.so",), tmp_path)
    code = f"""
import concurrent.futures
import numpy as np
from conformance.guard import Memory
from ms_mml.subjects.library import Library
library = Library("CPU", "", {path!r})
library.memory = Memory()

def calls(shape):
    rows, classes = shape
    inputs, target, weight = np.ones(shape, np.float32), np.zeros(rows, np.int64), np.ones(classes, np.float32)
    for _ in range(2):
        library.gradient(library.loss(inputs, target), inputs, target, weight=weight)
    target[:] = classes
    try:
        library.loss(inputs, target)
    except RuntimeError as error:
        assert "target[0]" in str(error)
    else:
        raise AssertionError

for shape in {PARALLEL_SHAPES}:
    calls(shape)
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    list(pool.map(calls, {PARALLEL_SHAPES[:3]}))
"""
    child = run_python("-c", code, MS_MML_NUM_THREADS="4", **environment)
    assert child.returncode == 0, child.stderr


def loss(library, scores, target, margin=1):
    return library.loss(**Inputs(scores, target, None, 1, margin, "none").arguments())


def test_a_row_has_the_same_bits_in_any_batch(cpu_library):
    rng = np.random.default_rng(0)
    for classes in (10, 1000, 40_000):
        scores, target = rng.standard_normal((80, classes)), rng.integers(0, classes, 80)
        together = loss(cpu_library, scores, target)
        for row in (0, 41, 79):
            alone = loss(cpu_library, scores[row : row + 1], target[row : row + 1])
            assert alone[0] == together[row]


def test_conversion_of_every_float16(cpu_library):
    """With C = 2 and a wrong class of score 0, the loss is half the gap: max(0, margin - x[y]) / 2. The last margin is
    computed in double, the others in float."""
    scores = np.zeros((1 << 16, 2), np.float16)
    scores[:, 0] = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    for margin in (0, 1, 2**-61):
        got = loss(cpu_library, scores, np.zeros(1 << 16, np.int64), margin)
        with np.errstate(invalid="ignore", over="ignore"):
            expected = np.maximum(margin - scores[:, 0].astype(np.float64), 0) / 2
            np.testing.assert_array_equal(got, expected.astype(np.float16))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("classes", [3, 40, 300])
def test_slopes_that_overflow_the_dtype(cpu_library, classes, dtype):
    """The slope of an active class is infinite; that of an inactive class is 0."""
    scores, target = np.zeros((2, classes), dtype), np.zeros(2, np.int64)
    scores[1, 2] = -1
    weight = np.full(classes, np.finfo(dtype).max)
    gradient, _ = cpu_library.gradient(weight[0], **Inputs(scores, target, weight, 1, 1, "sum").arguments())
    expected = np.full((2, classes), np.inf)
    expected[:, 0], expected[1, 2] = -np.inf, 0
    np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize("margin", [0.1, 2**-60, 1e-20, 65536, 1e5, -1e30])
@pytest.mark.parametrize("p", POWERS)
def test_float16_with_any_margin(cpu_library, p, margin):
    """Moderate margins are computed in float, others in double; both are accurate to 1 ulp."""
    rng = np.random.default_rng(0)
    scores, target = rng.standard_normal((50, 300)).astype(np.float16), rng.integers(0, 300, 50)
    scores[:, ::3] = scores[range(50), target][:, None]  # each equals the target score, so gap + x is the margin
    exact = cpu_library.loss(**Inputs(scores.astype(np.float64), target, None, p, margin, "none").arguments())
    with np.errstate(over="ignore"):
        expected = exact.astype(np.float16)
    got = cpu_library.loss(**Inputs(scores, target, None, p, margin, "none").arguments())
    np.testing.assert_array_max_ulp(got, expected, maxulp=1)
    assert np.mean(got == expected) > 0.9


def test_every_number_of_classes(cpu_library):
    """Covers the limits between narrow, short and long rows, and row counts that do not fill the lanes."""
    rng = np.random.default_rng(0)
    for classes in (*range(1, 40), *range(250, 275)):
        for rows in (1, 16, 23):
            scores, target = rng.standard_normal((rows, classes)), rng.integers(0, classes, rows)
            hinges = np.maximum(0, 1 - scores[range(rows), target][:, None] + scores)
            hinges[range(rows), target] = 0
            np.testing.assert_allclose(loss(cpu_library, scores, target), hinges.sum(1) / classes, rtol=1e-14)
            expected = (hinges > 0) / classes
            expected[range(rows), target] = -expected.sum(1)
            upstream = np.ones(rows)
            gradient, _ = cpu_library.gradient(upstream, **Inputs(scores, target, None, 1, 1, "none").arguments())
            np.testing.assert_allclose(gradient, expected, rtol=1e-14)


def arguments(**changes):
    """A valid argument list for MultiMarginLossP1None, with these arguments replaced, or left out if None."""
    good = {
        "input": np.ones((3, 5), np.float32),
        "target": np.zeros(3, np.int64),
        "margin": np.array(0, np.int64),
        "weight": np.ones(5, np.float32),
        "output": np.zeros(3, np.float32),
    }
    return [array for array in {**good, **changes}.values() if array is not None]


def of_shape(*shape):
    """An array that claims to have this shape."""
    return types.SimpleNamespace(__array_interface__={**np.ones(1, np.float32).__array_interface__, "shape": shape})


@pytest.mark.parametrize(("changes", "message"), [
    ({"target": None, "weight": None}, "the number of inputs and outputs must be in [4, 5], but got 3."),
    ({"input": np.ones((3, 5), np.int32)}, "the dtype of 'input' must be float16, float32 or float64, but got int32."),
    ({"input": np.ones(3, np.float32)}, "the rank of 'input' must be 2, but got shape (3,)."),
    ({"input": of_shape(-1, 5)}, "shape[0] of 'input' must be at least 0, but got shape (-1, 5)."),
    ({"input": np.ones((3, 0), np.float32)}, "shape[1] of 'input' must be at least 1, but got shape (3, 0)."),
    ({"target": np.zeros(3, np.int32)}, "the dtype of 'target' must be int64, but got int32."),
    ({"target": np.zeros(4, np.int64)}, "the shape of 'target' must be (3,), but got (4,)."),
    ({"margin": np.zeros(1, np.int64)}, "the shape of 'margin' must be (), but got (1,)."),
    ({"margin": np.array(1.0)}, "the dtype of 'margin' must be int64, but got float64."),
    ({"weight": np.ones(5, np.float64)}, "the dtype of 'weight' must be float32, but got float64."),
    ({"weight": np.ones(4, np.float32)}, "the shape of 'weight' must be (5,), but got (4,)."),
    ({"output": np.zeros((), np.float32)}, "the shape of 'output' must be (3,), but got ()."),
    ({"output": np.zeros(3, np.float16)}, "the dtype of 'output' must be float32, but got float16."),
    ({"target": np.array([0, 1, 5])}, "target[2] is 5 but must be in [0, 5)."),
    ({"target": np.array([0, -1, 5])}, "target[1] is -1 but must be in [0, 5)."),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_bad_argument_lists(cpu_library, changes, message):
    with pytest.raises(RuntimeError) as raised:
        cpu_library.kernels.call(symbol("", 1, "none"), *arguments(**changes))
    assert str(raised.value) == "For 'multi_margin_loss', " + message


def test_an_array_with_strides(cpu_library):
    with pytest.raises(ValueError, match="every array must be contiguous in memory, in the order of C"):
        cpu_library.kernels.call(symbol("", 1, "none"), *arguments(input=np.ones((5, 3), np.float32).T))


@pytest.mark.parametrize("shape", PARALLEL_SHAPES, ids=str)
def test_a_bad_target_among_rows_shared_by_threads(cpu_library, shape):
    rows, classes = shape
    target = np.zeros(rows, np.int64)
    target[[rows // 2, rows - 1]] = classes, -7
    with pytest.raises(RuntimeError, match=rf"target\[{rows // 2}\] is {classes} but must be in \[0, {classes}\)"):
        loss(cpu_library, np.ones(shape, np.float32), target)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(3, 5), *PARALLEL_SHAPES], ids=str)
def test_a_failed_call_leaves_nan_in_its_output(cpu_library, shape, reduction, dtype):
    """Every element, whether or not its row has a bad target."""
    rows, classes = shape
    scores, target = np.ones(shape, dtype), np.zeros(rows, np.int64)
    target[rows // 2] = classes
    upstream = np.ones(rows if reduction == "none" else (), dtype)
    outputs = {"": upstream.shape, "Grad": shape, "WeightGrad": (classes,)}
    for operator, output in outputs.items():
        arrays = [scores, target] if operator == "" else [upstream, scores, target]
        result = np.zeros(output, dtype)
        with pytest.raises(RuntimeError, match=r"target\["):
            cpu_library.kernels.run(operator, 1, reduction, 1, arrays, None, result)
        assert np.isnan(result).all()


def test_concurrent_calls(cpu_library):
    scores = np.random.default_rng(0).standard_normal((300, 1000))
    arguments = Inputs(scores, np.arange(300), None).arguments()
    expected = cpu_library.gradient(np.array(1.0), **arguments)[0]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for gradient, _ in pool.map(lambda _: cpu_library.gradient(np.array(1.0), **arguments), range(64)):
            np.testing.assert_array_equal(gradient, expected)


def test_a_forked_process():
    """The child has no helper threads; a library that waited for the parent's would hang until the alarm."""
    code = """
import os, signal, sys
import numpy as np
from conformance.guard import Memory
from ms_mml.subjects.library import Library
library = Library("CPU", "")
library.memory = Memory()
inputs, target = np.ones((500, 1000), np.float32), np.zeros(500, np.int64)
expected = library.loss(inputs, target)
if os.fork() == 0:
    signal.alarm(30)
    os._exit(library.loss(inputs, target) != expected)
sys.exit(os.wait()[1])
"""
    assert run_python("-c", code).returncode == 0


def test_every_entry_point_is_exported(cpu_library):
    for operator in ("", "Grad", "WeightGrad"):
        for p in POWERS:
            for reduction in REDUCTIONS:
                name = symbol(operator, p, reduction)
                assert hasattr(cpu_library.kernels.cdll, name)
                assert hasattr(cpu_library.kernels.cdll, name + "InferShape")


def test_unknown_instruction_set():
    code = """
import numpy as np
from conformance.guard import Memory
from ms_mml.subjects.library import Library
library = Library("CPU", "")
library.memory = Memory()
assert library.kernels.instruction_set() is None
library.loss(np.ones((3, 5), np.float32), np.zeros(3, np.int64))
"""
    child = run_python("-c", code, MS_MML_INSTRUCTION_SET="mmx")
    assert child.returncode == 1
    assert "For 'multi_margin_loss', MS_MML_INSTRUCTION_SET must be one of " in child.stderr
    assert "baseline on this processor, but got 'mmx'." in child.stderr
