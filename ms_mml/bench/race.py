"""Contestants in processes of their own, called in turn, round after round."""

import contextlib
import datetime
import multiprocessing
import os
import pathlib
import platform
import statistics
import time

from tqdm import tqdm

from ms_mml.bench.cases import ALL, QUICK_SWEEP, QUICK_TABLES, SWEEP, TABLES
from ms_mml.bench.contestants import PROCESSORS, contestant

ROUNDS, TURN = 7, 0.1  # a turn is at least one call, and as many as fit these seconds
QUICK_ROUNDS, QUICK_TURN = 3, 0.02
TOGETHER = 10**8  # scores: with more, memory is for one contestant at a time, who then takes all its turns at once


def race(quick):
    """The results: the machine, the contestants, and for each case the seconds of a call in each round."""
    tables, sweep = (QUICK_TABLES, QUICK_SWEEP) if quick else (TABLES, SWEEP)
    rounds, turn = (QUICK_ROUNDS, QUICK_TURN) if quick else (ROUNDS, TURN)
    with contextlib.ExitStack() as stack:
        processes = {name: stack.enter_context(_Process(name)) for name in ALL}
        facts = {name: process.start() for name, process in processes.items()}
        asked = sum(len(case.contestants) for case in (*tables, *sweep))
        bar = stack.enter_context(tqdm(total=asked * rounds, unit="turn", desc="timing"))
        results = {
            part: [_run(case, processes, rounds, turn, bar) for case in cases]
            for part, cases in (("tables", tables), ("sweep", sweep))
        }
    return {
        "machine": machine(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "contestants": facts,
        **results,
    }


def _run(case, processes, rounds, turn, bar):
    """All rounds of one case."""
    seconds, problems, memory = {}, {}, {}
    turns = [name for _ in range(rounds) for name in case.contestants]
    if case.rows * case.classes > TOGETHER:
        turns.sort(key=case.contestants.index)
    for position, name in enumerate(turns):
        if name not in problems:
            answer = processes[name].ask(case, turn)
            problems.update({name: answer["problem"]} if "problem" in answer else {})
            seconds.setdefault(name, []).extend(answer.get("seconds", []))
            memory.setdefault(name, answer.get("memory"))
        if name not in turns[position + 1 :]:
            processes[name].ask(None, turn)  # lets go of its arrays
        bar.update()
    seconds = {name: times for name, times in seconds.items() if times}
    return {**case.description(), "seconds": seconds, "problems": problems, "memory": memory}


class _Process:
    """The process of one contestant."""

    def __init__(self, name):
        self.name, self.problem = name, None

    def __enter__(self):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, self.name), daemon=True)
        self.process.start()
        theirs.close()
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.join()

    def start(self):
        """What it says of itself."""
        facts = self.connection.recv()
        self.problem = facts.get("problem")
        return facts

    def ask(self, case, turn):
        """The median of the calls of one turn, or a problem."""
        if self.problem:
            return {"problem": self.problem}
        try:
            self.connection.send((case, turn))
            return self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            self.problem = f"its process ended with exit code {self.process.exitcode}"
            return {"problem": self.problem}


def _serve(connection, name):
    os.environ.update(GLOG_v="4")  # MindSpore's log
    try:
        racer = contestant(name)
        connection.send(racer.facts())
    except Exception as error:
        connection.send({"problem": f"{type(error).__name__}: {error}"})
        return
    prepared = None
    while True:
        case, turn = connection.recv()
        if case is None:
            prepared = call = None
            connection.send({})
            continue
        try:
            memory = None
            if case != prepared:
                call, prepared = racer.prepare(case), case
                memory = _memory_of(call)
            connection.send({"seconds": [_time(call, turn)], "memory": memory})
        except Exception as error:
            connection.send({"problem": f"{type(error).__name__}: {error}".splitlines()[0]})


def _time(call, turn):
    call()
    times, end = [], time.perf_counter() + turn
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _memory_of(call):
    """The bytes that the process takes in its first call, at the peak, over what it has."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before = _status("VmRSS")
    call()
    return max(0, _status("VmHWM") - before)


def _status(field):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def machine():
    """The processor, its caches, and what runs on it."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    names = {line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")}
    caches = pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")
    return {
        "processor": ", ".join(sorted(names)) or platform.machine(),
        "processors": PROCESSORS,
        "caches": {
            f"L{(cache / 'level').read_text().strip()} {(cache / 'type').read_text().strip()}": (cache / "size")
            .read_text()
            .strip()
            for cache in sorted(caches)
        },
        "system": platform.platform(),
        "python": platform.python_version(),
    }
