"""`ci/run` lists every target that it has, judges arguments before it makes an environment, and makes it once."""

import json
import os
import re
import shutil
import subprocess

import pytest

from conformance.subjects import known
from custom_ops.tests.builds import CHECKOUT, run

SCRIPT = CHECKOUT / "ci" / "run"
TARGETS = set(re.findall(r"^target_(\w+)\(\) {", SCRIPT.read_text(), re.MULTILINE))


def test_usage_lists_the_targets():
    child = run(str(SCRIPT))
    assert child.returncode == 2
    assert child.stdout.startswith("usage: ./ci/run TARGET")
    table = child.stdout.split("what it does\n")[1].split("\n\n")[0]
    assert set(re.findall(r"^  (\w+)", table, re.MULTILINE)) == TARGETS
    assert len(TARGETS) > 10


def test_unknown_target_prints_usage():
    child = run(str(SCRIPT), "abacus")
    assert child.returncode == 2
    assert child.stdout == run(str(SCRIPT)).stdout


def test_the_matrix_names_targets():
    rows = json.loads((CHECKOUT / "ci" / "matrix.json").read_text()).values()
    assert {target for row in rows for target in row["targets"]} <= TARGETS


# Stands for a Python: creates an environment and installs packages by writing to the log, which takes a while.
PYTHON = """#!/usr/bin/env bash
log() { echo "$1" >>log; sleep 0.5; }
case "$*" in
  *"-m venv"*) log "begin venv"; mkdir -p "${@: -1}/bin"; cp "$0" "${@: -1}/bin/python"; log "end venv" ;;
  *"-m pip"*) log "begin pip"; log "end pip" ;;
  *ms_mml*) [ -x .venv/bin/python ] && echo works >>log ;;
esac
"""


@pytest.fixture
def clone(tmp_path):
    """A folder with a copy of `ci/run`, without an environment, and with a stub for Python."""
    files = ("ci/run", "ci/mutants/requirements.txt", "conformance/subjects/__init__.py", "ms_mml/__init__.py")
    for file in (*files, "pyproject.toml", "custom_ops/call.h", "custom_ops/cpu/threads.h", "custom_ops/gpu/device.h"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / file, tmp_path / file)
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def start(clone, *arguments, **environment):
    return subprocess.Popen(
        [clone / "ci" / "run", *arguments],
        env={**os.environ, "PYTHON": str(clone / "python"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_first_runs_at_once_make_one_environment(clone):
    children = [start(clone, "demo") for _ in range(2)]
    outputs = [child.communicate()[0] for child in children]
    assert [child.returncode for child in children] == [0, 0], outputs
    log = (clone / "log").read_text().splitlines()
    once = ["begin venv", "end venv", *["begin pip", "end pip"] * 2]  # the second time for the tools of the mutants
    assert [line for line in log if line != "works"] == once
    assert log.count("works") == 2
    assert sum("waiting for another run in this folder" in output for output in outputs) == 1


@pytest.mark.parametrize(("arguments", "environment", "message"), [
    (["nosuch"], {}, "usage:"),
    (["cpu", "nosuch"], {}, "no subject 'nosuch'; it must be module:Class or one of "),
    (["cpu", "numpy", "nump"], {}, "no subject 'nump'"),
    (["mutants", "nosuch"], {}, "usage:"),
    (["mutants", "--sample", "nosuch"], {}, "usage:"),
    (["fuzz", "soon"], {}, "usage:"),
    (["demo", "nosuch"], {}, "usage:"),
    (["cpu"], {"MS_MML_TIER": "nosuch"}, "MS_MML_TIER must be quick, full or huge, but is 'nosuch'"),
    (["cpu"], {"PYTHON": "nosuch"}, "no Python from 3.9 to 3.12 with its venv module at nosuch"),
])  # fmt: skip
def test_arguments_are_judged_before_the_environment_is_made(clone, arguments, environment, message):
    child = start(clone, *arguments, **environment)
    output = child.communicate()[0]
    assert child.returncode in (1, 2)
    assert message in output
    assert not (clone / "log").exists()


@pytest.mark.parametrize("command", ["cpu mindspore", "cpu module:Class", "cpu torch-emulated:Class numpy", *[
    f"mutants {arguments}" for arguments in ("", "--sample", "cpu numpy", "--tier quick", "--tier=full cuda")
]])  # fmt: skip
def test_valid_arguments_reach_the_environment(clone, command):
    child = start(clone, *command.split())
    child.communicate()
    assert (clone / "log").read_text().startswith("begin venv")


def test_every_subject_is_known(clone):
    """`ci/run` reads the names of the suite's and the project's subjects without Python."""
    message = start(clone, "cpu", "nosuch").communicate()[0]
    assert set(message.split("one of ")[1].split()) == known(CHECKOUT).keys()
