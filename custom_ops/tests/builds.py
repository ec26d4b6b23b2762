"""Commands and builds for the tests of compiled code."""

import os
import pathlib
import shutil
import subprocess
import sys

from custom_ops.emulation.subjects.ascendc import LIBRARY
from custom_ops.emulation.subjects.builds import open_library

CHECKOUT = pathlib.Path(__file__).parents[2]
KERNELS = CHECKOUT / "custom_ops"


def run(*command, **options):
    """Run a command; return the finished process with its output as text."""
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def run_python(*arguments, **environment):
    """Run Python in the checkout, with these environment variables added."""
    return run(sys.executable, *arguments, cwd=CHECKOUT, env={**os.environ, **environment})


def run_suite(*options, cwd, **environment):
    """Run the conformance suite in the folder `cwd`, where it writes its files."""
    command = [sys.executable, "-m", "pytest", str(CHECKOUT / "conformance"), "-p", "no:cacheprovider", *options]
    return run(*command, cwd=cwd, env={**os.environ, **environment})


def build(folder, source, *options, target="all"):
    """Build a CMake project, or one of its targets, in `folder`; return the output of the build."""
    configured = run("cmake", "-G", "Ninja", "-S", str(source), "-B", str(folder), *options)
    assert configured.returncode == 0, configured.stderr
    built = run("cmake", "--build", str(folder), "--target", target, "--verbose")
    assert built.returncode == 0, built.stdout
    return built.stdout


def copy_with_mutants(folder, mutants):
    """Copy custom_ops to `folder` with mutants in its source, so that one build serves all of them.

    Args:
        folder (pathlib.Path): The copy.
        mutants (dict): Name -> (file, right, wrong): the text to replace, an expression or a statement, and its
            replacement.

    Returns:
        dict, name -> the environment variable that turns the mutant on.
    """
    shutil.copytree(KERNELS, folder)
    switches = {name: f"MUTANT_{number}" for number, name in enumerate(mutants)}
    for name, (file, right, wrong) in mutants.items():
        text = (folder / file).read_text()
        assert right in text, f"{name}: {file} does not contain {right!r}"
        on = f'std::getenv("{switches[name]}") != nullptr'
        either = f"if ({on}) {{ {wrong} }} else {{ {right} }}" if ";" in right else f"({on} ? ({wrong}) : ({right}))"
        (folder / file).write_text("#include <cstdlib>\n" + text.replace(right, either))
    return switches


def build_ascendc(folder, source=KERNELS):
    """Build the Ascend C kernels of a custom_ops folder for emulation; return the folder, for `open_ascendc`."""
    build(folder, KERNELS / "emulation" / "ascendc", f"-DMS_MML_SOURCE={source}")
    return folder


def open_ascendc(folder):
    return open_library(folder, LIBRARY)
