"""Finds the emulated builds of the kernels, which `./ci/run emulated` and `./ci/run aarch64` make."""

import json
import os
import pathlib

from conformance.subjects.base import NotAvailable
from custom_ops.emulation.driver import DrivenLibrary
from ms_mml.subjects.library import build_report

CHECKOUT = pathlib.Path(__file__).parents[3]
BUILDS = "MS_MML_EMULATION"  # environment variable: the folder of all emulated builds, instead of the checkout's build/


def find_build(name, library, build, made_by):
    """Return the folder of the build of subject `name`, and its build information for the report.

    The folder holds the library and its driver. `build` is the path of its build.json, relative to the folder.
    """
    folder = pathlib.Path(os.environ.get(BUILDS, CHECKOUT / "build")).absolute() / name
    if not (folder / library).is_file():
        raise NotAvailable(f"{folder / library} does not exist; build it with: {made_by}")
    return folder, build_report(json.loads((folder / build).read_text()))


def open_library(folder, library, launcher=()):
    """Open a library with the driver in its folder; `launcher` is a command that runs the driver, such as qemu."""
    return DrivenLibrary([*launcher, str(folder / "driver"), str(folder / library)])
