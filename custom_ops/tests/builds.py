"""What tests of what is compiled share: commands, and builds of the kernels."""

import pathlib
import subprocess

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
