"""The subject's process: it makes a case's calls and sends the answers back.

Every case is called twice, with other calls in between. The two results are compared bit for bit, and the answers to
the other calls are judged too.
"""

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import os
import pathlib
import signal
import sys

import numpy as np

from conformance import faults
from conformance.cases.base import DEFAULTS, SIGNATURE, Answer, Call
from conformance.guard import Memory
from conformance.judge import bits
from conformance.layouts import laid_out
from conformance.subjects import similar
from conformance.subjects.base import NotAvailable

SUITE_PARENT = str(pathlib.Path(__file__).parents[1])
REPEATS, SMALL = 4, 2**16  # how often a call between two runs is made, if its arrays have at most so many bytes
# A plain call. If its result changes after an error, the process is unusable: its device context is lost, for instance.
HEARTBEAT = Call("loss", {"input": np.array([[0.5, -1.25, 0.75, 0.25]] * 3, np.float32), "target": np.array([2, 0, 3])})


def serve(connection, folder, name, target, mode, home):
    """Create the subject, describe it, and answer cases until the connection is closed.

    The working directory is `folder`, which receives the output and the files of the framework. Without a mode,
    only the subject's class is described.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # several processes share the cores
    sys.path = [path for path in sys.path if path not in ("", SUITE_PARENT)] + [home, SUITE_PARENT]
    os.chdir(folder)
    _keep_output()
    try:
        subject_class = _subject_class(name, home)
        description = {"targets": list(subject_class.targets), "modes": list(subject_class.modes)}
        subject = None if mode is None else _create(subject_class, target, mode, description)
    except NotAvailable as reason:
        connection.send(("not available", str(reason)))
        return
    except Exception as error:
        connection.send(("not available", f"{type(error).__name__}: {error}\n{faults.described(error)}"))
        return
    connection.send(("ready", description))
    if subject is None:
        return
    healthy = _answer_call(subject, HEARTBEAT)
    gc.collect()
    gc.freeze()  # MindSpore collects garbage before each compilation, which takes longer than the compilation
    while True:
        try:
            case = connection.recv()
        except EOFError:
            return
        answers = answer_case(subject, case)
        _flush()
        failed = any(answer.error for answer in answers)
        usable = not failed or _same_bits(_answer_call(subject, HEARTBEAT), healthy)
        connection.send((answers, usable))


def _keep_output():
    """Write what this process prints, and the stack when a signal kills it, to the file 'output'."""
    output = os.open("output", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)
    faulthandler.enable(output)
    faulthandler.register(signal.SIGUSR1, output)  # isolation.py sends it before it kills


def _flush():
    ctypes.CDLL(None).fflush(None)
    sys.stdout.flush()
    sys.stderr.flush()


def _subject_class(name, home):
    """The class named 'module:Class'; raises NotAvailable with similar names if there is none."""
    module_name, _, class_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name.partition(".")[0]:
            raise
        names = [file.stem for file in pathlib.Path(home).glob("*.py")]
        raise NotAvailable(f"ModuleNotFoundError: {error}{similar(module_name, names)}") from error
    if not hasattr(module, class_name):
        classes = [name for name, value in vars(module).items() if isinstance(value, type)]
        raise NotAvailable(f"module '{module_name}' has no class '{class_name}'{similar(class_name, classes)}")
    return getattr(module, class_name)


def _create(subject_class, target, mode, description):
    """Create a subject, and add its declarations to the description."""
    subject = subject_class(target, mode)
    if subject.guarded:
        subject.memory = Memory()
    description["slowdown"] = subject.slowdown
    description["environment"] = {name: str(value) for name, value in subject.environment().items()}
    description["claims"] = {dtype: float(ulp) for dtype, ulp in subject.claims.items()}
    for name in ("lacks", "limits", "guarded"):
        description[name] = getattr(subject, name)
    return subject


def answer_case(subject, case):
    """The answers to a case's calls, and to those of the cases between their two runs.

    Each of the case's own answers says whether the second run gave the same bits, and whether the first result, which
    the caller still holds, has kept its value.
    """
    held = []
    first = _answer_calls(subject, case, held)
    if case.oversized or not case.repeated:
        return first
    others = enumerate(case.disturbances(), 1)
    between = [_answer_repeated(subject, call)._replace(case=i) for i, other in others for call in other.calls()]
    second = _answer_calls(subject, case)
    own = [a._replace(same=_same_bits(a, b), wrote=a.wrote or b.wrote) for a, b in zip(first, second)]
    for i, result in held:
        with contextlib.suppress(Exception):  # to_host has converted it once, so an error says nothing new
            now = own[i]._replace(array=np.asarray(subject.to_host(result)))
            own[i] = own[i]._replace(kept=_same_bits(own[i], now))
    return own + between


def _answer_repeated(subject, call):
    """The answer to a call between the two runs. Small calls are repeated, so that a result in one of a few buffers
    that take turns is overwritten."""
    small = sum(getattr(array, "nbytes", 0) for array in (*call.arguments.values(), call.dout)) <= SMALL
    first, *others = [_answer_call(subject, call) for _ in range(REPEATS if small else 1)]
    return first._replace(same=all(_same_bits(first, other) for other in others))


def _answer_calls(subject, case, held=None):
    if subject.guarded:
        subject.memory.turn()
    answers = []
    for call in case.calls():
        results = [] if held is not None and not case.oversized else None
        answers.append(_answer_call(subject, call, case.fold, case.oversized, results))
        if results and not answers[-1].error:
            held.append((len(answers) - 1, results[0]))
    return answers


def _answer_call(subject, call, fold=None, oversized=False, held=None):
    """Make one call, and append its result to `held`. Oversized arrays are not copied, nor compared afterwards."""
    arrays = {name: value for name, value in call.arguments.items() if isinstance(value, np.ndarray)}
    options = {name: value for name, value in call.arguments.items() if name not in arrays}
    arrays.update({"dout": call.dout} if call.operation == "gradient" else {})
    tensors, given = {}, {}  # tensors: what must not change -> its original and its tensor
    try:
        for name, array in arrays.items():
            whole, take = laid_out(array, call.layouts.get(name))
            tensor = _to_device(subject, whole, not oversized)
            given[name] = take(tensor)
            tensors[name] = whole, tensor
        positions, names = _passed({**given, **options}, call.by_position)
        result = getattr(subject, call.operation)(*positions, **names)
        if call.operation == "gradient":
            if not isinstance(result, (tuple, list)) or len(result) != 2:
                raise faults.ResultError(f"the adapter's gradient returned {type(result).__name__}, expected a pair")
            result = result[call.pick]
        array = subject.to_host(result)
        array = np.array(array, copy=True) if not oversized else np.asarray(array)
        array = array if fold is None else fold(array)
        subject.synchronize()
        if array.dtype.kind not in "fciub":
            raise faults.ResultError(f"the adapter's to_host returned {array.dtype}, which is not a numeric dtype")
        answer = Answer(array)
        if held is not None:
            held.append(result)
    except Exception as error:
        with contextlib.suppress(Exception):
            subject.synchronize()
        subject.recover()
        answer = _error_answer(error, subject, call)
    if oversized:
        return answer
    try:
        return answer._replace(wrote=_written(subject, tensors))
    except Exception as error:  # of to_host
        return answer if answer.error else _error_answer(error, subject, call)


def _passed(arguments, by_position):
    """The arguments to pass by position and those to pass by name; `dout` comes first."""
    if not by_position:
        return (), arguments
    rest, positions = {**DEFAULTS, **arguments}, []
    for name in ("dout", *SIGNATURE):
        if name in rest:
            positions.append(rest.pop(name))
        elif name != "dout":
            break
    return positions, {name: value for name, value in rest.items() if name in arguments}


def _error_answer(error, subject, call):
    parents = tuple(parent.__name__ for parent in type(error).__mro__[:-2])
    fault = faults.fault(error, subject, call.arguments)
    return Answer(error=parents, message=str(error), fault=fault, traceback=faults.described(error))


def _to_device(subject, array, copy):
    """An array on the subject's device, between guards if the subject is guarded."""
    place = subject.memory.place if subject.guarded else np.array
    return subject.to_device(place(array) if copy else array)


def _written(subject, tensors):
    """The name of the first input that the call changed, else of the memory it overwrote next to an array, else ''."""
    for name, (original, tensor) in tensors.items():
        if np.asarray(subject.to_host(tensor)).tobytes() != original.tobytes():
            return name
    return subject.memory.check() if subject.guarded else ""


def _same_bits(first, second):
    """Whether two answers have the same bits; every NaN counts as the same."""
    if first.error or second.error:
        return first.error == second.error
    return bits(first.array) == bits(second.array)
