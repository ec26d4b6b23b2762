"""The command line, as a user types it: a subject of one's own, what is not there, workers, the report."""

import json
import pathlib
import shutil
import subprocess
import sys

import jsonschema
import pytest

from conformance import report
from conformance.cases import all_cases

SUITE = pathlib.Path(__file__).parents[1]
SCHEMA = json.loads((SUITE / "report.schema.json").read_text())
CASES = ["loss-f32-p1-mean-wnone-m1-9x33", "gradient-f64-p2-none-w+-m1-9x33", "raises-p-float", "defaults"]


def suite(folder, *arguments):
    command = [sys.executable, "-m", "pytest", str(SUITE), "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def asked(*cases):
    return [word for case in cases for word in ("--case", case)]


@pytest.fixture
def third_party(tmp_path):
    """The worked example, in a folder outside the repository."""
    shutil.copy(SUITE / "example" / "my_kernel.py", tmp_path)
    return tmp_path


def written(folder):
    content = json.loads((folder / "out.json").read_text())
    jsonschema.validate(content, SCHEMA)
    return content


def test_a_subject_of_ones_own(third_party):
    child = suite(third_party, "--subject", "my_kernel:MySubject", "--report", "out.json", *asked(*CASES))
    assert child.returncode == 1, child.stdout + child.stderr
    line = "--device-target CPU --subject my_kernel:MySubject --case raises-p-float"
    assert f"diverges: accepted p = 1.0, expected TypeError  {line}\n" in child.stdout
    (leg,) = written(third_party)["legs"]
    assert (leg["subject"], leg["complete"]) == ("my_kernel:MySubject", False)
    assert leg["verdicts"] == {"conforms": 3, "diverges": 1}
    assert leg["others"]["raises-p-float"]["broken"] == ["raises-p-or-target-type"]
    assert leg["clauses"]["raises-p-or-target-type"] == {"diverges": 1}
    assert leg["clauses"]["formula"] == {"conforms": 1}


def test_the_whole_quick_tier_of_a_subject_of_ones_own(third_party):
    child = suite(third_party, "--subject", "my_kernel:MySubject", "--report", "out.json")
    assert child.returncode == 1
    (leg,) = written(third_party)["legs"]
    assert leg["complete"]
    assert sum(leg["verdicts"].values()) == len(all_cases("quick"))
    assert {"conforms", "diverges", "not available", "refuses (documented)"} == set(leg["verdicts"])
    assert leg["clauses"]["formula"].keys() == {"conforms", "refuses (documented)"}


def test_workers_give_one_report(third_party):
    arguments = ["--subject", "numpy", "--subject", "my_kernel:MySubject", "-n", "2", "--report", "out.json"]
    child = suite(third_party, *arguments, *asked(*CASES))
    assert child.returncode == 1, child.stdout + child.stderr
    legs = written(third_party)["legs"]
    assert [leg["verdicts"] for leg in legs] == [{"conforms": 4}, {"conforms": 3, "diverges": 1}]


@pytest.mark.parametrize(("marks", "tiers"), [
    ("level0 and cpu_linux", ["quick"]),
    ("level1 and cpu_linux", ["full", "quick"]),
    ("platform_gpu or platform_ascend910b", ["quick", "quick"]),
])  # fmt: skip
def test_marks_of_mindspore(marks, tiers, tmp_path):
    """Of the full tier, on CPU: the first of the tiers less the second."""
    arguments = ["--subject", "numpy", "--tier", "full", "-m", marks, "--collect-only", "--strict-markers"]
    child = suite(tmp_path, *arguments)
    selected = sum("::test_conformance[" in line for line in child.stdout.splitlines())
    counts = [len(all_cases(tier)) for tier in tiers]
    assert selected == counts[0] - sum(counts[1:]), child.stdout[-1000:] + child.stderr


def test_a_crash_is_not_the_end(tmp_path):
    subject = "conformance.selftest.broken:Segfaults"
    cases = ["loss-f32-p1-none-wnone-m1-5x4", "loss-f32-p1-none-wnone-m1-9x33"]
    child = suite(tmp_path, "--subject", subject, "--report", "out.json", *asked(*cases))
    assert child.returncode == 1
    assert "crashed: died of SIGSEGV  --device-target CPU --subject" in child.stdout
    assert written(tmp_path)["legs"][0]["verdicts"] == {"conforms": 1, "crashed": 1}


@pytest.mark.parametrize(("arguments", "reason"), [
    (["--device-target", "GPU", "--subject", "numpy"], "subject 'numpy' cannot run on GPU: it runs on CPU"),
    (["--device-target", "Ascend"], "subject 'ms_mml' cannot run on Ascend: MindSpore "),
    (["--subject", "nowhere:Kernel"], "subject 'nowhere:Kernel' cannot run on CPU: ModuleNotFoundError"),
    (["--subject", "conformance.selftest.broken:IsNotThere"], "its library is missing; install it: make library"),
    (["--subject", "numpy", "--mode", "graph"], "there is no mode 'graph': it has no modes"),
    (["--subject", "numpy", "--report", "nowhere/out.json"], "there is no folder for --report nowhere/out.json"),
    (["--subject", "numpy", "--case", "loss"], "there is no case 'loss'"),
])  # fmt: skip
def test_what_is_asked_for_and_not_there_fails_at_once(tmp_path, arguments, reason):
    child = suite(tmp_path, *arguments)
    assert child.returncode != 0
    assert reason in child.stdout + child.stderr
    assert "passed" not in child.stdout


def test_a_run_that_proves_nothing_fails(third_party):
    child = suite(third_party, "--subject", "my_kernel:MySubject", *asked("weight-gradient-f32-p1-mean-w+-m1-9x33"))
    assert child.returncode == 1
    assert "nothing was proved of my_kernel:MySubject-CPU: not available" in child.stdout


def test_nothing_is_left_behind(third_party):
    suite(third_party, "--subject", "numpy", *asked(*CASES))
    assert {path.name for path in third_party.iterdir()} <= {"my_kernel.py", "__pycache__"}


def test_reports_of_several_runs_are_one_page(third_party):
    """Also with a case that fails, a mutant and a clause that nobody was asked."""
    suite(third_party, "--subject", "my_kernel:MySubject", "--report", "out.json", *asked(*CASES))
    first = third_party / "out.json"
    content = json.loads(first.read_text())
    content["mutants"] = {"FirstRowOnly": ["loss-f32-p1-mean-wnone-m1-9x33"]}
    jsonschema.validate(content, SCHEMA)
    second = third_party / "second.json"
    second.write_text(json.dumps(content))
    report.main([str(first), str(second), "--html", f"{third_party}/a.html", "--markdown", f"{third_party}/a.md"])
    page, table = (third_party / "a.html").read_text(), (third_party / "a.md").read_text()
    assert page.count('<section class="leg">') == 2
    assert "pytest conformance --device-target CPU --subject my_kernel:MySubject --case raises-p-float" in page
    assert "http" not in page.replace(report.PAGE, "")
    assert '<td class="bad">diverges 1</td>' in page
    assert '<td class="good">conforms 1</td>' in page
    assert '<td class="none">not run</td>' in page
    assert "| FirstRowOnly | loss-f32-p1-mean-wnone-m1-9x33 |" in table
    assert "| formula | page | conforms 1 | conforms 1 |" in table
