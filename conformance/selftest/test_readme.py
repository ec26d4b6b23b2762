"""What README.md shows works as printed there."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import pytest

SUITE = pathlib.Path(__file__).parents[1]
README = (SUITE / "README.md").read_text(encoding="utf-8")


def block(language):
    """The code block in a language."""
    (code,) = re.findall(f"```{language}\n(.*?)```", README, re.DOTALL)
    return code


@pytest.fixture
def vendor(tmp_path):
    """A function that runs a command in the folder of the example, where the suite is importable."""
    shutil.copy(SUITE / "example" / "my_kernel.py", tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(SUITE.parent)}

    def vendor(command):
        arguments = [sys.executable if word == "python" else word for word in shlex.split(command)]
        return subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    vendor.folder = tmp_path
    return vendor


def test_function_of_mindspore_tensors(tmp_path, run_suite):
    pytest.importorskip("mindspore", reason="the README's subject is a function of MindSpore tensors")
    (tmp_path / "mine.py").write_text(block("python"))
    (tmp_path / "my_package.py").write_text("from mindspore.ops import multi_margin_loss")
    cases = ["--case=loss-f32-p2-mean-w+-m1-9x33", "--case=golden-gradient-f32-p2-none-weighted-m2"]
    child = run_suite(tmp_path, "--subject", "mine:Mine", *cases)
    assert child.returncode == 0, child.stdout + child.stderr
    assert "mine:Mine-CPU-graph: 2 conforms\nmine:Mine-CPU-pynative: 2 conforms\n" in child.stdout


def test_example_ends_as_stated(vendor):
    """If this fails because cases were added, copy the line that the run prints to README.md."""
    (command,) = re.findall(r"^    (python -m conformance --subject=my_kernel:MySubject .*)$", README, re.MULTILINE)
    (stated,) = re.findall(r"^    (my_kernel:MySubject-CPU: .*)$", README, re.MULTILINE)
    child = vendor(command)
    (printed,) = re.findall(r"^my_kernel:MySubject-CPU: .*$", child.stdout, re.MULTILINE)
    assert printed == stated
    assert child.returncode == 1
    assert (vendor.folder / "report.json").is_file()


@pytest.mark.level1
def test_continuous_integration(vendor):
    """With the README's ledger, the commands of its workflow succeed. The one that installs the suite is not run."""
    (vendor.folder / "ledger.json").write_text(block("json"))
    install, *commands = re.findall(r"- run: (.*)", block("yaml"))
    assert install.startswith("pip install ")
    assert len(commands) == 2
    for command in commands:
        child = vendor(command)
        assert child.returncode == 0, child.stdout + child.stderr
    assert "hinge &gt; 0 is false for NaN." in (vendor.folder / "report.html").read_text()


def test_workflow_follows_the_schema_of_github(tmp_path):
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    (tmp_path / "workflow.yml").write_text(block("yaml"))
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(tmp_path / "workflow.yml")]
    child = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stdout


def test_every_option_is_documented(run_suite, tmp_path):
    child = run_suite(tmp_path, "--help")
    options = re.findall(
        r"^  (--[a-z-]+)", child.stdout.partition("\nconformance:")[2].partition("\n\n")[0], re.MULTILINE
    )
    assert len(options) == 8
    for option in options:
        assert f"| `{option}" in README, option
