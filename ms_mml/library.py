"""Finds the kernels of each device target, and chooses between them and MindSpore's own operators."""

import configparser
import ctypes
import functools
import importlib.metadata
import json
import os
import pathlib
from dataclasses import dataclass, field
from typing import Optional

import ms_mml
from ms_mml.ctypes_interface import CtypesLibrary, symbol

ENVIRONMENT = "MS_MML_KERNEL"
CHOICES = ("aot", "composite")
READ_BY_LIBRARY = ("MS_MML_INSTRUCTION_SET", "MS_MML_NUM_THREADS")  # by the CPU's, which also checks them
WHITE_LIST = "MS_CUSTOM_AOT_WHITE_LIST"  # MindSpore's variable: the only folder that it loads libraries from
TARGETS = ("CPU", "GPU", "Ascend")

# For each device target, the kernel library's file in the package and the command that builds it in a checkout. The
# kernels for Ascend are an op package, which is built with CANN and installed next to it.
INSTALL = "pip install --force-reinstall --no-deps ."
LIBRARIES = {
    "CPU": ("lib/cpu/libms_mml_cpu.so", INSTALL),
    "GPU": ("lib/gpu/libms_mml_gpu.so", f"{INSTALL} --config-settings=cmake.define.MS_MML_CUDA=ON"),
}
OP_PACKAGE = "custom_ops/ascend/ascendc/build.sh"
OPERATORS = tuple(symbol(name, p) for name in ("Rows", "Slopes") for p in (1, 2))


@dataclass(frozen=True)
class KernelLibrary:
    """The kernels of one device target.

    `path` is the absolute path of their library; if there is none, it is None and `reason` says why. `build` is the
    command that builds the library, and `build_info` describes the build that was found.
    """

    target: str
    path: Optional[str]
    reason: str
    build: str
    build_info: dict = field(default_factory=dict, compare=False)


@functools.cache
def find(target):
    """Return the `KernelLibrary` of a device target: 'CPU', 'GPU' or 'Ascend'."""
    if target == "Ascend":
        return _find_op_package()
    file, build = LIBRARIES[target]
    # The library is in the package's folder. If Python was started in a checkout, the modules come from there, but the
    # library is in the folder of the installed package.
    installed = [str(found.locate_file("ms_mml")) for found in importlib.metadata.distributions(name="ms-mml")]
    for root in (*ms_mml.__path__, *installed):
        path = pathlib.Path(root, file).resolve()
        if path.is_file():
            problem = _problem(path)
            if problem:
                return KernelLibrary(target, None, problem, build)
            build_info = _read_json(path.with_name("build.json")) or {
                "version": "unknown, because build.json is missing or damaged"
            }
            return KernelLibrary(target, str(path), "found", build, build_info)
    archives = [root for root in ms_mml.__path__ if not pathlib.Path(root).is_dir()]
    where = f"{archives[0]}, an archive, from which no library can be loaded" if archives else "the package"
    return KernelLibrary(target, None, f"{file} is not in {where}", build)


def _read_json(path):
    """The object in a JSON file; an empty one if the file is missing or is not such a file."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _problem(path):
    """Return why MindSpore could not use the library at this path, or None."""
    if ":" in str(path):
        return f"MindSpore takes no path with a colon: {path}"
    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        return str(error)
    return None


def _find_op_package():
    """Find the first op package that has all of our operators for this chip, in MindSpore's search order."""
    installed = os.environ.get("ASCEND_OPP_PATH")
    if not installed:
        return KernelLibrary("Ascend", None, "there is no CANN: ASCEND_OPP_PATH is not set", OP_PACKAGE)
    chip = _chip()
    for folder in _op_folders(pathlib.Path(installed)):
        # On a machine without an Ascend chip, an op package for any chip will do.
        files = sorted(folder.glob(f"op_impl/ai_core/tbe/config/{chip or '*'}/aic-*-ops-info.json"))
        chips = [file.parent.name for file in files if _read_json(file).keys() >= {*OPERATORS}]
        if chips:
            return KernelLibrary("Ascend", str(folder), "found", OP_PACKAGE, {"chips": chips})
    return KernelLibrary(
        "Ascend", None, f"no op package of CANN has its operators{f' for {chip}' if chip else ''}", OP_PACKAGE
    )


def _op_folders(installed):
    """CANN's folders for custom operators, in the order in which MindSpore searches them."""
    custom = os.environ.get("ASCEND_CUSTOM_OPP_PATH", "")
    yield from (pathlib.Path(folder) for folder in custom.split(":") if folder)
    priorities = configparser.ConfigParser(default_section="")
    config = installed / "vendors" / "config.ini"
    if config.is_file():
        priorities.read_string(f"[vendors]\n{config.read_text()}")
        vendors = priorities.get("vendors", "load_priority", fallback="")
        yield from (installed / "vendors" / vendor.strip() for vendor in vendors.split(",") if vendor.strip())


def _chip():
    """CANN's name of the Ascend chip, such as ascend910b; '' if there is no chip or no MindSpore."""
    try:
        from mindspore._c_expression import MSContext  # MindSpore has no public function for it
    except ModuleNotFoundError:
        return ""
    return MSContext.get_instance().get_ascend_soc_version()


def requested():
    """The implementation that MS_MML_KERNEL requests, or None; an empty variable requests none."""
    choice = os.environ.get(ENVIRONMENT) or None
    if choice not in (None, *CHOICES):
        raise ValueError(
            f"For 'multi_margin_loss', {ENVIRONMENT} must be one of {', '.join(CHOICES)}, but got {choice!r}."
        )
    return choice


@functools.cache
def choose():
    """Return the `KernelLibrary` for the current device target, or None to run MindSpore's own operators.

    The environment variable MS_MML_KERNEL requests one of the two: 'aot' or 'composite'. The first call decides for the
    life of the process, because MindSpore does not change its device target either.
    """
    import mindspore  # imported here because `find` works without it

    check_environment()
    if requested() == "composite":
        return None
    target = mindspore.get_current_device().device_target
    library = find(target)
    if library.path is None:
        fall_back(f"no kernel library for device target {target} ({library.reason}; build it with: {library.build})")
        return None
    if target in LIBRARIES:
        check_white_list(library.path)
    return library


def check_environment():
    """Raise ValueError if an environment variable of this package is invalid.

    The CPU library is asked about those that it reads. Its own error would come at a later call in PyNative mode.
    """
    requested()
    found = find("CPU")
    if found.path is not None:
        try:
            CtypesLibrary(found.path).check_environment()
        except RuntimeError as error:
            raise ValueError(str(error)) from None


def check_white_list(path):
    """Raise ValueError if MindSpore would refuse to load this library; its own error does not name the variable."""
    allowed = os.environ.get(WHITE_LIST)
    if allowed is not None and os.path.commonpath([path, os.path.realpath(allowed)]) != os.path.realpath(allowed):
        raise ValueError(
            f"For 'multi_margin_loss', {WHITE_LIST} must be a folder that contains the kernel library {path}, but got "
            f"{allowed!r}. Set it to {os.path.dirname(path)}, unset it, or set {ENVIRONMENT}=composite."
        )


@functools.cache
def fall_back(missing):
    """Warn once that MindSpore's operators run because a kernel is missing; raise if MS_MML_KERNEL requests kernels."""
    if requested() == "aot":
        raise RuntimeError(f"For 'multi_margin_loss', {ENVIRONMENT} is 'aot' but there is {missing}.")
    import mindspore

    mindspore.log.warning(f"For 'multi_margin_loss', there is {missing}. It runs as MindSpore operators instead.")
