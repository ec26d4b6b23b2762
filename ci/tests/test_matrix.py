"""The CI matrix: the adapters are generated from it, and a job that proves nothing does not pass."""

import json
import re
import shutil
import sys

import pytest

from conformance.leg import DEVICE_TARGETS
from custom_ops.tests.builds import CHECKOUT, run

ADAPTERS = (".github/workflows/matrix.yml", "Jenkinsfile")
CPU = "cpu-mindspore2.10.0-python3.11"


@pytest.fixture
def checkout(tmp_path):
    """A checkout of only ci/ and the generated adapters."""
    shutil.copytree(CHECKOUT / "ci", tmp_path / "ci")
    for file in ADAPTERS:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / file, tmp_path / file)
    return tmp_path


def python(checkout, module, *arguments):
    return run(sys.executable, "-m", f"ci.{module}", *arguments, cwd=checkout)


def job_names(text):
    return set(re.findall(r"\b[a-z0-9_]+-mindspore[0-9.]+-python[0-9.]+[0-9]", text))


def test_adapters_are_up_to_date(checkout):
    child = python(checkout, "adapters", "--check")
    assert child.returncode == 0, child.stderr


@pytest.mark.parametrize("file", ADAPTERS)
def test_adapters_list_exactly_the_jobs(file):
    jobs = python(CHECKOUT, "matrix").stdout.split()
    assert len(jobs) > 20
    assert job_names((CHECKOUT / file).read_text()) == {*jobs}


@pytest.mark.parametrize("file", ADAPTERS)
def test_an_edited_adapter_is_outdated(file, checkout):
    (checkout / file).write_text((checkout / file).read_text() + "\n")
    child = python(checkout, "adapters", "--check")
    assert child.returncode == 1
    assert child.stderr == f"{file} is outdated; run: ./ci/run adapters\n"


def test_new_hardware_reaches_every_adapter(checkout):
    file = checkout / "ci" / "matrix.json"
    matrix = json.loads(file.read_text())
    matrix["tpu"] = {**matrix["gpu"], "runner": "a-tpu", "targets": ["tpu"], "mindspore": {"3.0.0": ["3.13"]}}
    file.write_text(json.dumps(matrix))
    assert python(checkout, "adapters", "--check").returncode == 1
    assert python(checkout, "adapters").returncode == 0
    for adapter in ADAPTERS:
        text = (checkout / adapter).read_text()
        assert "tpu-mindspore3.0.0-python3.13" in text
        assert "a-tpu" in text
    assert python(checkout, "adapters", "--check").returncode == 0


def test_marks_match_the_suite():
    rows = json.loads((CHECKOUT / "ci" / "matrix.json").read_text()).values()
    assert {mark for row in rows for mark in row["marks"]} == {
        mark for marks in DEVICE_TARGETS.values() for mark in marks
    }


def report(verdicts, mindspore="2.10.0", python="3.11.7"):
    leg = {"subject": "ms_mml", "environment": {"mindspore": mindspore}, "verdicts": verdicts}
    return json.dumps({"machine": {"python": python}, "legs": [leg]})


def writes(report):
    return f"echo '{report}' >report.json\n"


CONFORMS = report({"conforms": 3})
UNPROVED = "exit code 0, but no report for these versions in which every leg has a case that conforms"


@pytest.mark.parametrize(("script", "code", "result", "reason"), [
    (f"{writes(CONFORMS)} echo $PYTHON $MINDSPORE $1", 0, "pass", "exit code 0"),
    (f"{writes(CONFORMS)} exit 1", 1, "fail", "exit code 1"),
    ("echo 'ci/run: NOT RUN: no Ascend' >&2; exit 77", 77, "not run", "no Ascend"),
    ("exit 0", 77, "not run", UNPROVED),
    (writes(report({"not available": 3})), 77, "not run", UNPROVED),
    (writes(report({"conforms": 3}, mindspore="2.9.0")), 77, "not run", UNPROVED),
    (writes(report({"conforms": 3}, python="3.1.0")), 77, "not run", UNPROVED),
    ("kill -SEGV $$", -11, "fail", "exit code -11"),
], ids=["passes", "fails", "not run", "no report", "nothing conforms", "MindSpore", "Python", "crashes"])  # fmt: skip
def test_result_of_a_job(script, code, result, reason, checkout):
    results = checkout / "ci-results"
    results.mkdir()
    for old in (checkout / "report.json", results / f"{CPU}.report.json", results / f"{CPU}.result.json"):
        old.write_text(CONFORMS)  # left by an earlier run
    (checkout / "ci" / "run").write_text(f"#!/bin/bash\n{script}\n")
    child = python(checkout, "matrix", CPU)
    assert child.returncode == code % 256
    found = json.loads((results / f"{CPU}.result.json").read_text())
    assert found == {"job": CPU, "result": result, "reason": reason}
    if code == 0:
        assert child.stdout == "python3.11 2.10.0 cpu\n"


def test_unknown_job(checkout):
    child = python(checkout, "matrix", "abacus")
    assert child.returncode == 1
    assert "There is no job 'abacus'." in child.stderr


@pytest.mark.parametrize(("job_results", "code", "line"), [
    ({}, 77, "0 pass, 0 fail, {all} not run"),
    ({CPU: "pass"}, 0, "1 pass, 0 fail, {others} not run"),
    ({CPU: "fail"}, 1, "0 pass, 1 fail, {others} not run"),
], ids=["no result", "a pass", "a failure"])  # fmt: skip
def test_scoreboard(job_results, code, line, tmp_path):
    jobs = python(CHECKOUT, "matrix").stdout.split()
    results, page = tmp_path / "results", tmp_path / "scoreboard"
    results.mkdir()
    report = CHECKOUT / "ci" / "results" / "cpu-mindspore-2.8.0.json"
    conforms = json.loads(report.read_text())["legs"][0]["verdicts"]["conforms"]
    for job, result in job_results.items():
        (results / f"{job}.result.json").write_text(json.dumps({"job": job, "result": result, "reason": "a <reason>"}))
        shutil.copy(report, results / f"{job}.report.json")
    child = python(CHECKOUT, "scoreboard", str(results), str(page))
    assert child.returncode == code, child.stderr
    assert child.stdout == line.format(all=len(jobs), others=len(jobs) - 1) + "\n"
    text = (page / "index.html").read_text()
    assert text.count('<a class="chip not-run"') == len(jobs) - len(job_results)
    assert all(text.count(f'href="#{job}"') == text.count(f'<details id="{job}"') == 1 for job in jobs)
    assert (f'<details id="{CPU}" open>' in text) == ("fail" in job_results.values())
    assert ("a &lt;reason&gt;" in text) == ("fail" in job_results.values())
    shown = f'<span class="good">{conforms} conforms</span>' in text
    assert shown == (page / "report.html").is_file() == bool(job_results)
