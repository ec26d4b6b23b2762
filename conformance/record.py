"""What came of a run: gathered from all workers, written as JSON, and summed up on the terminal.

`report.schema.json` documents the file. Nothing in it is counted as run that was not.
"""

import collections
import datetime
import json
import math
import pathlib
import platform
import subprocess
import time

import pytest

from conformance import ledger
from conformance.cases import all_cases
from conformance.contract import CLAUSES
from conformance.verdict import Verdict

HERE = pathlib.Path(__file__).parent


def commit():
    """The commit of the suite, if it is in a checkout."""
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def processor():
    """Its name, as Linux tells it."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def reproduction(leg, case_id):
    """The options that run one case of a leg alone."""
    mode = f" --mode {leg['mode']}" if leg["mode"] else ""
    return f"--device-target {leg['target']} --subject {leg['subject']}{mode} --case {case_id}"


class Record:
    """A pytest plugin of the process that sees every outcome."""

    def __init__(self, legs, tier, file, accept_known):
        self._file, self._accepted = file, {Verdict.KNOWN} if accept_known else set()
        self._begun = time.time()
        self._outcomes = {leg.id: {} for leg in legs}
        self._legs, self._tier, self._mutants = legs, tier, {}
        self._faults = []  # of the suite itself

    def pytest_runtest_logreport(self, report):
        properties = dict(report.user_properties)
        if "conformance" in properties:
            noted = properties["conformance"]
            self._outcomes[noted["leg"]][noted["case"]] = noted["outcome"]
        elif report.failed and self._legs:
            self._faults.append(str(report.longrepr))
        if "mutant" in properties and report.passed:
            self._mutants[properties["mutant"]["mutant"]] = properties["mutant"]["killed_by"]

    def pytest_collectreport(self, report):
        if report.failed and self._legs:
            self._faults.append(str(report.longrepr))

    def pytest_sessionfinish(self, session):
        if session.config.option.collectonly:
            return
        if self._problems() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self._file:
            pathlib.Path(self._file).write_text(written(self.report()) + "\n")

    def _problems(self):
        """Lines on what no case shows: faults of the suite, a leg that conforms in nothing, entries not borne out."""
        lines = list(self._faults)
        for leg in self._legs:
            outcomes = self._outcomes[leg.id].values()
            verdicts = [Verdict(outcome["verdict"]) for outcome in outcomes]
            if verdicts and not any(verdict is Verdict.CONFORMS or verdict.is_failure for verdict in verdicts):
                lines.append(f"nothing was proved of {leg.id}: {', '.join(sorted({v.value for v in verdicts}))}")
            if self._tier != "quick" and len(outcomes) == len(all_cases(self._tier)):
                entries = ledger.unseen(leg, self._outcomes[leg.id])
                lines += [
                    f"outdated ledger: entry '{entry['id']}': {leg.id} conforms in all its cases" for entry in entries
                ]
        return lines

    def report(self):
        cases = {case.id: case for case in all_cases()}
        expected = len(all_cases(self._tier))
        return {
            "suite": {
                "commit": commit(),
                "tier": self._tier,
                "begun": datetime.datetime.fromtimestamp(self._begun, datetime.timezone.utc).isoformat("T", "seconds"),
                "seconds": round(time.time() - self._begun, 1),
                "cases": expected,
            },
            "machine": {"processor": processor(), "system": platform.platform(), "python": platform.python_version()},
            "legs": [self._leg(leg, self._outcomes[leg.id], cases, expected) for leg in self._legs],
            "mutants": self._mutants,
            "problems": self._problems(),
        }

    def _leg(self, leg, outcomes, cases, expected):
        clauses = {clause: collections.Counter() for clause in CLAUSES}
        for case_id, outcome in outcomes.items():
            for clause in cases[case_id].clauses_on(leg):
                clauses[clause][_for_clause(outcome, clause)] += 1
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
            "conforms": {id: [_short(o["ulp"]), _short(o["fraction"])] for id, o in sorted(passed.items())},
            "others": {id: _filled(o) for id, o in sorted(outcomes.items()) if id not in passed},
        }

    def pytest_terminal_summary(self, terminalreporter):
        write = terminalreporter.write_line
        for problem in self._problems():
            write(problem)
        if not any(self._outcomes.values()):
            return
        terminalreporter.section(f"conformance, tier {self._tier}")
        report = self.report()
        for leg in report["legs"]:
            for id, outcome in leg["others"].items():
                if self._fails(outcome["verdict"]):
                    write(f"{outcome['verdict']}: {_line(outcome['detail'])}  {reproduction(leg, id)}")
        for leg, found in zip(self._legs, report["legs"]):
            counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(found["verdicts"].items()))
            write(f"{leg.id}: {counts or 'nothing was run'}")
        if any(map(self._fails, (verdict for leg in report["legs"] for verdict in leg["verdicts"]))):
            write("Run one alone: pytest conformance, and the options at the end of its line.")

    def _fails(self, verdict):
        return Verdict(verdict).is_failure and Verdict(verdict) not in self._accepted


def _for_clause(outcome, clause):
    """What a case's outcome says of one of its clauses: a failure breaks those that it names, and no others."""
    verdict = Verdict(outcome["verdict"])
    if verdict.is_failure and verdict is not Verdict.VACUOUS and clause not in outcome["broken"]:
        return "not judged"
    return f"known: {outcome['detail'].partition(':')[0]}" if verdict is Verdict.KNOWN else verdict.value


def _filled(outcome):
    return {name: _short(value) for name, value in outcome.items() if _short(value) not in (None, "", [], ())}


def _short(value):
    """Four digits are enough, and JSON has no infinity."""
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    return value


def _line(text, length=160):
    return text if len(text) <= length else text[: length - 3] + "..."


def written(value, depth=0):
    """JSON with a line for each case, so that a change of results reads as one."""
    if depth == 4 or not value or not isinstance(value, (dict, list)):
        return json.dumps(value)
    if isinstance(value, dict):
        items, (begin, end) = [f"{json.dumps(name)}: {written(v, depth + 1)}" for name, v in value.items()], "{}"
    else:
        items, (begin, end) = [written(v, depth + 1) for v in value], "[]"
    line = "\n" + " " * (depth + 1)
    return begin + line + f",{line}".join(items) + "\n" + " " * depth + end
