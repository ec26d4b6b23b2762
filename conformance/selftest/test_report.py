"""The parts of an outcome that a report keeps, and how reports are rendered."""

import html.parser
import json
import pathlib
import re
import types

import pytest

from conformance import recorder, report
from conformance.contract import CLAUSES, TOPICS
from conformance.leg import Leg

SCHEMA = json.loads(pathlib.Path(report.__file__).with_name("report.schema.json").read_text())
SUPPLEMENTS = {"traceback": "Traceback: <module>", "output": "printed by the kernel"}


@pytest.mark.parametrize(("verdict", "keeps"), [
    ("refuses (undocumented)", True),
    ("diverges (known)", False),
    ("refuses (documented)", False),
])  # fmt: skip
def test_new_failures_keep_their_traceback_and_output(verdict, keeps):
    outcome = {"verdict": verdict, "detail": "TypeError: no", "broken": [], "ulp": None, **SUPPLEMENTS}
    kept = SUPPLEMENTS if keeps else {}
    assert recorder._compact(outcome) == {"verdict": verdict, "detail": "TypeError: no", **kept}


def test_a_case_counts_once_for_a_clause(monkeypatch):
    case = types.SimpleNamespace(id="a", clauses_on=lambda leg: ("accuracy", "nan", "accuracy"))
    monkeypatch.setattr(recorder, "all_cases", lambda: [case])
    outcome = {"verdict": "conforms", "detail": "", "broken": [], "ulp": 0.5, "fraction": 0.5}
    clauses = recorder._leg_report(Leg("mine", "CPU", "", {}, {}, {}, False), {"a": outcome}, 1)["clauses"]
    assert {clause: counts for clause, counts in clauses.items() if counts} == {
        "nan": {"conforms": 1},
        "accuracy": {"conforms": 1},
    }


def leg(subject, clauses=None, conforms=None, others=None, mode=""):
    others = others or {}
    verdicts = [outcome["verdict"] for outcome in others.values()] + ["conforms"] * len(conforms or {})
    return {
        "subject": subject, "target": "CPU", "mode": mode, "guarded": False, "complete": True,
        "environment": {"numpy": "1.26.4"}, "verdicts": {verdict: verdicts.count(verdict) for verdict in verdicts},
        "clauses": clauses or {}, "conforms": conforms or {}, "others": others,
    }  # fmt: skip


def diverges(detail, *broken, **fields):
    return {"verdict": "diverges", "detail": detail, "broken": list(broken), **fields}


@pytest.fixture
def write(tmp_path):
    """A function that writes a report of some legs and returns its file."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

    def write(*legs, name="report", problems=(), **suite):
        suite = {"commit": "0", "tier": "full", "begun": "now", "seconds": 1.0, "cases": 4, **suite}
        machine = {"processor": "p", "system": "s", "python": "3.11"}
        content = {"suite": suite, "machine": machine, "legs": list(legs), "mutants": {}, "problems": list(problems)}
        jsonschema.validate(content, SCHEMA)
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        return tmp_path / f"{name}.json"

    return write


class Page(html.parser.HTMLParser):
    """The ids, the links of failing cells, and for each clause of a leg the commands in its block."""

    def __init__(self, text):
        super().__init__()
        self.blocks, self.links, self._stack, self._command = {}, [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "details":
            self._stack.append((attributes.get("id"), "open" in attributes))
            self.blocks.setdefault(attributes.get("id"), [])
        if tag == "a" and "-" in attributes["href"]:
            self.links.append(attributes["href"].lstrip("#"))
        self._command = tag == "code" and attributes.get("class") == "command"

    def handle_endtag(self, tag):
        if tag == "details":
            self._stack.pop()

    def handle_data(self, data):
        if self._command and data.strip():
            assert len(self._stack) == 1, "one click must show the command"
            self.blocks[self._stack[0][0]].append(data)


def render(*files):
    pytest.importorskip("jinja2", reason="jinja2, which renders the HTML page, is not installed")
    text = report.html(*report.merged(files))
    return text, Page(text)


def test_two_clicks_lead_from_a_red_cell_to_the_command(write):
    """The first goes to the clause's block, the second opens it; the block is inside no other closed block."""
    clauses = {"formula": {"diverges": 1, "conforms": 3}, "nan": {"crashed": 1}, "p": {"outdated ledger": 1}}
    others = {
        "loss-a": diverges("value is 1, expected 2", "formula"),
        "loss-b": {"verdict": "crashed", "detail": "died of SIGSEGV", "broken": ["nan"]},
        "loss-c": {"verdict": "outdated ledger", "detail": "entry 'x' expects 'y', but the case conforms"},
    }
    _, page = render(write(leg("mine", clauses, others=others, mode="graph")))
    assert page.links == ["leg1-formula", "leg1-none", "leg1-nan"]
    command = "pytest conformance --device-target=CPU --subject=mine --mode=graph --case=loss-"
    assert [page.blocks[link] for link in page.links] == [[command + "a"], [command + "c"], [command + "b"]]


def test_failures_with_a_common_cause_are_one_group(write):
    many = {f"loss-{n}": diverges(f"value[{n}] is {n}.5, expected nan, {n}e+09 ulp off", "nan") for n in range(5000)}
    other = {"loss-other": diverges("returned float64, expected float32", "nan")}
    file = write(leg("mine", {"nan": {"diverges": 5001}}, others={**other, **many}))
    ((first, second),) = report.failures(report.merged([file])[0][0]).values()
    assert (list(first["cases"]), list(second["cases"])) == (list(many), list(other))
    text, page = render(file)
    assert len(page.blocks["leg1-nan"]) == 2
    assert f"and {5000 - report.CASES_SHOWN:,} others" in text
    assert len(set(re.findall(r"loss-[0-9]+", text))) == report.CASES_SHOWN


def test_rare_causes_are_counted(write):
    failing = {f"loss-{c}{d}": diverges(f"is {c}{d}", "nan") for c in "abcde" for d in "abcde"}
    text, page = render(write(leg("mine", {"nan": {"diverges": 25}}, others=failing)))
    assert len(page.blocks["leg1-nan"]) == report.CAUSES_SHOWN
    assert f"{25 - report.CAUSES_SHOWN} rarer causes, listed in the JSON report" in text


def test_traceback_and_output_of_a_failure_are_shown_collapsed(write):
    text, _ = render(write(leg("mine", {"nan": {"diverges": 1}}, others={"a": diverges("no", "nan", **SUPPLEMENTS)})))
    assert "<summary>traceback</summary><pre>Traceback: &lt;module&gt;</pre>" in text
    assert "<summary>output</summary><pre>printed by the kernel</pre>" in text


@pytest.mark.parametrize(("counts", "text", "colour"), [
    ({"not available": 4, "conforms": 812}, "812 ✓ · 4 n/a", "good"),
    ({"diverges": 2, "known: crashed": 1, "conforms": 3}, "3 ✓ · 2 diverges · 1 known: crashed", "bad"),
    ({"known: diverges": 2, "refuses (documented)": 5}, "0 ✓ · 2 known: diverges · 5 documented", "known"),
    ({"not available": 4}, "0 ✓ · 4 n/a", "idle"),
    ({"not judged": 4}, "not run", "idle"),
])  # fmt: skip
def test_a_cell_shows_passes_first(counts, text, colour):
    found = report.cell({"clauses": {"nan": counts}}, "nan")
    assert (found["text"], found["colour"]) == (text, colour)


def test_default_subject_comes_first_and_emulated_devices_last(write, monkeypatch):
    monkeypatch.setattr(report, "default", lambda home: "mine")
    first = write(leg("gpu-emulated"), leg("torch"), leg("mine:Other"), name="a")
    second = write(leg("mine", mode="graph"), leg("mine", mode="pynative"), leg("pkg:GpuEmulated"), name="b")
    legs, _ = report.merged([first, second])
    families = {family: [leg["subject"] for leg in legs if leg["family"] == family] for family in report.FAMILIES}
    assert list(families.values()) == [["mine", "mine", "mine:Other"], ["torch"], ["gpu-emulated", "pkg:GpuEmulated"]]
    assert [report.title(leg) for leg in legs][:2] == ["mine CPU graph", "mine CPU pynative"]


def test_float64_errors_are_shown_against_their_bound():
    """A failing case counts in the histogram, but not in the largest error of a pass."""
    conforms = {"loss-f32-a": [0.5, 0.5], "loss-f64-a": [1.3e9, 0.43], "raises-a": [None, None]}
    failing = {"loss-f64-b": diverges("", ulp=2e9, fraction=8.0), "loss-f32-b": diverges("", ulp=3.0, fraction=3.0)}
    found = report.precision(leg("mine", conforms=conforms, others=failing))
    assert (found["narrow"], report.percent(found["wide"])) == (0.5, "43%")
    bars = [[(label, n) for label, _, n in bars if n] for bars in found["histograms"].values()]
    assert bars == [[("0.5", 1), ("4", 1)], [("50%", 1), ("more", 1)]]


def test_coverage_is_shown_if_the_report_has_it(write):
    text, _ = render(write(leg("mine"), coverage={"pairs": [1834, 1834], "triples": [9999, 10000]}))
    assert "Full tier: 4 cases, pairs covered 100% (1,834 of 1,834), triples covered 99.9% (9,999 of 10,000)." in text
    text, _ = render(write(leg("mine")))
    assert "Full tier: 4 cases.</p>" in text


def test_problems_of_a_run_are_shown_once(write):
    problems = ["an entry is outdated", "Traceback\n  in a case\nValueError: no"]
    text, _ = render(write(leg("mine"), leg("torch"), problems=problems))
    assert text.count("an entry is outdated") == 1
    assert text.count("<summary>ValueError: no</summary><pre>Traceback") == 1


def test_every_clause_has_one_topic():
    ids = [id for topic in TOPICS.values() for id in topic]
    assert sorted(ids) == sorted(CLAUSES)
    assert sorted(clause.id for _, _, clauses in report.topics() for clause in clauses) == sorted(CLAUSES)
