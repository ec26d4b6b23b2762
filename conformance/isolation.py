"""Runs a subject in a process of its own, so that a crash or a hang is an outcome and not the end of the run.

This is the suite's side: it starts the process, sends it cases, and never imports a framework. `worker.py` is the
process's side.
"""

import contextlib
import multiprocessing
import os
import re
import shutil
import signal
import tempfile
import time
from dataclasses import replace

from conformance.faults import relative
from conformance.leg import Leg
from conformance.subjects import resolve
from conformance.subjects.base import NotAvailable
from conformance.verdict import Outcome, Verdict
from conformance.worker import serve

START_SECONDS, EXIT_SECONDS = 180, 10
OUTPUT_BYTES = 4000  # the most that is kept of what a process prints during a case
# The end of the stack that faulthandler prints: the suite's functions, and the names of all extension modules.
SUITE_FRAMES = re.compile(r'  File "[^"\n]*worker.py", line \d+ in .*', re.DOTALL)


class Isolated:
    """A subject's process. It starts with the first case, and again after a case that ended it."""

    def __init__(self, subject, target, mode, home):
        self._arguments = (resolve(subject, home), target, mode, str(home))
        self._process = self._last_case = None
        self.output = ""  # what the process printed during the last case

    def start(self):
        """Start the process and return the subject's description, or raise NotAvailable."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._folder, self._printed = tempfile.mkdtemp(), 0
        self._process = context.Process(target=serve, args=(theirs, self._folder, *self._arguments), daemon=True)
        self._process.start()
        theirs.close()
        received = self._receive(START_SECONDS)
        if isinstance(received, Outcome):
            raise NotAvailable(f"its process {received.detail} as it started\n{self.output}".rstrip())
        state, description = received
        if state != "ready":
            self.kill()
            raise NotAvailable(description)
        self._slowdown = description.get("slowdown", 1)
        return description

    def outcome(self, case, leg):
        """The outcome of a case, with the traceback of the first error and what the process printed."""
        answers = self.ask(case)
        if isinstance(answers, Outcome):
            return replace(answers, output=self.output)
        fault = next((answer for answer in answers if answer.fault), None)
        if fault and not case.needs & set(leg.limits):
            return Outcome(Verdict.ADAPTER, fault.fault, case.focus, traceback=fault.traceback, output=self.output)
        traceback = next((answer.traceback for answer in answers if answer.error), "")
        return replace(case.outcome(answers, leg), traceback=traceback, output=self.output)

    def ask(self, case):
        """The answers to a case's calls, or the outcome if the process ended or hung."""
        before, self._last_case = self._last_case, case.id
        try:
            if self._process is None:
                self.start()
            if self._process.is_alive():  # otherwise what it printed says why it died
                self._take_output()
            self._connection.send(case)
        except NotAvailable as reason:
            first_line = str(reason).partition("\n")[0]
            return Outcome(Verdict.CRASHED, f"after {before}, it does not start again: {first_line}", case.focus)
        except OSError:
            late = self._ended(case.focus)
            return replace(late, detail=f"{late.detail} after {before} had answered, before this case")
        received = self._receive(case.seconds * self._slowdown, case.focus)
        if isinstance(received, Outcome):
            return received
        answers, usable = received
        self._take_output()
        if not usable:
            self.kill()
        return answers

    def _receive(self, seconds, focus=()):
        try:
            if not self._connection.poll(seconds):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._process.pid, signal.SIGUSR1)  # it prints its stack (see worker.py)
                    time.sleep(0.5)
                self._take_output()
                self.kill()
                return Outcome(Verdict.HUNG, f"gave no answer in {seconds} s", focus)
            return self._connection.recv()
        except (EOFError, OSError):
            return self._ended(focus)

    def _ended(self, focus):
        """The outcome of a process that closed its connection."""
        self._process.join(EXIT_SECONDS)
        code = self._process.exitcode
        self._take_output()
        self.kill()
        if code is None:
            return Outcome(Verdict.HUNG, "its process is running but does not answer", focus)
        died = f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return Outcome(Verdict.CRASHED, died, focus)

    def _take_output(self):
        """Keep the end of what the process has printed since the last call, with relative paths."""
        self.output = ""
        with contextlib.suppress(OSError), open(os.path.join(self._folder, "output"), "rb") as file:
            printed, self._printed = self._printed, file.seek(0, os.SEEK_END)
            file.seek(max(printed, self._printed - OUTPUT_BYTES))
            text = file.read().decode(errors="replace").strip()
            self.output = re.sub(SUITE_FRAMES, "", relative(text.replace(self._folder + os.sep, "")))

    def close(self):
        """Let the process exit normally: tools that trace it, such as profilers, need that."""
        if self._process is not None:
            self._connection.close()
            self._process.join(EXIT_SECONDS)
        self.kill()

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
            shutil.rmtree(self._folder, ignore_errors=True)


def legs(subject, target, modes, home):
    """The legs of a subject on a device target, in the given modes or all it has; raises NotAvailable."""
    description = _describe(subject, target, None, home)
    if target not in description["targets"]:
        raise NotAvailable(f"it runs on {', '.join(description['targets'])}")
    unknown = [mode for mode in modes if mode not in description["modes"]]
    if unknown:
        has = f"its modes are {', '.join(description['modes'])}" if description["modes"] else "it has no modes"
        raise NotAvailable(f"there is no mode '{unknown[0]}': {has}")
    found = []
    for mode in modes or description["modes"] or [""]:
        described = _describe(subject, target, mode, home)
        declared = [described[name] for name in ("claims", "lacks", "limits", "guarded", "environment")]
        found.append(Leg(subject, target, mode, *declared))
    return found


def _describe(subject, target, mode, home):
    """A subject's targets and modes; with a mode, also an instance's declarations and environment."""
    isolated = Isolated(subject, target, mode, home)
    try:
        return isolated.start()
    finally:
        isolated.close()
