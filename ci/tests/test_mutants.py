"""Mutants: which are made by machine, when one counts as killed, the committed results; those written by hand."""

import json
import types

import pytest

from ci.mutants import __main__ as mutation
from ci.mutants import generate, groups, report
from ci.mutants.build import NotBuiltError, SameObjectCodeError
from conformance.cases import all_cases
from custom_ops.tests import test_ascendc, test_fuzz, test_gpu
from custom_ops.tests.builds import CHECKOUT, copy_with_mutants

MUTANTS = {name: group.mutants() for name, group in groups.GROUPS.items()}
SOURCE = (CHECKOUT / groups.NUMPY).read_text().splitlines(keepends=True)


def numpy_mutant(line, changed):
    """A mutant of the NumPy subject; the line is the only one that contains `line`."""
    (number,) = (n for n, text in enumerate(SOURCE, 1) if line in text)
    return generate.Mutant(groups.NUMPY, number, SOURCE[number - 1], SOURCE[number - 1].replace(line, changed), 1)


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_change_one_line(name):
    mutants = MUTANTS[name]
    assert len(mutants) >= 29
    assert len({mutant.key for mutant in mutants}) == len(mutants)
    for mutant in mutants[:20]:
        before = (CHECKOUT / mutant.file).read_text()
        assert mutant.text().replace(mutant.changed, mutant.line, 1) == before
        assert mutant.text() != before


def test_all_groups_together_mutate_the_shared_headers_once():
    keys = [mutant.key for mutants in MUTANTS.values() for mutant in mutants]
    assert len(set(keys)) == len(keys)
    assert any(key.startswith("custom_ops/hinge.h") for key in keys)


def test_excluded_lines_are_not_mutated():
    text = (CHECKOUT / "custom_ops" / "cpu" / "threads.cc").read_text().splitlines(keepends=True)
    excluded = generate.not_mutated("custom_ops/cpu/threads.cc", text)
    assert any("bool start_helper() {" in text[number - 1] for number in excluded)
    assert not any("take_part() {" in text[number - 1] for number in excluded)
    assert {m.number for m in MUTANTS["cpu"] if m.file.endswith("threads.cc")}.isdisjoint(excluded)


def test_a_line_that_does_not_exist_cannot_be_excluded(monkeypatch):
    monkeypatch.setitem(generate.SETTINGS, "not_mutated", [{"file": groups.NUMPY, "from": "no such line"}])
    with pytest.raises(ValueError, match="no such line"):
        generate.not_mutated(groups.NUMPY, SOURCE)


@pytest.mark.parametrize("tests", [test_ascendc, test_fuzz, test_gpu], ids=lambda tests: tests.__name__)
def test_hand_written_mutants_fit_the_sources(tests, tmp_path):
    assert len(copy_with_mutants(tmp_path / "custom_ops", tests.SOURCES)) >= 5


@pytest.mark.parametrize(("line", "changed", "expected"), [
    ("return hinge > 0", "return hinge > (0", NotBuiltError),
    ("return hinge > 0", "return hinge > 0 break", NotBuiltError),
    ("return hinge > 0", "return (hinge > 0)", SameObjectCodeError),
])  # fmt: skip
def test_mutants_that_are_not_judged(line, changed, expected, tmp_path):
    with pytest.raises(expected):
        groups.make_python(numpy_mutant(line, changed), tmp_path / "mutant", ())


def quick(*ids):
    (stage, *_) = groups.GROUPS["numpy"].stages
    return [(stage, [case for case in all_cases("quick") if case.id in ids])]


def test_a_mutant_is_killed_by_the_first_case_that_fails():
    mutant = numpy_mutant("return -slope.sum(1)", "return slope.sum(1)")
    ids = ("example-of-the-page", "golden-gradient-f32-p1-none-unweighted-m1")
    outcome = mutation.judge("numpy", mutant, quick(*ids))
    assert (outcome["outcome"], outcome["tier"], outcome["case"]) == ("killed", "quick", ids[1])
    assert mutation.judge("numpy", mutant, quick(ids[0]))["outcome"] == "survived"
    assert mutation.judge("numpy", None, quick(*ids))["outcome"] == "survived"


def test_a_kill_is_void_if_the_original_fails_as_well(monkeypatch):
    record = {"group": "numpy", "outcome": "killed", "tier": "quick", "sanitized": False, "case": "defaults"}
    mutation.control([record])
    monkeypatch.setattr(mutation, "judge", lambda *_: {"outcome": "killed"})
    with pytest.raises(SystemExit, match="does not conform"):
        mutation.control([record])


def test_only_outcomes_for_the_present_sources_are_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(mutation, "PROGRESS", tmp_path / "progress.jsonl")
    now = {"group": "numpy", "key": "kept", "sources": groups.GROUPS["numpy"].fingerprint()}
    lines = [json.dumps(record) for record in (now, {**now, "key": "old", "sources": "other"})]
    mutation.PROGRESS.write_text("\n".join(lines))
    assert list(mutation.recorded()) == [("numpy", "kept")]


def test_a_survivor_continues_with_the_next_stage():
    mutant = numpy_mutant("return -slope.sum(1)", "return slope.sum(1)")
    nothing = types.SimpleNamespace(tier="quick", flags=(), cases=list)
    everything = groups.GROUPS["numpy"].stages[0]
    assert mutation.judge_from("numpy", mutant, [nothing], 0)["outcome"] == "survived"
    assert mutation.judge_from("numpy", mutant, [everything, nothing], 1)["outcome"] == "survived"
    assert mutation.judge_from("numpy", mutant, [nothing, everything], 1)["outcome"] == "killed"


def row(mutant, outcome, **facts):
    return {"group": "numpy", "line": 7, "mutant": mutant, "outcome": outcome, **facts}


def test_the_page():
    killed = [row(f"f.py: {i} ==> x", "killed", tier="quick", case="defaults") for i in range(18)]
    rows = [*killed, row("f.py: a ==> b", "survived"), row("f.py: c ==> d", "equivalent", reason="c is d")]
    rows.append(row("f.py: e ==> f", "killed", tier="full", case="a-case"))
    page = report.page({"commit": "abc", "cases": {"quick": 2, "full": 3}, "not_mutated": [], "mutants": rows})
    assert "| the NumPy subject | 21 | 0 | 0 | 1 | 18 | 1 | 1 | 90.0% | 95.0% |" in page
    assert report.unexplained({"mutants": rows}) == ["f.py: a ==> b"]
    assert "- f.py, line 7: c is d\n\n      c\n      d" in page
    assert "- f.py, line 7: not explained\n\n      a\n      b" in page
    assert "- f.py, line 7: `a-case`\n\n      e\n      f" in page


def test_settings_name_existing_mutants(monkeypatch):
    keys = [mutant.key for mutants in MUTANTS.values() for mutant in mutants]
    report.check_settings(keys, complete=True)
    monkeypatch.setitem(report.EXPLAINED, "f.py: a ==> b", "no such mutant")
    with pytest.raises(SystemExit, match="do not exist"):
        report.check_settings(keys, complete=True)


@pytest.mark.skipif(not (report.FOLDER / "mutants.json").exists(), reason="no complete run has been committed")
def test_the_committed_page_shows_the_committed_results():
    results = json.loads((report.FOLDER / "mutants.json").read_text())
    assert (report.FOLDER / "README.md").read_text() == report.page(results)
