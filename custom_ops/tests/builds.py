"""Commands and builds for the tests of compiled code."""

import os
import pathlib
import subprocess
import sys

from custom_ops.emulation.driver import DrivenLibrary

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


def build_ascendc(folder, source):
    """Build the Ascend C kernels of a custom_ops folder for emulation; return them as a library."""
    build(folder, CHECKOUT / "custom_ops" / "emulation" / "ascendc", f"-DMS_MML_SOURCE={source}")
    return DrivenLibrary([str(folder / "driver"), str(folder / "libms_mml_ascendc_emulated.so")])
