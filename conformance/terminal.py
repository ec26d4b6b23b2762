"""The lines on the terminal: what failed, the command that repeats it, and how many cases have each verdict."""

import os
import pathlib
import re
import shlex
import shutil
import sys
import textwrap

from conformance.leg import command_options
from conformance.verdict import Verdict

SUITE = pathlib.Path(__file__).resolve().parent


def counts(verdicts):
    """'403 conforms, 55 diverges': passes first, then in the order in which the verdicts are defined."""
    return ", ".join(f"{verdicts[v.value]} {v.value}" for v in Verdict if v.value in verdicts) or "no case was run"


def launcher(folder):
    """The command that started this run, as typed in `folder`, up to the path of the suite."""
    program = pathlib.Path(sys.argv[0]).resolve()
    if program == SUITE / "__main__.py":
        return f"{_on_path('python', sys.executable)} -m conformance"
    path = os.path.relpath(SUITE, folder)
    path = shlex.quote(path if path.count("..") <= 3 else str(SUITE))
    if program.name == "__main__.py":
        return f"{_on_path('python', sys.executable)} -m pytest {path}"
    return f"{_on_path('pytest', sys.argv[0])} {path}"


def _on_path(name, file):
    """The name of a program, if PATH finds the file by it, otherwise the quoted file."""
    found = shutil.which(name)
    return name if found and os.path.abspath(found) == os.path.abspath(file) else shlex.quote(os.path.abspath(file))


class Failures:
    """The lines for each failing case. A traceback or an output like an earlier one is not repeated."""

    def __init__(self, launcher, options=""):
        self._launcher, self._options = launcher, options
        self._shown = {}

    def lines(self, leg, id, outcome):
        broken = outcome.get("broken", ())
        clauses = f" ({'clause' if len(broken) == 1 else 'clauses'} {', '.join(broken)})" if broken else ""
        yield f"{id}: {outcome['verdict']}{clauses}: {_shorten(outcome.get('detail', ''))}"
        command = command_options(leg["subject"], leg["target"], leg["mode"], id)
        yield f"  {self._launcher} {command}{self._options}"
        for name in ("traceback", "output"):
            text = outcome.get(name, "")
            if not text:
                continue
            first = self._shown.setdefault((name, _alike(name, text)), id)
            if first != id:
                yield f"  {name} as in {first}"
                continue
            yield f"  {name}:"
            yield from textwrap.indent(text, "    ").splitlines()


def _alike(name, text):
    """What two tracebacks or outputs have in common if only one is shown: the lines of code, or all but the numbers."""
    if name == "traceback":
        return tuple(line for line in text.splitlines() if line.startswith("  File "))
    return tuple(sorted({re.sub(r"\d[\d.e+-]*", "#", line) for line in text.splitlines()}))


def _shorten(text, length=200):
    return text if len(text) <= length else text[: length - 3] + "..."
