"""The benchmark on a GPU: the kernels, PyTorch's operator and the GPU's memory bandwidth take turns in one process.

Times are measured on the GPU, between events on its stream, over many calls from Python. The calls alternate between
several sets of inputs, together larger than the cache, so that large inputs come from memory. For small inputs the
time is that of making a call.
"""

import datetime
import sys

import numpy as np
from tqdm import tqdm

from ms_mml import library
from ms_mml.bench.cases import GPU_QUICK_TABLES, GPU_TABLES
from ms_mml.bench.contestants import random_inputs
from ms_mml.bench.machine import machine
from ms_mml.ctypes_interface import CtypesLibrary
from ms_mml.gpu_memory import find_gpu

ROUNDS, QUICK_ROUNDS = 7, 3
TURN = 0.02  # approximate seconds of a turn
BYTES_OF_SETS = 512 << 20  # of all sets of inputs together: several times the largest cache
MOST_SETS = 64


def measure(quick):
    """Return the results in the same form as `ms_mml.bench.cpu.measure`."""
    found = library.find("GPU")
    try:
        gpu = find_gpu()
        if found.path is None:
            raise RuntimeError(f"no kernel library ({found.reason}); build it with: {found.build}")
    except RuntimeError as error:
        sys.exit(f"python -m ms_mml bench --device GPU: {error}")
    kernels = CtypesLibrary(found.path)
    kernels.to_device = gpu.to_device
    cases, rounds = (GPU_QUICK_TABLES, QUICK_ROUNDS) if quick else (GPU_TABLES, ROUNDS)
    return {
        "machine": machine(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "contestants": {"gpu memory": gpu.describe(), "kernels": found.build_info},
        "tables": [_measure_case(case, gpu, kernels, rounds) for case in tqdm(cases, unit="case", desc="timing")],
        "classes": [],
        "sweep": [],
    }


def _measure_case(case, gpu, kernels, rounds):
    inputs = random_inputs(case)
    sets = max(1, min(MOST_SETS, BYTES_OF_SETS // inputs[0].nbytes))
    calls_of_sets = [_calls(case, gpu, kernels, *inputs) for _ in range(sets)]
    calls = {name: [calls_of_set[name] for calls_of_set in calls_of_sets] for name in calls_of_sets[0]}
    counts = {name: max(1, int(TURN / _seconds(gpu, calls[name], sets))) for name in calls}
    seconds = {name: [] for name in calls}
    for _ in range(rounds):
        for name in calls:
            seconds[name].append(_seconds(gpu, calls[name], counts[name]))
    return {**case.description(), "seconds": seconds, "problems": {}, "memory": {}}


def _calls(case, gpu, kernels, *arrays):
    """Return the call of each contestant on one set of inputs. The memory bandwidth is that of reading or copying."""
    input, target, weight = (None if array is None else gpu.to_device(array) for array in arrays)
    forward = case.operation == "forward"
    upstream = gpu.to_device(np.ones((), case.dtype))
    result = gpu.to_device(np.zeros(() if forward else (case.rows, case.classes), case.dtype))
    operator, inputs = ("", [input, target]) if forward else ("Grad", [upstream, input, target])
    calls = {
        "gpu memory": (lambda: gpu.read(input)) if forward else (lambda: gpu.copy(result, input)),
        "kernels": kernels.bind(operator, case.p, "mean", 1, inputs, weight, result),
    }
    if hasattr(gpu, "operator"):
        calls["torch"] = gpu.operator(case.operation, case.p, upstream, input, target, weight)
    return calls


def _seconds(gpu, calls, count):
    """Return the seconds of one call, averaged over `count` calls."""
    calls[0]()
    first = gpu.record_event()
    for number in range(count):
        calls[number % len(calls)]()
    return gpu.seconds_between(first, gpu.record_event()) / count
