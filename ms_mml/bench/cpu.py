"""The benchmark on CPU: each contestant runs in its own process, and they take turns, round after round."""

import concurrent.futures
import contextlib
import datetime
import multiprocessing
import os
import pathlib
import statistics
import time

from tqdm import tqdm

from ms_mml.bench.cases import ALL, BY_CLASSES, QUICK_BY_CLASSES, QUICK_SWEEP, QUICK_TABLES, SWEEP, TABLES
from ms_mml.bench.contestants import contestant
from ms_mml.bench.machine import machine

ROUNDS, TURN = 7, 0.1  # a turn lasts at least one call and about this many seconds
QUICK_ROUNDS, QUICK_TURN = 3, 0.02
MOST_SHARED = 10**8  # with more scores, memory holds one contestant's arrays at a time


def measure(quick):
    """Return the results: the machine, the contestants, and each case with the seconds of a call in each round."""
    parts = {
        "tables": QUICK_TABLES if quick else TABLES,
        "classes": QUICK_BY_CLASSES if quick else BY_CLASSES,
        "sweep": QUICK_SWEEP if quick else SWEEP,
    }
    rounds, turn = (QUICK_ROUNDS, QUICK_TURN) if quick else (ROUNDS, TURN)
    with contextlib.ExitStack() as stack:
        processes = {name: stack.enter_context(_Process(name)) for name in ALL}
        descriptions = {name: process.describe() for name, process in processes.items()}
        turns = sum(len(case.contestants) for cases in parts.values() for case in cases) * rounds
        bar = stack.enter_context(tqdm(total=turns, unit="turn", desc="timing"))
        results = {
            part: [_measure_case(case, processes, rounds, turn, bar) for case in cases] for part, cases in parts.items()
        }
    return {
        "machine": machine(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "contestants": descriptions,
        **results,
    }


def _measure_case(case, processes, rounds, turn, bar):
    seconds, problems, memory = {}, {}, {}
    turns = [name for _ in range(rounds) for name in case.contestants]
    if case.rows * case.classes > MOST_SHARED:
        turns.sort(key=case.contestants.index)
    for position, name in enumerate(turns):
        if name not in problems:
            answer = processes[name].take_turn(case, turn)
            problems.update({name: answer["problem"]} if "problem" in answer else {})
            seconds.setdefault(name, []).extend(answer.get("seconds", []))
            memory.setdefault(name, answer.get("memory"))
        if name not in turns[position + 1 :]:
            processes[name].release()
        bar.update()
    seconds = {name: times for name, times in seconds.items() if times}
    return {**case.description(), "seconds": seconds, "problems": problems, "memory": memory}


class _Process:
    """A contestant's process. If it is missing a package, fails or dies, its answers name the problem."""

    def __init__(self, name):
        context = multiprocessing.get_context("spawn")
        self._pool = concurrent.futures.ProcessPoolExecutor(max_workers=1, mp_context=context)
        self._start = self._pool.submit(_start, name)
        self._problem = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._pool.shutdown()

    def describe(self):
        """Wait until the contestant has started; return its description."""
        answer = self._answer(self._start)
        self._problem = answer.get("problem")
        return answer

    def take_turn(self, case, turn):
        """Return the median of the calls of one turn, and in the first turn the memory that a call needs."""
        return self._submit(_take_turn, case, turn)

    def release(self):
        """Free the arrays of the case."""
        self._submit(_release)

    def _submit(self, function, *arguments):
        if self._problem:
            return {"problem": self._problem}
        try:
            return self._answer(self._pool.submit(function, *arguments))
        except concurrent.futures.BrokenExecutor:  # it died after its last answer
            return self._died()

    def _answer(self, future):
        try:
            return future.result()
        except concurrent.futures.BrokenExecutor:
            return self._died()

    def _died(self):
        self._problem = "its process died"
        return {"problem": self._problem}


# The functions below run in a contestant's process, which keeps the contestant and its prepared case here.
_state = {"contestant": None, "case": None, "call": None}


def _start(name):
    os.environ.update(GLOG_v="4")  # MindSpore logs errors only
    try:
        _state["contestant"] = contestant(name)
        return _state["contestant"].describe()
    except Exception as error:
        return {"problem": f"{type(error).__name__}: {error}"}


def _take_turn(case, turn):
    try:
        memory = None
        if case != _state["case"]:
            _release()
            _state.update(call=_state["contestant"].prepare(case), case=case)
            memory = _measure_memory(_state["call"])
        return {"seconds": [_time(_state["call"], turn)], "memory": memory}
    except Exception as error:
        return {"problem": f"{type(error).__name__}: {error}".splitlines()[0]}


def _release():
    _state.update(case=None, call=None)


def _time(call, turn):
    call()
    times, end = [], time.perf_counter() + turn
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _measure_memory(call):
    """Return the bytes by which the first call raises the peak memory of this process above its current use."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # reset the recorded peak
    before = _read_status("VmRSS")
    call()
    return max(0, _read_status("VmHWM") - before)


def _read_status(field):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))
