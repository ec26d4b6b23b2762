"""The suite's options, the legs that they ask for, and how a case is put to one."""

import pathlib

import pytest

from conformance import ledger
from conformance.cases import TIERS, all_cases
from conformance.cases.base import Leg
from conformance.isolation import Isolated, Unavailable, legs
from conformance.record import Record
from conformance.subjects import OWN, default, known
from conformance.verdict import Outcome, Verdict

# The device targets, and the platforms that MindSpore's own tests would name in their marks (arg_mark) for each.
TARGETS = {
    "CPU": ("cpu_linux",),
    "GPU": ("platform_gpu",),
    "Ascend": ("platform_ascend", "platform_ascend310p", "platform_ascend910b"),
}
LEVELS = {"quick": "level0", "full": "level1", "huge": "level2"}  # of those marks: what is asked at the gate, and later
MODES = {None: (), "both": ("graph", "pynative"), "graph": ("graph",), "pynative": ("pynative",)}
HERE = pathlib.Path(__file__).parent
SELFTEST = HERE / "selftest"  # tests of the suite itself, which need no legs
LEGS = pytest.StashKey()


def pytest_addoption(parser):
    group = parser.getgroup("conformance")
    group.addoption("--device-target", default="CPU", choices=TARGETS, help="where the subject runs (default: CPU)")
    group.addoption(
        "--subject",
        action="append",
        metavar="NAME",
        help=f"what is tested: {', '.join(OWN)}, a declared name, or module:Class; may be repeated",
    )
    group.addoption("--mode", choices=MODES.keys() - {None}, help="MindSpore's mode (default: all that a subject has)")
    group.addoption("--tier", default="quick", choices=TIERS, help="how much is asked (default: quick)")
    group.addoption("--case", action="append", metavar="ID", help="run this case alone; may be repeated")
    group.addoption("--report", metavar="FILE", help="write what came of every case, as JSON")
    group.addoption("--accept-known", action="store_true", help="what the ledger foresees does not fail the run")


def pytest_configure(config):
    """Find the legs, once: a target or subject that was asked for and is not there ends the run with the reason."""
    for mark in (*LEVELS.values(), *(platform for platforms in TARGETS.values() for platform in platforms)):
        config.addinivalue_line("markers", f"{mark}: as in MindSpore's own tests")
    if hasattr(config, "workerinput"):
        config.stash[LEGS] = [Leg(*leg) for leg in config.workerinput["legs"]]
        return
    config.stash[LEGS] = []
    _cases(config)
    report = config.getoption("--report")
    if report and not pathlib.Path(report).resolve().parent.is_dir():
        raise pytest.UsageError(f"there is no folder for --report {report}")
    if not all(SELFTEST in (*_path(config, argument).parents, _path(config, argument)) for argument in config.args):
        config.stash[LEGS] = _legs(config)
        config.option.tbstyle, config.option.reportchars = "no", ""  # the record has a line for each failure
    options = [config.getoption(name) for name in ("--tier", "--report", "--accept-known")]
    config.pluginmanager.register(Record(config.stash[LEGS], *options))


def _path(config, argument):
    return pathlib.Path(config.invocation_params.dir, argument.split("::")[0]).resolve()


def _legs(config):
    target, modes = config.getoption("--device-target"), MODES[config.getoption("--mode")]
    found = []
    subjects = config.getoption("--subject") or [default(config.invocation_params.dir)]
    if subjects == [None]:
        names = ", ".join(known(config.invocation_params.dir))
        raise pytest.UsageError(f"name what to test: --subject NAME, where NAME is module:Class or one of {names}")
    for subject in subjects:
        try:
            found += legs(subject, target, modes, config.invocation_params.dir)
        except Unavailable as reason:
            raise pytest.UsageError(f"subject '{subject}' cannot run on {target}: {reason}") from reason
    return found


def _cases(config):
    """Those of the tier, or those named, of whatever tier."""
    wanted = config.getoption("--case")
    if not wanted:
        return all_cases(config.getoption("--tier"))
    known = {case.id: case for case in all_cases()}
    for id in wanted:
        if id not in known:
            raise pytest.UsageError(f"there is no case '{id}'")
    return [known[id] for id in wanted]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["legs"] = [tuple(leg) for leg in node.config.stash[LEGS]]


def pytest_ignore_collect(collection_path, config):
    """The suite's own tests run only when they are named."""
    if collection_path == SELFTEST and not any(
        SELFTEST in (_path(config, a), *_path(config, a).parents) for a in config.args
    ):
        return True
    return None


def pytest_generate_tests(metafunc):
    """Every case on every leg, and the legs of a case together: they share its exact values."""
    if "case" not in metafunc.fixturenames or "leg" not in metafunc.fixturenames:
        return
    config = metafunc.config
    legs_asked, cases = config.stash[LEGS], _cases(config)
    pairs = [
        pytest.param(leg, case, id=f"{leg.id}-{case.id}", marks=_marks(LEVELS[case.tier], leg.target))
        for case in cases
        for leg in legs_asked
    ]
    metafunc.parametrize(("leg", "case"), pairs)


def _marks(level, target):
    return [getattr(pytest.mark, name) for name in (level, *TARGETS[target])]


def pytest_collection_modifyitems(config, items):
    """What is no case is asked at the gate, on the device target that it runs on."""
    for item in items:
        if not any(item.get_closest_marker(level) for level in LEVELS.values()):
            for mark in _marks("level0", config.getoption("--device-target")):
                item.add_marker(mark)


@pytest.fixture(scope="session")
def _processes():
    processes = {}
    yield processes
    for process in processes.values():
        process.end()


@pytest.fixture
def run(request, _processes):
    """Puts a case to a leg and notes the outcome for the report."""

    def run(leg, case):
        outcome = ledger.judge(_outcome(leg, case, _processes, request.config), leg, case.id)
        noted = {**vars(outcome), "verdict": outcome.verdict.value, "broken": list(outcome.broken)}
        request.node.user_properties.append(("conformance", {"leg": leg.id, "case": case.id, "outcome": noted}))
        return outcome

    return run


def _outcome(leg, case, processes, config):
    for need in sorted(case.needs & set(leg.lacks)):
        return Outcome(Verdict.NOT_AVAILABLE, f"{need}: {leg.lacks[need]}")
    if leg.id not in processes:
        processes[leg.id] = Isolated(leg.subject, leg.target, leg.mode, config.invocation_params.dir)
    answers = processes[leg.id].perform(case)
    return answers if isinstance(answers, Outcome) else case.outcome(answers, leg)
