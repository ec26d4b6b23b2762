"""What tests of what is compiled share: commands, and builds of the kernels."""

import pathlib
import subprocess

from custom_ops.emulation.driver import DrivenLibrary

CHECKOUT = pathlib.Path(__file__).parents[2]


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def build(folder, source, *options, target="all"):
    """What CMake printed as it built a folder, or one target of it."""
    configured = run("cmake", "-G", "Ninja", "-S", str(source), "-B", str(folder), *options)
    assert configured.returncode == 0, configured.stderr
    built = run("cmake", "--build", str(folder), "--target", target, "--verbose")
    assert built.returncode == 0, built.stdout
    return built.stdout


def build_ascendc(folder, source):
    """Build the Ascend C kernels of a custom_ops folder for emulation; return them as a library."""
    build(folder, CHECKOUT / "custom_ops" / "emulation" / "ascendc", f"-DMS_MML_SOURCE={source}")
    return DrivenLibrary([str(folder / "driver"), str(folder / "libms_mml_ascendc_emulated.so")])
