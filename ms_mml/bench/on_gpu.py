"""The benchmark on a GPU: the kernels, PyTorch's operator, and what the GPU's memory gives, in one process and in turn.

Times are the GPU's own, between events on its stream, over many calls from Python on several inputs, so that the cache
has none of the large ones. Where a call does little work, what it costs to make it is what is seen.
"""

import datetime

import numpy as np
from tqdm import tqdm

from ms_mml import library
from ms_mml.bench.cases import GPU_QUICK_TABLES, GPU_TABLES
from ms_mml.bench.contestants import scores
from ms_mml.bench.race import QUICK_ROUNDS, ROUNDS, machine
from ms_mml.ctypes_interface import CtypesLibrary
from ms_mml.gpu_memory import gpu

TURN = 0.02  # seconds of a turn, about
APART = 512 << 20  # bytes of inputs, together: several times the largest cache
MOST_SETS = 64


def race(quick):
    """The results, as `ms_mml.bench.race` has them."""
    device = gpu()
    found = library.find("GPU")
    if found.path is None:
        raise RuntimeError(f"no kernel library ({found.reason}); build it with: {found.build}")
    kernels = CtypesLibrary(found.path)
    kernels.to_device = device.to_device
    cases, rounds = (GPU_QUICK_TABLES, QUICK_ROUNDS) if quick else (GPU_TABLES, ROUNDS)
    return {
        "machine": machine(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "contestants": {"gpu memory": device.facts(), "kernels": found.build_info},
        "tables": [_run(case, device, kernels, rounds) for case in tqdm(cases, unit="case", desc="timing")],
        "sweep": [],
    }


def _run(case, device, kernels, rounds):
    """All rounds of one case."""
    input, target, weight = scores(case)
    sets = max(1, min(MOST_SETS, APART // input.nbytes))
    calls = [_calls(case, device, kernels, input, target, weight) for _ in range(sets)]
    calls = {name: [one[name] for one in calls] for name in calls[0]}
    seconds = {name: [] for name in calls}
    times = {name: max(1, int(TURN / _seconds(device, calls[name], sets))) for name in calls}
    for _ in range(rounds):
        for name in calls:
            seconds[name].append(_seconds(device, calls[name], times[name]))
    return {**case.description(), "seconds": seconds, "problems": {}, "memory": {}}


def _calls(case, device, kernels, *arrays):
    """What is timed, on a set of inputs of its own. The speed of memory: to read the scores, or to copy them."""
    input, target, weight = (None if array is None else device.to_device(array) for array in arrays)
    forward = case.operation == "forward"
    upstream = device.to_device(np.ones((), case.dtype))
    result = device.to_device(np.zeros(() if forward else (case.rows, case.classes), case.dtype))
    operator, given = ("", [input, target]) if forward else ("Grad", [upstream, input, target])
    calls = {
        "gpu memory": (lambda: device.read(input)) if forward else (lambda: device.copy(result, input)),
        "kernels": kernels.bind(operator, case.p, "mean", 1, given, weight, result),
    }
    if hasattr(device, "operator"):
        calls["torch"] = device.operator(case.operation, case.p, upstream, input, target, weight)
    return calls


def _seconds(device, calls, times):
    """Of one call, over so many of them."""
    calls[0]()
    first = device.event()
    for number in range(times):
        calls[number % len(calls)]()
    return device.seconds(first, device.event()) / times
