"""`python -m ms_mml bench`."""

import json
import os
import subprocess
import sys
import time

import numpy as np

from ms_mml import library
from ms_mml.bench import gpu
from ms_mml.bench.cases import Case, cases
from ms_mml.bench.cpu import _Process
from ms_mml.bench.show import table


def test_bench(tmp_path):
    """Every installed contestant has times for every case; `--show` prints the same tables again."""
    command = [sys.executable, "-m", "ms_mml", "bench", "--quick", "--json", "times.json", "--picture", "times.svg"]
    child = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    results = json.loads((tmp_path / "times.json").read_text())
    installed = {name for name, facts in results["contestants"].items() if "problem" not in facts}
    assert installed >= {"numpy", "kernels", "ms_mml graph", "ms_mml pynative", "mindspore graph", "composite graph"}
    for result in (*results["tables"], *results["sweep"]):
        assert result["problems"].keys() <= {"torch"}
        assert all(len(times) == 3 and min(times) > 0 for times in result["seconds"].values())
    assert "| (64, 10) | float32 | forward |" in child.stdout
    assert (tmp_path / "times.svg").stat().st_size > 10_000
    shown = subprocess.run([*command[:4], "--show", "times.json"], cwd=tmp_path, capture_output=True, check=True)
    assert shown.stdout.decode() in child.stdout.replace("\nThe picture is in times.svg.\n", "")


def test_a_contestant_that_cannot_start_is_a_problem():
    with _Process("mindspore eager") as process:
        assert process.describe() == {"problem": "KeyError: 'eager'"}
        assert process.take_turn(Case("forward", 3, 5), 0) == {"problem": "KeyError: 'eager'"}


def test_a_contestant_that_fails_or_dies_is_a_problem():
    with _Process("kernels") as process:
        assert process.describe()["instruction set"] in ("avx512", "avx2", "baseline")
        assert process.take_turn(Case("forward", 3, 5, "int8"), 0)["problem"].startswith("RuntimeError: For 'multi_")
        assert process.take_turn(Case("forward", 3, 5), 0).keys() == {"seconds", "memory"}
        process._submit(os._exit, 3)
        assert process.take_turn(Case("forward", 3, 5), 0) == {"problem": "its process died"}


class StubGpu:
    """The methods of `ms_mml.gpu_memory.TorchGpu`, for arrays in host memory."""

    to_device = staticmethod(np.array)
    copy = staticmethod(np.copyto)
    read = staticmethod(np.max)
    record_event = staticmethod(time.perf_counter)

    def describe(self):
        return {"device": "none"}

    def seconds_between(self, first, last):
        return last - first


def test_the_gpu_benchmark_on_a_stub(monkeypatch):
    """Its calls and results are correct; the CPU library stands in for the GPU's."""
    found = library.find("CPU")
    monkeypatch.setattr(gpu, "find_gpu", StubGpu)
    monkeypatch.setattr(library, "find", lambda target: found)
    monkeypatch.setattr(gpu, "GPU_QUICK_TABLES", cases(shapes=((64, 10), (8, 1000)), weighted=True))
    results = gpu.measure(quick=True)
    assert results["contestants"] == {"gpu memory": {"device": "none"}, "kernels": found.build_info}
    for result in results["tables"]:
        assert result["seconds"].keys() == {"gpu memory", "kernels"}
        assert all(len(times) == gpu.QUICK_ROUNDS and min(times) > 0 for times in result["seconds"].values())
    assert "gpu memory: device none" in table(results)
