"""A subject in a process of its own: what kills it, or never comes back, is an outcome and not the end of the run.

The suite's process never imports a framework. It sends cases to the subject's process, which makes their calls twice,
with a disturbance between, and sends back what came of them.
"""

import contextlib
import importlib
import multiprocessing
import os
import pathlib
import shutil
import signal
import sys
import tempfile
from dataclasses import replace

import numpy as np

from conformance.cases.base import Answer, Leg
from conformance.cases.golden import DefaultsCase
from conformance.guard import Memory
from conformance.subjects import known
from conformance.subjects.base import NotAvailable
from conformance.verdict import Outcome, Verdict

START_SECONDS, END_SECONDS = 180, 10
HERE = pathlib.Path(__file__).parent


class Unavailable(Exception):  # noqa: N818 - a state of this machine, not a fault
    """Why a subject cannot run here."""


class Isolated:
    """A subject's process. It starts at the first case, and again after each case that ended it."""

    def __init__(self, subject, target, mode, home):
        self._arguments = (known(home).get(subject, subject), target, mode, str(home))
        self._process = self._last = None

    def start(self):
        """Begin a process and return what the subject says of itself, or raise Unavailable."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._folder = tempfile.mkdtemp()
        arguments = (theirs, self._folder, *self._arguments)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        answer = self._receive(START_SECONDS)
        if isinstance(answer, Outcome):
            raise Unavailable(f"its process {answer.detail} as it started")
        state, description = answer
        if state != "ready":
            self.stop()
            raise Unavailable(description)
        return description

    def perform(self, case):
        """The answers to a case's calls, or the outcome of a process that gave none."""
        before, self._last = self._last, case.id
        try:
            if self._process is None:
                self.start()
            self._connection.send(case)
        except Unavailable as reason:
            return Outcome(Verdict.CRASHED, f"after {before}, it does not start again: {reason}", case.focus)
        except OSError:
            late = self._end(case.focus)
            return replace(late, detail=f"{late.detail} after {before} had answered, before this case")
        received = self._receive(case.seconds, case.focus)
        if isinstance(received, Outcome):
            return received
        answers, sound = received
        if not sound:  # the next case finds a new one
            self.stop()
        return answers

    def _receive(self, seconds, focus=()):
        try:
            if not self._connection.poll(seconds):
                self.stop()
                return Outcome(Verdict.HUNG, f"gave no answer in {seconds} s", focus)
            return self._connection.recv()
        except (EOFError, OSError):
            return self._end(focus)

    def _end(self, focus):
        """How the process ended, of itself."""
        self._process.join(END_SECONDS)
        code = self._process.exitcode
        self.stop()
        if code is None:
            return Outcome(Verdict.HUNG, "its process is there but does not answer", focus)
        died = f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return Outcome(Verdict.CRASHED, died, focus)

    def end(self):
        """Let it end by itself, as what watches it from outside may need."""
        if self._process is not None:
            self._connection.close()
            self._process.join(END_SECONDS)
        self.stop()

    def stop(self):
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
            shutil.rmtree(self._folder, ignore_errors=True)


def inspect(subject, target, mode, home):
    """What a subject's class says of its targets and modes, and, where a mode is given, what an instance finds here."""
    isolated = Isolated(subject, target, mode, home)
    try:
        return isolated.start()
    finally:
        isolated.end()


def _serve(connection, folder, name, target, mode, home):
    """What the subject's process does, in a folder of its own: what it prints goes there, as do a framework's files."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads of several processes share few cores
    sys.path = [path for path in sys.path if path not in ("", str(HERE.parent))] + [home, str(HERE.parent)]
    os.chdir(folder)
    with open("output", "wb") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    try:
        module, _, class_name = name.partition(":")
        subject_class = getattr(importlib.import_module(module), class_name)
        description = {"targets": list(subject_class.targets), "modes": list(subject_class.modes)}
        subject = None if mode is None else _make(subject_class, target, mode, description)
    except NotAvailable as reason:
        connection.send(("not available", str(reason)))
        return
    except Exception as error:
        connection.send(("not available", f"{type(error).__name__}: {error}"))
        return
    connection.send(("ready", description))
    if subject is None:
        return
    well = _pulse(subject)
    while True:
        try:
            case = connection.recv()
        except EOFError:
            return
        answers = perform(subject, case)
        sound = not any(answer.error for answer in answers) or _same(_pulse(subject), well)
        connection.send((answers, sound))


def _pulse(subject):
    """What a plain call gives: after an error another answer tells that, say, the device's context is lost."""
    case = DefaultsCase()
    return _answer(subject, case, *case.calls())


def _make(subject_class, target, mode, description):
    subject = subject_class(target, mode)
    if subject.guarded:
        subject.memory = Memory()
    description["environment"] = {name: str(value) for name, value in subject.environment().items()}
    description["claims"] = {dtype: float(ulp) for dtype, ulp in subject.claims.items()}
    for name in ("lacks", "limits", "guarded"):
        description[name] = getattr(subject, name)
    return subject


def perform(subject, case):
    """The answers to a case's calls: made, disturbed, and made again."""
    first = _round(subject, case)
    if case.tier == "huge":
        return first
    for call in case.disturbance():
        _answer(subject, case, call)
    second = _round(subject, case)
    return [a._replace(same=_same(a, b), wrote=a.wrote or b.wrote) for a, b in zip(first, second)]


def _round(subject, case):
    """Every call once; guarded memory changes its side and its poison from one round to the next."""
    if subject.guarded:
        subject.memory.turn()
    return [_answer(subject, case, call) for call in case.calls()]


def _same(first, second):
    """The same bits, but for those of a NaN."""
    if first.error or second.error:
        return first.error == second.error
    return first.array.dtype == second.array.dtype and _bits(first.array) == _bits(second.array)


def _bits(array):
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
    return array.shape, array.tobytes()


def _answer(subject, case, call):
    given = {name: value for name, value in call.arguments.items() if isinstance(value, np.ndarray)}
    options = {name: value for name, value in call.arguments.items() if name not in given}
    given.update({"dout": call.dout} if call.operation == "gradient" else {})
    tensors = {}
    try:
        for name, value in given.items():
            tensors[name] = _tensor(subject, case, value, call.view if name == "input" else None)
        result = getattr(subject, call.operation)(**tensors, **options)
        array = subject.to_host(result[call.pick] if call.operation == "gradient" else result)
        array = case.fold(np.array(array, copy=case.tier != "huge"))
        subject.synchronize()
        if array.dtype.kind not in "fiub":
            raise TypeError(f"returned {array.dtype}, which is no number")
        answer = Answer(array)
    except Exception as error:
        with contextlib.suppress(Exception):
            subject.synchronize()
        subject.recover()
        answer = Answer(error=tuple(parent.__name__ for parent in type(error).__mro__[:-2]), message=str(error))
    return answer if case.tier == "huge" else answer._replace(wrote=_written(subject, given, tensors))


def _tensor(subject, case, array, view):
    """An array where the subject will read it, lying in memory as asked."""
    place = subject.memory.place if subject.guarded else np.array
    if view == "strided":
        wide = np.zeros((len(array), 2 * array.shape[1]), array.dtype)
        wide[:, ::2] = array
        return subject.to_device(place(wide))[:, ::2]
    if view == "transposed":
        return subject.to_device(place(np.ascontiguousarray(array.T))).T
    return subject.to_device(array if case.tier == "huge" else place(array))


def _written(subject, given, tensors):
    """The first input that is not what it was, or what lies beside an array and was written."""
    for name, tensor in tensors.items():
        if np.asarray(subject.to_host(tensor)).tobytes() != given[name].tobytes():
            return name
    return subject.memory.check() if subject.guarded else ""


def legs(subject, target, modes, home):
    """The legs of a subject on a target, with what each found here; raises Unavailable."""
    about = inspect(subject, target, None, home)
    if target not in about["targets"]:
        raise Unavailable(f"it runs on {', '.join(about['targets'])}")
    unknown = [mode for mode in modes if mode not in about["modes"]]
    if unknown:
        has = f"its modes are {', '.join(about['modes'])}" if about["modes"] else "it has no modes"
        raise Unavailable(f"there is no mode '{unknown[0]}': {has}")
    found = []
    for mode in modes or about["modes"] or [""]:
        about = inspect(subject, target, mode, home)
        described = [about[name] for name in ("claims", "lacks", "limits", "guarded", "environment")]
        found.append(Leg(subject, target, mode, *described))
    return found
