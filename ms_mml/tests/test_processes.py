"""Threads, forks, workers, processes that end during a computation, and read-only folders.

MindSpore 2.10 on CPU limits its own operators, and therefore this one:
- Only one thread may call at a time, and its result must be computed before another thread calls. With several
  threads, one call in thousands uses memory of another, and a gradient may crash the process.
- A process forked after MindSpore has run can run compiled networks only: PyNative mode waits forever.
- No daemon thread may be inside MindSpore when the process ends.
The kernel library has none of these limits.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import sysconfig

import numpy as np
import pytest

import ms_mml
from ms_mml.modes import MODES
from ms_mml.tests.data_parallel import train

HERE = pathlib.Path(__file__).parent
SECONDS = 120  # the time limit of a process

PREAMBLE = f"""
import multiprocessing, os, signal, sys, threading
from concurrent.futures import ThreadPoolExecutor
import mindspore as ms
import numpy as np
import ms_mml
sys.path.append({str(HERE.parents[1])!r})
from conformance.subjects.networks import Network
OPTIONS = {{"p": 1, "margin": 1, "reduction": "mean"}}

def arguments(rows, classes):
    rng = np.random.default_rng(rows)
    tensors = rng.standard_normal((rows, classes)), rng.integers(0, classes, rows), rng.random(classes)
    return [ms.Tensor(tensor) for tensor in tensors]
"""

pytestmark = pytest.mark.usefixtures("kernels")


def start(code, folder):
    """Start a process that runs the code; a crash shows in its exit code."""
    file = folder / "code.py"  # MindSpore compiles from source
    file.write_text(PREAMBLE + code)
    return subprocess.Popen(
        [sys.executable, str(file)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    """Return the output of a process, which must succeed."""
    try:
        output, errors = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert process.returncode == 0, errors[-2000:]
    return output


def run(code, folder):
    return finish(start(code, folder))


def test_threads_that_take_turns(tmp_path):
    """In both modes they get the same bits as a single thread."""
    code = """
net = Network(ms_mml.multi_margin_loss, OPTIONS, weighted=True)
both = ms.value_and_grad(net, (0, 2))
one_at_a_time = threading.Lock()
several = [arguments(*shape) for shape in ((7, 50), (40, 300), (2000, 50))]

def derivatives(number):
    with one_at_a_time:
        loss, gradients = both(*several[number % 3])
        return [result.asnumpy().tobytes() for result in (loss, *gradients)]

for mode in (ms.GRAPH_MODE, ms.PYNATIVE_MODE):
    ms.set_context(mode=mode)
    expected = [derivatives(number) for number in range(3)]
    with ThreadPoolExecutor(8) as pool:
        for number, got in enumerate(pool.map(derivatives, range(300))):
            assert got == expected[number % 3], number
"""
    run(code, tmp_path)


FORKED = """
def forked(function, expected, seconds):
    \"\"\"Fork a child that calls the function; its exit code is 0 if the result is as expected.\"\"\"
    process = os.fork()
    if process == 0:
        signal.alarm(seconds)
        os._exit(0 if function(*given).asnumpy() == expected else 1)
    return process

def wait(process):
    return os.waitpid(process, 0)[1]

given = arguments(500, 1000)[:2]
"""


def test_a_forked_process_uses_a_compiled_network(tmp_path):
    """The kernels' threads exist only in the parent, so the child starts new ones."""
    code = """
ms.set_context(mode=ms.GRAPH_MODE)
net = Network(ms_mml.multi_margin_loss, OPTIONS, weighted=False)
expected = net(*given).asnumpy()
assert wait(forked(net, expected, 60)) == 0
child = multiprocessing.get_context("fork").Process(target=lambda: net(*given).asnumpy() == expected or sys.exit(1))
child.start()
child.join(60)
assert child.exitcode == 0, child.exitcode
"""
    run(FORKED + code, tmp_path)


def test_a_process_forked_before_the_first_use(tmp_path):
    code = """
ms.set_context(mode=ms.PYNATIVE_MODE)
child = os.fork()
loss = ms_mml.multi_margin_loss(*given).asnumpy()
gradient = ms.grad(ms_mml.multi_margin_loss)(*given).asnumpy()
assert np.isfinite(loss) and np.isfinite(gradient).all()
if child:
    assert wait(child) == 0
"""
    run(FORKED + code, tmp_path)


def test_a_forked_process_in_pynative_mode_behaves_as_with_the_built_in(tmp_path):
    """With MindSpore 2.10 both wait forever for threads that exist only in the parent."""
    code = """
ms.set_context(mode=ms.PYNATIVE_MODE)
functions = (ms_mml.multi_margin_loss, ms.ops.multi_margin_loss)
expected = [function(*given).asnumpy() for function in functions]
children = [forked(function, value, 10) for function, value in zip(functions, expected)]
ours, built_in = map(wait, children)
assert ours in (0, built_in), (ours, built_in)
"""
    run(FORKED + code, tmp_path)


def test_a_spawned_process(tmp_path):
    code = """
if __name__ == "__main__":
    ms_mml.multi_margin_loss(*arguments(500, 1000)[:2]).asnumpy()
    child = multiprocessing.get_context("spawn").Process(target=ms_mml.run_check)
    child.start()
    child.join(100)
    assert child.exitcode == 0, child.exitcode
"""
    assert "are correct in graph mode and in PyNative mode" in run(code, tmp_path)


def test_data_parallel_training(tmp_path):
    """Two workers with half of the rows each get the same weights as one process with all rows."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    msrun = [sys.executable, "-m", "mindspore.parallel.cluster.run", "--worker_num=2", "--local_worker_num=2"]
    msrun += [f"--master_port={port}", "--join=True", f"--log_dir={tmp_path / 'logs'}", "--cluster_time_out=60"]
    # msrun starts the first `python` on PATH.
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    child = subprocess.run(
        [*msrun, str(HERE / "data_parallel.py"), str(tmp_path), str(SECONDS - 20)],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    logs = "".join(log.read_text() for log in (tmp_path / "logs").glob("worker_*.log"))
    assert child.returncode == 0, child.stdout + logs
    for mode in MODES:
        expected = train(mode)
        assert np.abs(expected).max() > 0.01
        for rank in range(2):
            np.testing.assert_allclose(np.load(tmp_path / f"{mode}-{rank}.npy"), expected, rtol=1e-5, atol=1e-7)


LARGE = "input, target = arguments(2000, 5000)[:2]\nms.set_context(mode=ms.PYNATIVE_MODE)\n"
UNFINISHED = {
    "losses": "for _ in range(20): ms_mml.multi_margin_loss(input, target)",
    "gradients": "for _ in range(3): ms.value_and_grad(ms_mml.multi_margin_loss)(input, target)",
    "thread": """
def work():
    for _ in range(20):
        ms_mml.multi_margin_loss(input, target)
threading.Thread(target=work).start()
""",
}


@pytest.mark.parametrize("work", UNFINISHED.values(), ids=UNFINISHED)
def test_a_process_ends_during_a_computation(tmp_path, work):
    """PyNative calls return before their results are computed, and this process does not wait for the results."""
    for process in [start(LARGE + work, tmp_path) for _ in range(3)]:
        finish(process)


def test_a_process_ends_while_daemon_threads_are_in_the_library(tmp_path):
    code = """
from conformance.guard import Memory
from ms_mml.subjects.library import Library
library = Library("CPU", "")
library.memory = Memory()
inputs, target = np.ones((2000, 2000), np.float32), np.zeros(2000, np.int64)
called = threading.Event()

def work():
    while True:
        library.loss(inputs, target)
        called.set()

for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
called.wait()
"""
    for process in [start(code, tmp_path) for _ in range(3)]:
        finish(process)


def test_read_only_folders(tmp_path):
    """With a read-only package and working directory, both modes work and leave no files."""
    package, folder = tmp_path / "site" / "ms_mml", tmp_path / "empty"
    for root in ms_mml.__path__:
        shutil.copytree(root, package, dirs_exist_ok=True)
    folder.mkdir()
    read_only = [*(tmp_path / "site").rglob("*"), tmp_path / "site", folder]
    code = f"""
import sys
sys.path[:0] = [{str(package.parent)!r}, {sysconfig.get_path("platlib")!r}]
import ms_mml, os
assert ms_mml.__file__.startswith({str(package)!r})
for path in ({str(package)!r}, "."):
    try:
        open(os.path.join(path, "file"), "w")
    except PermissionError:
        continue
    raise SystemExit(77)
ms_mml.run_check()
"""
    # setpriv removes root's right to write everywhere; -S ignores .pth files, which would import another ms_mml.
    prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    try:
        for path in read_only:
            path.chmod(0o555)
        child = subprocess.run(
            [*prefix, sys.executable, "-S", "-c", code],
            cwd=folder,
            env={**os.environ, "HOME": str(folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert not list(folder.iterdir())
    finally:
        for path in read_only:
            path.chmod(0o755)
    if child.returncode == 77 or "setpriv:" in child.stderr:
        pytest.skip(f"this user can write everywhere: {child.stderr}")
    assert child.returncode == 0, child.stderr
    assert "are correct in graph mode and in PyNative mode" in child.stdout
