"""The command line: runs of a third party's subject, their reports, and errors for what is unavailable."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from conformance import report
from conformance.cases import all_cases

SUITE = pathlib.Path(__file__).parents[1]
CASES = ["loss-f32-p1-mean-wnone-m1-9x33", "gradient-f64-p2-none-w+-m1-9x33", "raises-p-float", "defaults"]
BROKEN = "conformance.selftest.broken"


def case_options(*cases):
    return [option for case in cases for option in ("--case", case)]


@pytest.fixture
def third_party(tmp_path):
    """A folder outside the suite that contains the example subject."""
    shutil.copy(SUITE / "example" / "my_kernel.py", tmp_path)
    return tmp_path


def read_report(folder):
    return json.loads((folder / "out.json").read_text())


def test_third_party_subject(third_party, run_suite):
    child = run_suite(third_party, "--subject", "my_kernel:MySubject", "--report", "out.json", *case_options(*CASES))
    assert child.returncode == 1, child.stdout + child.stderr
    line = "raises-p-float: diverges (clause raises-p-or-target-type): accepted p = 1.0, expected TypeError\n"
    assert line in child.stdout
    assert "my_kernel:MySubject-CPU: 3 conforms, 1 diverges\n" in child.stdout
    (leg,) = read_report(third_party)["legs"]
    assert (leg["subject"], leg["complete"]) == ("my_kernel:MySubject", False)
    assert leg["verdicts"] == {"conforms": 3, "diverges": 1}
    assert leg["others"]["raises-p-float"]["broken"] == ["raises-p-or-target-type"]
    assert leg["clauses"]["raises-p-or-target-type"] == {"diverges": 1}
    assert leg["clauses"]["formula"] == {"conforms": 1}


@pytest.mark.level1
def test_quick_tier_of_a_third_party_subject(third_party, run_suite):
    child = run_suite(third_party, "--subject", "my_kernel:MySubject", "--report", "out.json")
    assert child.returncode == 1
    (leg,) = read_report(third_party)["legs"]
    assert leg["complete"]
    assert sum(leg["verdicts"].values()) == len(all_cases("quick"))
    assert {"conforms", "diverges", "not available", "refuses (documented)"} == set(leg["verdicts"])
    assert leg["clauses"]["formula"].keys() == {"conforms", "refuses (documented)"}


def test_several_workers_write_one_report(third_party, run_suite):
    options = ["--subject", "numpy", "--subject", "my_kernel:MySubject", "-n", "2", "--report", "out.json"]
    child = run_suite(third_party, *options, *case_options(*CASES))
    assert child.returncode == 1, child.stdout + child.stderr
    legs = read_report(third_party)["legs"]
    assert [leg["verdicts"] for leg in legs] == [{"conforms": 4}, {"conforms": 3, "diverges": 1}]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_report_follows_its_schema(third_party, run_suite, workers):
    """The report has a failure, a crash, a case that is not available, and a mutant."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    subjects = ["--subject", "my_kernel:MySubject", "--subject", f"{BROKEN}:Segfaults"]
    cases = case_options(*CASES, "loss-f32-p1-none-wnone-m1-5x4", "weight-gradient-f32-p1-mean-w+-m1-9x33")
    run_suite(third_party, *subjects, *workers, "--report", "out.json", *cases)
    content = read_report(third_party)
    content["mutants"] = {"FirstRowOnly": ["loss-f32-p1-mean-wnone-m1-9x33"]}
    jsonschema.validate(content, json.loads((SUITE / "report.schema.json").read_text()))
    verdicts = {verdict for leg in content["legs"] for verdict in leg["verdicts"]}
    assert verdicts == {"conforms", "diverges", "crashed", "not available"}


def test_report_lists_the_mutants_killed_in_the_same_run(tmp_path, run_suite):
    options = [
        "--subject",
        "numpy",
        "--report",
        "out.json",
        *case_options("defaults"),
        "-k",
        "defaults or FirstRowOnly",
    ]
    child = run_suite(tmp_path, *options, str(SUITE / "selftest" / "test_mutants.py"))
    assert child.returncode == 0, child.stdout + child.stderr
    assert read_report(tmp_path)["mutants"] == {"FirstRowOnly": ["loss-f32-p1-none-wnone-m1-9x33"]}


def test_tests_elsewhere_start_no_subject(tmp_path, run_suite):
    (tmp_path / "test_other.py").write_text("def test_other():\n    pass\n")
    other, selftest = str(tmp_path / "test_other.py"), SUITE / "selftest" / "test_ledger.py"
    child = run_suite(tmp_path, "--subject", f"{BROKEN}:IsMissing", other, suite=selftest)
    assert child.returncode == 0, child.stdout + child.stderr


@pytest.mark.parametrize(("marks", "tiers"), [
    ("level0 and cpu_linux", ["quick"]),
    ("level1 and cpu_linux", ["full", "quick"]),
    ("platform_gpu or platform_ascend910b", ["quick", "quick"]),
])  # fmt: skip
def test_marks_of_mindspore(marks, tiers, tmp_path, run_suite):
    """The marks select, from the full tier on the CPU, the cases of the first tier that are not in the second."""
    options = ["--subject", "numpy", "--tier", "full", "-m", marks, "--collect-only", "--strict-markers"]
    child = run_suite(tmp_path, *options)
    selected = sum("::test_conformance[" in line for line in child.stdout.splitlines())
    counts = [len(all_cases(tier)) for tier in tiers]
    assert selected == counts[0] - sum(counts[1:]), child.stdout[-1000:] + child.stderr


def test_waiting_tests_are_spread_over_the_run(tmp_path, run_suite):
    """In graph mode, cases that expect an error spend their time waiting."""
    child = run_suite(tmp_path, "--subject", f"{BROKEN}:HasModes", "--collect-only")
    tests = [line for line in child.stdout.splitlines() if "::test_conformance[" in line]
    assert len(tests) == 2 * len(all_cases("quick")) == len(set(tests))
    waits = tuple(f"-graph-{case.id}]" for case in all_cases("quick") if case.expects_error)
    waiting = [i for i, test in enumerate(tests) if test.endswith(waits)]
    assert len(waiting) == len(waits) > 1
    distances = [after - before for before, after in zip(waiting, waiting[1:])]
    assert len(set(distances)) == 1
    assert distances[0] > 10


def test_run_continues_after_a_crash(tmp_path, run_suite):
    cases = case_options("loss-f32-p1-none-wnone-m1-5x4", "loss-f32-p1-none-wnone-m1-9x33")
    child = run_suite(tmp_path, "--subject", f"{BROKEN}:Segfaults", "--report", "out.json", *cases)
    assert child.returncode == 1
    assert "loss-f32-p1-none-wnone-m1-5x4: crashed (clause" in child.stdout
    assert "  output:\n    Fatal Python error: Segmentation fault\n" in child.stdout
    assert "in misbehave\n" in child.stdout
    assert "worker.py" not in child.stdout
    assert read_report(tmp_path)["legs"][0]["verdicts"] == {"conforms": 1, "crashed": 1}


@pytest.mark.parametrize(("options", "reason"), [
    (["--device-target", "GPU", "--subject", "numpy"], "subject 'numpy' cannot run on GPU: it runs on CPU"),
    (["--subject", "nowhere:Kernel"], "subject 'nowhere:Kernel' cannot run on CPU: ModuleNotFoundError"),
    (["--subject", "nowhere"], "subject 'nowhere' cannot run on CPU: it is neither module:Class nor one of "),
    (["--subject", f"{BROKEN}:IsMissing"], "its library is missing; install it: make library"),
    (["--subject", "numpy", "--mode", "graph"], "there is no mode 'graph': it has no modes"),
    (["--subject", "numpy", "--report", "nowhere/out.json"], "there is no folder for --report nowhere/out.json"),
    (["--subject", "numpyy"], "; did you mean numpy?"),
    (["--subject", "my_kernl:MySubject"], "No module named 'my_kernl'; did you mean my_kernel?"),
    (["--subject", "my_kernel:MySubjct"], "has no class 'MySubjct'; did you mean MySubject"),
    (["--subject", "numpy", "--case", "defalts"], "there is no case 'defalts'; did you mean defaults"),
    (["--subject", "numpy", "--ledger", "nowhere.json"], "nowhere.json is not a ledger: FileNotFoundError"),
    (["--subject", "numpy", "--ledger", "wrong.json"], "entries[0] lacks or must not have cases, reason, signature, "),
])  # fmt: skip
def test_unavailable_request_fails_the_run(third_party, run_suite, options, reason):
    (third_party / "wrong.json").write_text('{"entries": [{"id": "wrong", "subject": "numpy", "case": "defaults"}]}')
    child = run_suite(third_party, *options)
    assert child.returncode != 0
    assert reason in child.stdout + child.stderr
    assert "passed" not in child.stdout


MODULE = """
import numpy as np
from conformance.subjects.base import Subject

class Mine(Subject):
    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        print("p is", p)
        raise RuntimeError("no kernel for p = %s" % p)
"""


def test_printed_command_repeats_the_failure(tmp_path, run_suite):
    """In a folder whose name needs quotes, with a ledger; the traceback and the output are printed once."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "mine.py").write_text(MODULE)
    (folder / "own ledger.json").write_text('{"entries": []}')
    suite = folder / "the suite" / "conformance"
    shutil.copytree(SUITE, suite, ignore=shutil.ignore_patterns("__pycache__", "selftest"))
    cases = case_options("golden-loss-f32-p1-mean-weighted-m2", "golden-loss-f32-p2-mean-weighted-m2")
    child = run_suite(folder, "--subject", "mine:Mine", "--ledger", "own ledger.json", *cases, suite=suite)
    assert child.stdout.count('      File "mine.py", line 8, in loss\n') == 1
    assert child.stdout.count("  output:\n    p is 1\n") == 1
    assert "    p is 2\n" not in child.stdout
    assert "  traceback as in golden-loss-f32-p1-mean-weighted-m2\n" in child.stdout
    first, second = (line.strip() for line in child.stdout.splitlines() if "--case" in line)
    assert (
        "-m pytest 'the suite/conformance' --device-target=CPU --subject=mine:Mine --case=golden-loss-f32-p1" in first
    )
    again = subprocess.run(second, shell=True, cwd=folder, capture_output=True, text=True, check=False)
    assert again.returncode == 1, again.stdout + again.stderr
    lines = child.stdout.splitlines()
    assert lines[lines.index(f"  {second}") - 1] in again.stdout.splitlines()
    assert "mine:Mine-CPU: 1 refuses (undocumented)\n" in again.stdout


def test_as_a_module_from_any_directory(third_party, run_suite, monkeypatch):
    """It also prints a command that begins with `python -m conformance`."""
    monkeypatch.setenv("PYTHONPATH", str(SUITE.parent))
    tests = third_party / "by-table" / "tests"
    tests.mkdir(parents=True)
    (tests / "conftest.py").write_text("raise AssertionError('the name of the subject is taken for a path')")
    (third_party / "pyproject.toml").write_text('[tool.conformance.subjects]\nby-table = "my_kernel:MySubject"')
    command = [sys.executable, "-m", "conformance", "-q", "--subject", "by-table", "--case", "raises-p-float"]
    child = subprocess.run(command, cwd=third_party, capture_output=True, text=True, check=False)
    assert child.returncode == 1, child.stdout + child.stderr
    (printed,) = (line.strip() for line in child.stdout.splitlines() if "--case" in line)
    assert " -m conformance --device-target=CPU --subject=by-table --case=raises-p-float" in printed
    again = subprocess.run(printed, shell=True, cwd=third_party, capture_output=True, text=True, check=False)
    assert "by-table-CPU: 1 diverges\n" in again.stdout, again.stdout + again.stderr
    assert not (third_party / ".pytest_cache").exists()


def test_without_xdist(tmp_path, run_suite):
    child = run_suite(tmp_path, "-p", "no:xdist", "--subject", "numpy", "--case", "defaults")
    assert child.returncode == 0, child.stdout + child.stderr


@pytest.mark.parametrize(("options", "name"), [((), "WorkStealing"), (("--dist", "loadfile"), "LoadFile")], ids=str)
def test_scheduling_with_xdist(tmp_path, run_suite, options, name):
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    child = run_suite(tmp_path, "-n", "2", *options, "-v", "-v", "--subject", "numpy", *case_options(*CASES))
    assert f"scheduling tests via {name}Scheduling" in child.stdout


def test_another_copy_of_the_suite_on_the_path(third_party, run_suite):
    """As where a package of another checkout is installed in editable mode: the suite that was named is run."""
    other = third_party / "other" / "conformance"
    shutil.copytree(SUITE, other, ignore=shutil.ignore_patterns("__pycache__", "selftest"))
    (other / "contract.py").write_text("raise AssertionError('the other copy is imported')")
    environment = {**os.environ, "PYTHONPATH": str(other.parent)}
    options = ("--subject", "my_kernel:MySubject", "--case", "defaults")
    child = run_suite(third_party, *options, environment=environment)
    assert child.returncode == 0, child.stdout + child.stderr


def test_options_of_a_surrounding_project_do_not_apply(third_party, run_suite):
    (third_party / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib --unknown-option\n")
    suite = third_party / "conformance"
    shutil.copytree(SUITE, suite, ignore=shutil.ignore_patterns("__pycache__", "selftest"))
    child = run_suite(third_party, "--subject", "numpy", "--case", "defaults", suite=suite)
    assert child.returncode == 0, child.stdout + child.stderr


def test_ledger_of_a_vendor(third_party, run_suite):
    entry = {"id": "float", "subject": "my_kernel:MySubject", "cases": ["raises-p-float"], "verdicts": ["diverges"]}
    content = {"entries": [{**entry, "signature": "accepted p", "reason": "to do"}]}
    (third_party / "own.json").write_text(json.dumps(content))
    options = ["--subject", "my_kernel:MySubject", "--ledger", "own.json", "--report", "out.json"]
    child = run_suite(third_party, *options, "--accept-known", "-n", "2", *case_options(*CASES))
    assert child.returncode == 0, child.stdout + child.stderr
    assert "my_kernel:MySubject-CPU: 3 conforms, 1 diverges (known)" in child.stdout
    assert read_report(third_party)["ledger"] == {"float": "to do"}


def test_run_without_a_tested_case_fails(third_party, run_suite):
    case = case_options("weight-gradient-f32-p1-mean-w+-m1-9x33")
    child = run_suite(third_party, "--subject", "my_kernel:MySubject", *case)
    assert child.returncode == 1
    assert "no case of my_kernel:MySubject-CPU could be tested: not available" in child.stdout


def test_run_leaves_no_files(third_party, run_suite):
    run_suite(third_party, "--subject", "numpy", *case_options(*CASES))
    assert {path.name for path in third_party.iterdir()} <= {"my_kernel.py", "__pycache__"}


def test_selftest_runs_only_if_named(tmp_path, run_suite):
    options = ["--subject", "numpy", "--collect-only", *case_options("defaults")]
    child = run_suite(tmp_path, *options)
    assert "test_conformance.py::" in child.stdout
    assert "selftest" not in child.stdout
    child = run_suite(tmp_path, *options, str(SUITE / "selftest"))
    assert "selftest/test_command.py::" in child.stdout


def test_several_reports_are_rendered_together(third_party, run_suite):
    """The page has a failing case, a mutant, and a clause without a case."""
    pytest.importorskip("jinja2", reason="jinja2, which renders the HTML page, is not installed")
    run_suite(third_party, "--subject", "my_kernel:MySubject", "--report", "out.json", *case_options(*CASES))
    first, second = third_party / "out.json", third_party / "second.json"
    content = json.loads(first.read_text())
    content["mutants"] = {"FirstRowOnly": ["loss-f32-p1-mean-wnone-m1-9x33"]}
    second.write_text(json.dumps(content))
    report.main([str(first), str(second), "--html", f"{third_party}/a.html", "--markdown", f"{third_party}/a.md"])
    page, table = (third_party / "a.html").read_text(), (third_party / "a.md").read_text()
    assert page.count('<section class="leg"') == 2
    assert "pytest conformance --device-target=CPU --subject=my_kernel:MySubject --case=raises-p-float" in page
    assert "http" not in page.replace(report.PAGE, "")
    assert '<a href="#leg1-raises-p-or-target-type">1 ✗</a>' in page
    assert '<td class="good first"><span class="passes">1 ✓</span></td>' in page
    assert "| FirstRowOnly | loss-f32-p1-mean-wnone-m1-9x33 |" in table
    assert "| formula | page | 1 ✓ | 1 ✓ |" in table
