"""The suite's options, the legs of a run, and the fixture that runs a case on a leg."""

import pathlib
import shlex

import pytest

from conformance import ledger
from conformance.cases import TIERS, all_cases
from conformance.isolation import Isolated, legs
from conformance.leg import DEVICE_TARGETS, MODES, Leg
from conformance.recorder import Recorder
from conformance.subjects import OWN, default, known, similar
from conformance.subjects.base import NotAvailable
from conformance.verdict import Outcome, Verdict

LEVELS = {"quick": "level0", "full": "level1", "huge": "level2"}  # tier -> level, as MindSpore's own tests are marked
MODE_OPTIONS = {"both": MODES, **{mode: (mode,) for mode in MODES}}
SUITE = pathlib.Path(__file__).resolve().parent
TEST, SELFTEST = SUITE / "test_conformance.py", SUITE / "selftest"
LEGS, LEDGER = pytest.StashKey(), pytest.StashKey()


def pytest_addoption(parser):
    group = parser.getgroup("conformance")
    group.addoption(
        "--device-target", default="CPU", choices=DEVICE_TARGETS, help="where the subject runs (default: CPU)"
    )
    group.addoption(
        "--subject",
        action="append",
        metavar="NAME",
        help=f"the implementation to test: {', '.join(OWN)}, a declared name, or module:Class; may be repeated",
    )
    group.addoption("--mode", choices=MODE_OPTIONS, help="MindSpore's mode (default: all the subject has)")
    group.addoption("--tier", default="quick", choices=TIERS, help="which cases run (default: quick)")
    group.addoption("--case", action="append", metavar="ID", help="run only this case; may be repeated")
    group.addoption("--report", metavar="FILE", help="write the outcome of every case to FILE, as JSON")
    group.addoption(
        "--ledger", action="append", default=[], metavar="FILE", help="a ledger of your own; may be repeated"
    )
    group.addoption("--accept-known", action="store_true", help="divergences the ledger expects do not fail the run")


def pytest_configure(config):
    """Find the legs once. A requested subject or device target that is unavailable ends the run with the reason."""
    for mark in (*LEVELS.values(), *(platform for platforms in DEVICE_TARGETS.values() for platform in platforms)):
        config.addinivalue_line("markers", f"{mark}: as in MindSpore's own tests")
    if hasattr(config, "workerinput"):
        config.stash[LEGS] = [Leg(*leg) for leg in config.workerinput["legs"]]
        config.stash[LEDGER] = config.workerinput["ledger"]
        return
    _check_case_ids(config)
    report = config.getoption("--report")
    if report and not pathlib.Path(report).resolve().parent.is_dir():
        raise pytest.UsageError(f"there is no folder for --report {report}")
    config.stash[LEGS] = _legs(config) if _runs_cases(config) else []
    if _runs_cases(config):
        config.option.tbstyle, config.option.reportchars = "no", ""  # the recorder prints a line for each failure
    config.stash[LEDGER] = own = _own_ledger(config)
    options = [config.getoption(name) for name in ("--tier", "--report", "--accept-known")]
    config.pluginmanager.register(Recorder(config.stash[LEGS], *options, own, _ledger_options(config)))


def _own_ledger(config):
    """The entries of the files that --ledger names."""
    try:
        return [entry for file in config.getoption("--ledger") for entry in ledger.read(file)]
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


def _ledger_options(config):
    return "".join(f" --ledger={shlex.quote(file)}" for file in config.getoption("--ledger"))


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """With pytest-xdist, a worker that has nothing left to do takes tests from others, unless --dist says otherwise."""
    if getattr(config.option, "numprocesses", None) and config.option.dist == "no":
        config.option.dist = "worksteal"


def _paths(config):
    """The paths on the command line."""
    return [pathlib.Path(config.invocation_params.dir, arg.split("::")[0]).resolve() for arg in config.args]


def _runs_cases(config):
    """Whether the command line asks for cases, and not only for the selftest or for tests elsewhere."""
    return any(path in (SUITE, *SUITE.parents, TEST) for path in _paths(config))


def _legs(config):
    home = config.invocation_params.dir
    target, modes = config.getoption("--device-target"), MODE_OPTIONS.get(config.getoption("--mode"), ())
    subjects = config.getoption("--subject") or [default(home)]
    if subjects == [None]:
        names = ", ".join(sorted(known(home)))
        raise pytest.UsageError(f"name a subject: --subject NAME, where NAME is module:Class or one of {names}")
    found = []
    for subject in subjects:
        try:
            found += legs(subject, target, modes, home)
        except NotAvailable as reason:
            raise pytest.UsageError(f"subject '{subject}' cannot run on {target}: {reason}") from reason
    return found


def _check_case_ids(config):
    ids = {case.id for case in all_cases()}
    for id in config.getoption("--case") or ():
        if id not in ids:
            raise pytest.UsageError(f"there is no case '{id}'{similar(id, ids)}")


def _cases(config):
    """The cases of the tier, or those named by --case, whatever their tier."""
    named = config.getoption("--case")
    if not named:
        return all_cases(config.getoption("--tier"))
    by_id = {case.id: case for case in all_cases()}
    return [by_id[id] for id in named]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["legs"] = [tuple(leg) for leg in node.config.stash[LEGS]]
    node.workerinput["ledger"] = node.config.stash[LEDGER]


def pytest_ignore_collect(collection_path, config):
    """Collect the suite's own tests only if the command line names their folder or a file in it."""
    if collection_path == SELFTEST and not any(SELFTEST in (path, *path.parents) for path in _paths(config)):
        return True
    return None


def pytest_generate_tests(metafunc):
    """Every case on every leg. The legs of a case are adjacent, because they share its exact values."""
    if "case" not in metafunc.fixturenames or "leg" not in metafunc.fixturenames:
        return
    config = metafunc.config
    pairs = [
        pytest.param(leg, case, id=f"{leg.id}-{case.id}", marks=_marks(LEVELS[case.tier], leg.target))
        for case in _cases(config)
        for leg in config.stash[LEGS]
    ]
    metafunc.parametrize(("leg", "case"), pairs)


def _marks(level, target):
    return [getattr(pytest.mark, name) for name in (level, *DEVICE_TARGETS[target])]


def pytest_collection_modifyitems(config, items):
    """Spread the slow tests, and mark tests without a case: they are level 0, on the device target of the run."""
    items[:] = _spread([item for item in items if _waits(item)], [item for item in items if not _waits(item)])
    for item in items:
        if not any(item.get_closest_marker(level) for level in LEVELS.values()):
            for mark in _marks("level0", config.getoption("--device-target")):
                item.add_marker(mark)


def _waits(item):
    """Whether the test spends its time waiting: in graph mode MindSpore waits 3 s after a kernel's error."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return "leg" in parameters and parameters["leg"].mode == "graph" and parameters["case"].expects_error


def _spread(few, many):
    """Both lists as one, with the few at equal distances, so that some workers compute while others wait."""
    distance = len(many) // (len(few) + 1)
    spread = []
    for i, item in enumerate(few):
        spread += [*many[i * distance : (i + 1) * distance], item]
    return spread + many[len(few) * distance :]


@pytest.fixture(scope="session")
def _processes():
    processes = {}
    yield processes
    for process in processes.values():
        process.close()


@pytest.fixture
def run_case(request, _processes):
    """A function that runs a case on a leg, records the outcome for the report, and returns it."""

    def run_case(leg, case):
        entries = ledger.entries() + request.config.stash[LEDGER]
        outcome = ledger.apply(_outcome(leg, case, _processes, request.config), leg, case.id, entries)
        recorded = {**vars(outcome), "verdict": outcome.verdict.value, "broken": list(outcome.broken)}
        request.node.user_properties.append(("conformance", {"leg": leg.id, "case": case.id, "outcome": recorded}))
        return outcome

    return run_case


def _outcome(leg, case, processes, config):
    for need in sorted(case.needs & set(leg.lacks)):
        return Outcome(Verdict.NOT_AVAILABLE, f"{need}: {leg.lacks[need]}")
    if leg.id not in processes:
        processes[leg.id] = Isolated(leg.subject, leg.target, leg.mode, config.invocation_params.dir)
    return processes[leg.id].outcome(case, leg)
