"""The command line: runs of a third party's subject, their reports, and errors for what is unavailable."""

import json
import pathlib
import shutil

import pytest

from conformance import report
from conformance.cases import all_cases

SUITE = pathlib.Path(__file__).parents[1]
CASES = ["loss-f32-p1-mean-wnone-m1-9x33", "gradient-f64-p2-none-w+-m1-9x33", "raises-p-float", "defaults"]
BROKEN = "conformance.selftest.broken"
EXPECTS_ERROR = ("-beyond]", "-negative]", "-far]")


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
    line = "--device-target CPU --subject my_kernel:MySubject --case raises-p-float"
    assert f"diverges: accepted p = 1.0, expected TypeError  {line}\n" in child.stdout
    (leg,) = read_report(third_party)["legs"]
    assert (leg["subject"], leg["complete"]) == ("my_kernel:MySubject", False)
    assert leg["verdicts"] == {"conforms": 3, "diverges": 1}
    assert leg["others"]["raises-p-float"]["broken"] == ["raises-p-or-target-type"]
    assert leg["clauses"]["raises-p-or-target-type"] == {"diverges": 1}
    assert leg["clauses"]["formula"] == {"conforms": 1}


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
    waiting = [i for i, test in enumerate(tests) if "-graph-" in test and test.endswith(EXPECTS_ERROR)]
    assert len(waiting) == sum(case.expects_error for case in all_cases("quick"))
    distances = [after - before for before, after in zip(waiting, waiting[1:])]
    assert len(set(distances)) == 1
    assert distances[0] > 10


def test_run_continues_after_a_crash(tmp_path, run_suite):
    cases = case_options("loss-f32-p1-none-wnone-m1-5x4", "loss-f32-p1-none-wnone-m1-9x33")
    child = run_suite(tmp_path, "--subject", f"{BROKEN}:Segfaults", "--report", "out.json", *cases)
    assert child.returncode == 1
    assert "crashed: died of SIGSEGV  --device-target CPU --subject" in child.stdout
    assert read_report(tmp_path)["legs"][0]["verdicts"] == {"conforms": 1, "crashed": 1}


@pytest.mark.parametrize(("options", "reason"), [
    (["--device-target", "GPU", "--subject", "numpy"], "subject 'numpy' cannot run on GPU: it runs on CPU"),
    (["--subject", "nowhere:Kernel"], "subject 'nowhere:Kernel' cannot run on CPU: ModuleNotFoundError"),
    (["--subject", "nowhere"], "subject 'nowhere' cannot run on CPU: it is neither module:Class nor one of "),
    (["--subject", f"{BROKEN}:IsMissing"], "its library is missing; install it: make library"),
    (["--subject", "numpy", "--mode", "graph"], "there is no mode 'graph': it has no modes"),
    (["--subject", "numpy", "--report", "nowhere/out.json"], "there is no folder for --report nowhere/out.json"),
    (["--subject", "numpy", "--case", "loss"], "there is no case 'loss'"),
])  # fmt: skip
def test_unavailable_request_fails_the_run(tmp_path, run_suite, options, reason):
    child = run_suite(tmp_path, *options)
    assert child.returncode != 0
    assert reason in child.stdout + child.stderr
    assert "passed" not in child.stdout


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
    assert "pytest conformance --device-target CPU --subject my_kernel:MySubject --case raises-p-float" in page
    assert "http" not in page.replace(report.PAGE, "")
    assert '<a href="#leg1-raises-p-or-target-type">1 ✗</a>' in page
    assert '<td class="good first"><span class="passes">1 ✓</span></td>' in page
    assert "| FirstRowOnly | loss-f32-p1-mean-wnone-m1-9x33 |" in table
    assert "| formula | page | 1 ✓ | 1 ✓ |" in table
