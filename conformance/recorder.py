"""The pytest plugin that gathers the outcomes of all worker processes, writes the JSON report, and prints the summary.

`report.schema.json` documents the report.
"""

import collections
import datetime
import importlib.metadata
import json
import math
import pathlib
import platform
import subprocess
import time

import pytest

from conformance import ledger
from conformance.cases import all_cases, coverage
from conformance.contract import CLAUSES
from conformance.terminal import Failures, counts, launcher
from conformance.verdict import Verdict

HERE = pathlib.Path(__file__).parent


class Recorder:
    """Runs in the process that receives every test report: with xdist, the controller."""

    def __init__(self, legs, tier, file, accept_known, own_ledger=(), options=""):
        """`options` are those that a run of one case needs besides the ones of its leg."""
        self._own_ledger, self._options = list(own_ledger), options
        self._file, self._accepted = file, {Verdict.KNOWN} if accept_known else set()
        self._begun = time.time()
        self._legs, self._tier = legs, tier
        self._outcomes = {leg.id: {} for leg in legs}
        self._mutants = {}
        self._errors = []  # of the suite itself: tests that failed without an outcome

    def pytest_runtest_logreport(self, report):
        properties = dict(report.user_properties)
        if "conformance" in properties:
            recorded = properties["conformance"]
            self._outcomes[recorded["leg"]][recorded["case"]] = recorded["outcome"]
        elif report.failed and self._legs:
            self._errors.append(str(report.longrepr))
        if "mutant" in properties and report.passed:
            self._mutants[properties["mutant"]["mutant"]] = properties["mutant"]["killed_by"]

    def pytest_collectreport(self, report):
        if report.failed and self._legs:
            self._errors.append(str(report.longrepr))

    def pytest_sessionfinish(self, session):
        if session.config.option.collectonly:
            return
        if self._problems() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self._file:
            pathlib.Path(self._file).write_text(to_json(self.report()) + "\n")

    def pytest_terminal_summary(self, terminalreporter):
        write = terminalreporter.write_line
        for problem in self._problems():
            write(problem)
        if not any(self._outcomes.values()):
            return
        terminalreporter.section(f"conformance, tier {self._tier}")
        report = self.report()
        failures = Failures(launcher(terminalreporter.config.invocation_params.dir), self._options)
        for leg in report["legs"]:
            for id, outcome in leg["others"].items():
                if self._fails(outcome["verdict"]):
                    for line in failures.lines(leg, id, outcome):
                        write(line)
        for leg, recorded in zip(self._legs, report["legs"]):
            write(f"{leg.id}: {counts(recorded['verdicts'])}")

    def _fails(self, verdict):
        return Verdict(verdict).is_failure and Verdict(verdict) not in self._accepted

    def _problems(self):
        """Problems that belong to no case: errors of the suite, legs without a tested case, unused ledger entries."""
        problems = list(self._errors)
        for leg in self._legs:
            outcomes = self._outcomes[leg.id].values()
            verdicts = [Verdict(outcome["verdict"]) for outcome in outcomes]
            if verdicts and not any(verdict is Verdict.CONFORMS or verdict.is_failure for verdict in verdicts):
                names = ", ".join(sorted({verdict.value for verdict in verdicts}))
                problems.append(f"no case of {leg.id} could be tested: {names}")
            if self._tier != "quick" and len(outcomes) == len(all_cases(self._tier)):
                for entry in ledger.unused(leg, self._outcomes[leg.id], ledger.entries() + self._own_ledger):
                    problems.append(f"outdated ledger: entry '{entry['id']}': {leg.id} conforms in all its cases")
        return problems

    def report(self):
        """The content of the JSON report."""
        begun = datetime.datetime.fromtimestamp(self._begun, datetime.timezone.utc)
        expected = len(all_cases(self._tier))
        return {
            "suite": {
                "commit": commit(),
                "tier": self._tier,
                "begun": begun.isoformat("T", "seconds"),
                "seconds": round(time.time() - self._begun, 1),
                "cases": expected,
                "coverage": coverage(self._tier),
            },
            "machine": {"processor": processor(), "system": platform.platform(), "python": platform.python_version()},
            "legs": [_leg_report(leg, self._outcomes[leg.id], expected) for leg in self._legs],
            "ledger": {entry["id"]: entry["reason"] for entry in self._own_ledger},
            "mutants": self._mutants,
            "problems": self._problems(),
        }


def commit():
    """The suite's commit: that of the installed package, or that of the checkout; 'unknown' if there is neither."""
    try:
        distribution = importlib.metadata.distribution("multi-margin-loss-conformance")
    except importlib.metadata.PackageNotFoundError:
        distribution = None
    if distribution and pathlib.Path(distribution.locate_file("conformance")).resolve() == HERE.resolve():
        source = json.loads(distribution.read_text("direct_url.json") or "{}")
        return source.get("vcs_info", {}).get("commit_id", "")[:7] or f"version {distribution.version}"
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def processor():
    """The processor's model name on Linux, otherwise its architecture."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def _leg_report(leg, outcomes, expected):
    """The part of the report on one leg; `expected` is the number of cases in the tier."""
    cases = {case.id: case for case in all_cases()}
    clauses = {clause: collections.Counter() for clause in CLAUSES}
    for case_id, outcome in outcomes.items():
        for clause in set(cases[case_id].clauses_on(leg)):  # some cases name a clause twice
            clauses[clause][_clause_verdict(outcome, clause)] += 1
    passed = {id: o for id, o in outcomes.items() if o["verdict"] == Verdict.CONFORMS.value}
    return {
        "subject": leg.subject,
        "target": leg.target,
        "mode": leg.mode,
        "guarded": leg.guarded,
        "environment": leg.environment,
        "complete": len(outcomes) == expected,
        "verdicts": dict(collections.Counter(o["verdict"] for o in outcomes.values())),
        "clauses": {clause: dict(counter) for clause, counter in clauses.items()},
        "conforms": {id: [_round(o["ulp"]), _round(o["fraction"])] for id, o in sorted(passed.items())},
        "others": {id: _compact(o) for id, o in sorted(outcomes.items()) if id not in passed},
    }


def _clause_verdict(outcome, clause):
    """The verdict of a case on one of its clauses. A failure does not judge the clauses that it does not break."""
    verdict = Verdict(outcome["verdict"])
    if verdict.is_failure and verdict is not Verdict.VACUOUS and clause not in outcome["broken"]:
        return "not judged"
    return f"known: {outcome['detail'].partition(':')[0]}" if verdict is Verdict.KNOWN else verdict.value


def _compact(outcome):
    """The fields of an outcome that have a value. Only new failures keep their traceback and output."""
    verdict = Verdict(outcome["verdict"])
    omitted = set() if verdict.is_failure and verdict is not Verdict.KNOWN else {"traceback", "output"}
    rounded = {name: _round(value) for name, value in outcome.items() if name not in omitted}
    return {name: value for name, value in rounded.items() if value not in (None, "", [], ())}


def _round(value):
    """Round floats to four digits; replace infinity and NaN, which JSON cannot represent, with None."""
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    return value


def to_json(value, depth=0):
    """JSON with one line for each case, so that a diff of two reports shows the cases that changed."""
    if depth == 4 or not value or not isinstance(value, (dict, list)):
        return json.dumps(value)
    if isinstance(value, dict):
        items, (begin, end) = [f"{json.dumps(name)}: {to_json(v, depth + 1)}" for name, v in value.items()], "{}"
    else:
        items, (begin, end) = [to_json(v, depth + 1) for v in value], "[]"
    line = "\n" + " " * (depth + 1)
    return begin + line + f",{line}".join(items) + "\n" + " " * depth + end
