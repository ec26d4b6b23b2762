"""Where the kernel library of a device target is, or why there is none."""

import ctypes
import functools
import json
import os
import pathlib
from dataclasses import dataclass
from typing import Optional

import ms_mml

ENVIRONMENT = "MS_MML_KERNEL"
CHOICES = ("aot", "composite")
TARGETS = ("CPU", "GPU", "Ascend")

# The file of each device target's kernels inside the package, and the command that builds it in a checkout. Ascend has
# none yet: there the function runs as MindSpore's own operators.
INSTALL = "pip install --force-reinstall --no-deps ."
LIBRARIES = {
    "CPU": ("lib/cpu/libms_mml_cpu.so", INSTALL),
    "GPU": ("lib/gpu/libms_mml_gpu.so", f"{INSTALL} --config-settings=cmake.define.MS_MML_CUDA=ON"),
}


@dataclass(frozen=True)
class Library:
    """The kernel library of one device target: its absolute `path`, or None and the `reason`, and what builds it."""

    target: str
    path: Optional[str]
    reason: str
    build: Optional[str]

    @property
    def facts(self):
        """How it was built, as the build wrote it down."""
        return json.loads(pathlib.Path(self.path).with_name("build.json").read_text())


@functools.cache
def find(target):
    """The `Library` of a device target: 'CPU', 'GPU' or 'Ascend'."""
    if target not in LIBRARIES:
        return Library(target, None, "this version has no kernels for it", None)
    file, build = LIBRARIES[target]
    for root in ms_mml.__path__:
        path = pathlib.Path(root, file).resolve()
        if path.is_file():
            problem = _problem(path)
            return Library(target, None if problem else str(path), problem or "found", build)
    return Library(target, None, f"{file} is not in the package", build)


def _problem(path):
    """Why MindSpore could not use a library that is there, or None."""
    if ":" in str(path):
        return f"MindSpore takes no path with a colon: {path}"
    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        return str(error)
    return None


@functools.cache
def choose():
    """The path of the library to use on the current device target, or None to run as MindSpore operators.

    The environment variable MS_MML_KERNEL asks for one by name: 'aot' or 'composite'. The first call decides for the
    life of the process, in which MindSpore does not change its device target either.
    """
    import mindspore  # here alone: kernels can be found, and timed, without it

    target, choice = mindspore.get_current_device().device_target, os.environ.get(ENVIRONMENT)
    if choice is not None and choice not in CHOICES:
        raise ValueError(
            f"For 'multi_margin_loss', {ENVIRONMENT} must be one of {', '.join(CHOICES)}, but got '{choice}'."
        )
    if choice == "composite":
        return None
    library = find(target)
    if library.path is None:
        remedy = f"; build it with: {library.build}" if library.build else ""
        missing = f"no kernel library for device target {target} ({library.reason}{remedy})"
        if choice == "aot":
            raise RuntimeError(f"For 'multi_margin_loss', {ENVIRONMENT} is 'aot' but there is {missing}.")
        mindspore.log.warning(f"For 'multi_margin_loss', there is {missing}. It runs as MindSpore operators instead.")
    return library.path
