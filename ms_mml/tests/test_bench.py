"""`python -m ms_mml bench`."""

import json
import os
import subprocess
import sys
import time
import types

import numpy as np
import pytest

from ms_mml import __main__, bench, library
from ms_mml.bench import gpu
from ms_mml.bench.cases import Case, cases
from ms_mml.bench.cpu import _Process
from ms_mml.bench.show import table


@pytest.mark.level1
def test_bench(tmp_path):
    """Every installed contestant has times for every case; `--show` prints the same tables again."""
    command = [sys.executable, "-m", "ms_mml", "bench", "--quick", "--json", "times.json", "--picture", "times.svg"]
    child = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    results = json.loads((tmp_path / "times.json").read_text())
    installed = {name for name, facts in results["contestants"].items() if "problem" not in facts}
    assert installed >= {
        "numpy",
        "libc",
        "kernels",
        "ms_mml graph",
        "ms_mml pynative",
        "mindspore graph",
        "composite graph",
    }
    for result in (*results["tables"], *results["classes"], *results["sweep"]):
        assert result["problems"].keys() <= {"torch"}
        assert all(len(times) == 3 and min(times) > 0 for times in result["seconds"].values())
    assert "| (64, 10) | float32 | forward |" in child.stdout
    assert (tmp_path / "times.svg").stat().st_size > 10_000
    shown = subprocess.run([*command[:4], "--show", "times.json"], cwd=tmp_path, capture_output=True, check=True)
    assert shown.stdout.decode() in child.stdout.replace("\nThe picture is in times.svg.\n", "")


BENCH = [sys.executable, "-m", "ms_mml", "bench"]


def start(*command, cwd, **environment):
    """Start a command that must end before it measures anything; the time limit is shorter than that would take."""
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=50)


@pytest.mark.parametrize(("content", "problem"), [
    (None, "cannot read times.json: "),
    ("", "cannot read times.json: "),
    ("{", "cannot read times.json: "),
    ("\udcff", "cannot read times.json: "),
    *[(content, "times.json does not hold the times of `bench --json`: ") for content in (
        "{}", "[]", "1", "null",
        '{"tables": [], "sweep": []}', '{"tables": 1, "classes": [], "sweep": []}',
        '{"tables": [{}], "classes": [], "sweep": []}'
    )],
], ids=str)  # fmt: skip
def test_show_of_a_file_without_times(tmp_path, content, problem, capsys):
    if content is not None:
        (tmp_path / "times.json").write_text(content, errors="surrogateescape")
    kept = (tmp_path / "times.json").read_bytes() if content is not None else None
    options = types.SimpleNamespace(show=str(tmp_path / "times.json"), json=str(tmp_path / "times.json"), picture=None)
    with pytest.raises(SystemExit) as exit:
        bench.main(options)
    assert str(exit.value).replace(f"{tmp_path}/", "").startswith(f"python -m ms_mml bench: {problem}")
    assert capsys.readouterr().out == ""
    assert kept is None or (tmp_path / "times.json").read_bytes() == kept


def test_show_of_a_file_without_a_name(tmp_path):
    child = start(*BENCH, "--show", "", cwd=tmp_path)
    assert child.returncode == 1
    assert child.stderr.startswith("python -m ms_mml bench: cannot read a file without a name: ")


@pytest.mark.parametrize(("name", "problem"), [
    ("nowhere/times.svg", "cannot write nowhere/times.svg: No such file or directory"),
    ("file/times.svg", "cannot write file/times.svg: Not a directory"),
    ("folder.svg", "cannot write folder.svg"),
    ("", "a picture's name must end in .jpg, .pdf, .png, .svg, but got ''"),
    ("times", "a picture's name must end in .jpg, .pdf, .png, .svg, but got 'times'"),
    ("times.json", "a picture's name must end in .jpg, .pdf, .png, .svg, but got 'times.json'"),
])  # fmt: skip
@pytest.mark.parametrize(("command", "option"), [("bench", "--json"), ("bench", "--picture"), ("demo", "--picture")])
def test_outputs_are_tried_before_the_work(tmp_path, monkeypatch, capsys, command, option, name, problem):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "folder.svg").mkdir()
    if option == "--json" and "picture" in problem:
        name, problem = "", "cannot write a file without a name: No such file or directory"
    monkeypatch.setattr(sys, "argv", ["ms_mml", command, option, name])
    with pytest.raises(SystemExit) as exit:
        __main__.main()
    assert exit.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: argument {option}: {problem}\n")


def test_trying_an_output_changes_no_file(tmp_path):
    file = tmp_path / "times.svg"
    assert __main__._picture(str(file)) == str(file)
    assert not file.exists()
    file.write_text("kept")
    assert __main__._picture(str(file)) == str(file)
    assert file.read_text() == "kept"
    assert __main__._file("/dev/null") == "/dev/null"


def test_without_a_gpu(tmp_path):
    child = start(*BENCH, "--device", "GPU", cwd=tmp_path, CUDA_VISIBLE_DEVICES="")
    assert child.returncode == 1
    assert child.stderr.startswith("python -m ms_mml bench --device GPU: no ")
    assert len(child.stderr.splitlines()) == 1


def test_contestants_log_no_warning(tmp_path):
    """A warning of MindSpore would break up the progress bar."""
    code = """
from ms_mml.bench.cases import Case
from ms_mml.bench.contestants import contestant
if __name__ == "__main__":
    for name in ("ms_mml pynative", "mindspore pynative"):
        for operation in ("forward", "gradient"):
            contestant(name).prepare(Case(operation, 3, 5))()
"""
    child = start(sys.executable, "-c", code, cwd=tmp_path, GLOG_v="2")
    assert child.returncode == 0, child.stderr
    assert "deprecated" not in child.stderr


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
