"""`python -m ms_mml info`: the installed versions and, for each device target, the installed kernels."""

import importlib.metadata
import importlib.util
import os
import platform
import sys

import ms_mml
from ms_mml import MINDSPORE, library
from ms_mml.ctypes_interface import CtypesLibrary


def info():
    """Return the lines of `python -m ms_mml info`."""
    has_mindspore = importlib.util.find_spec("mindspore") is not None
    lines = [f"ms_mml {ms_mml.__version__}", f"python {platform.python_version()} {sys.executable}"]
    if has_mindspore:
        from mindspore import get_current_device

        lines += [f"mindspore {_version('mindspore')}", f"numpy {_version('numpy')}"]
        lines += [f"device target {get_current_device().device_target}"]
    else:
        lines += [f"mindspore: missing. Install it: pip install '{MINDSPORE}'", f"numpy {_version('numpy')}"]
    variables = (library.ENVIRONMENT, *library.READ_BY_LIBRARY, library.WHITE_LIST)
    lines += [f"{name} {os.environ[name]}" for name in variables if os.environ.get(name)]
    lines += _problem(library.check_environment)
    for target in library.TARGETS:
        found = library.find(target)
        lines.append(f"{target} kernels: {found.path or 'missing'}")
        if found.path is None:
            lines.append(f"    why: {found.reason}; runs as MindSpore operators (composite)")
            lines.append(f"    build it with: {found.build}")
            continue
        lines += [f"    {name}: {_text(value)}" for name, value in found.build_info.items()]
        instruction_set = CtypesLibrary(found.path).instruction_set() if target == "CPU" else None
        lines += [f"    instruction set in use: {instruction_set}"] if instruction_set else []
        if target in library.LIBRARIES:
            lines += _problem(library.check_white_list, found.path)
        if target == "Ascend" and has_mindspore:
            from ms_mml import ascend

            lines.append(f"    as MindSpore operators (composite): {ascend.WITHOUT_KERNEL}")
    return lines


def _version(distribution):
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _text(value):
    return ", ".join(value) if isinstance(value, list) else value


def _problem(check, *arguments):
    """The problem with an environment variable, as a list of no or one line."""
    try:
        check(*arguments)
    except ValueError as error:
        return [f"    problem: {error}"]
    return []
