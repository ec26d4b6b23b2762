"""Errors that a subject raises: where they were raised, and whether by the implementation or by its adapter.

An error is evidence about the implementation only if it comes from the implementation. It is the adapter's if

- `to_device` raises it: the implementation was not called;
- it says that a call does not fit a function's parameters, and the function is a method of the adapter or is called by
  one, although the case's arguments fit the documented signature;
- the code of a method of the adapter, and nothing that it calls, raises AttributeError, NameError or ImportError, or,
  in `to_host`, `synchronize` and `recover`, also TypeError or LookupError;
- `loss` or `gradient` is not defined, or what it returns is not numeric.

Every other error is the implementation's: an error that the adapter's method passes on or raises itself, an error of a
function next to the adapter in its file, and an error of the device that `to_host` or `synchronize` reports late.
"""

import inspect
import os
import pathlib
import re
import sys
import traceback

from conformance.cases.base import SIGNATURE

MISTAKES = (AttributeError, NameError, ImportError)
# What Python says if the arguments of a call do not fit the parameters of the function.
_MISFIT = re.compile(r"\(\) (missing \d+ required|got an unexpected keyword|got multiple values|takes )")
_SUITE = pathlib.Path(__file__).resolve().parent
_WORKER, _BASE = str(_SUITE / "worker.py"), str(_SUITE / "subjects" / "base.py")


class ResultError(TypeError):
    """The subject returned something that is not a numeric result."""


def fault(error, subject, arguments):
    """The adapter's mistake and its place, in one line, or '' if the error is the implementation's.

    `arguments` are the names of the case's arguments, without the upstream gradient.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    own = [(frame, line) for frame, line in frames if _is_method(frame, subject)]
    while len(frames) > 1 and frames[-1][0].f_code.co_name.startswith("<"):  # a comprehension or a lambda
        frames.pop()
    innermost, raised = frames[-1][0].f_code, f"{type(error).__name__}: {_first_line(error)}"
    step = own[0][0].f_code.co_name if own else ""
    here = f" ({_place(own[-1][0].f_code.co_filename, own[-1][1])})" if own else ""
    if isinstance(error, ResultError):
        return str(error)
    if step == "to_device":
        return f"the adapter's to_device raised {raised}{here}; the implementation was not called"
    if innermost.co_filename == _WORKER or (own and frames[-1][0] is own[-1][0]):
        mistakes = MISTAKES if step in ("", "loss", "gradient") else (*MISTAKES, TypeError, LookupError)
        documented = {"input", "target"} <= set(arguments) <= set(SIGNATURE)
        misfit = documented and isinstance(error, TypeError) and _MISFIT.search(str(error))
        undefined = isinstance(error, NotImplementedError) and innermost.co_filename == _BASE
        if misfit or undefined or (own and isinstance(error, mistakes)):
            return f"the adapter raised {raised}{here or _place_of_class(subject)}"
    return ""


def described(error):
    """The traceback from the subject's code on, with paths relative to the folders that Python imports from."""
    frames = error.__traceback__
    while frames.tb_next and frames.tb_frame.f_code.co_filename == _WORKER:
        frames = frames.tb_next
    lines = "".join(traceback.format_exception(type(error), error, frames)).splitlines()
    return relative("\n".join(lines if len(lines) <= 40 else [*lines[:10], "  ...", *lines[-30:]]))


def relative(text):
    """The text with paths relative to the folders that Python imports from and to the working directory."""
    folders = {os.path.abspath(folder) for folder in (*sys.path, os.getcwd()) if folder} - {os.sep}
    inside = {folder for folder in folders if re.search(r"\b(site|dist)-packages/", folder)}
    for folder in sorted(folders - inside, key=len, reverse=True):
        text = text.replace(folder + os.sep, "")
    return text


def _is_method(frame, subject):
    """Whether the frame is that of a method of the subject."""
    names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
    return frame.f_code.co_filename != _WORKER and bool(names) and frame.f_locals.get(names[0]) is subject


def _first_line(error):
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")


def _place(file, line):
    return f"{os.path.basename(file)}:{line}"


def _place_of_class(subject):
    try:
        return f" ({_place(inspect.getsourcefile(type(subject)), inspect.getsourcelines(type(subject))[1])})"
    except (OSError, TypeError):
        return ""
