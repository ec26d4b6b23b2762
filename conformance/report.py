"""Renders JSON reports, of one run or several, as an HTML page and as Markdown tables.

usage: python -m conformance.report REPORT.json... [--html PAGE.html] [--markdown TABLE.md]
"""

import argparse
import collections
import itertools
import json
import math
import operator
import pathlib
import re

from packaging.version import Version

from conformance import ledger
from conformance.contract import CLAUSES, PAGE, TOPICS
from conformance.leg import command_options
from conformance.subjects import OWN, default
from conformance.verdict import Verdict

HERE = pathlib.Path(__file__).parent
FRAMEWORKS = {"mindspore": "MindSpore", "torch": "PyTorch"}
FAMILIES = ("Under test", "For comparison", "Emulated: never counted as the device")
# The verdicts that break a clause, new failures first. "known: crashed" is a crash that the ledger expects.
NEW = [verdict.value for verdict in Verdict if verdict.is_failure and verdict is not Verdict.KNOWN]
BROKEN = [*NEW, *(f"known: {verdict}" for verdict in NEW)]
UNTESTED = {"refuses (documented)": "documented", "not available": "n/a"}
NO_CLAUSE = "none"  # stands for the clauses of a failure that breaks none, such as an outdated entry of the ledger
# The label and upper limit of each bar: ulp in float16 and float32, the share of the bound in float64.
ULPS = {"0": 0, "0.25": 0.25, "0.5": 0.5, "0.75": 0.75, "1": 1, "4": 4, "256": 256, "more": math.inf}
SHARES = {"0": 0, "0.01%": 1e-4, "1%": 0.01, "10%": 0.1, "50%": 0.5, "100%": 1, "more": math.inf}
CASES_SHOWN, CAUSES_SHOWN = 4, 12  # for each cause, and for each clause; the JSON report has all of them


def merged(files):
    """The legs of all reports, each with its run and its problems, and the mutants killed in any of them.

    The legs of the default subject come first, and emulated devices last.
    """
    legs, mutants, main = [], {}, default(".")
    for file in files:
        report = json.loads(pathlib.Path(file).read_text())
        run = {**report["suite"], "problems": report["problems"]}
        shared = {"run": run, "machine": report["machine"], "file": str(file), "ledger": report.get("ledger", {})}
        legs += [{**leg, **shared, "family": _family(leg["subject"], main)} for leg in report["legs"]]
        mutants.update(report["mutants"])
    newest_first = sorted(legs, key=_versions, reverse=True)
    return sorted(newest_first, key=lambda leg: (FAMILIES.index(leg["family"]), leg["subject"] != main)), mutants


def _versions(leg):
    """The versions of the leg's framework and of Python, for sorting."""
    framework = next((leg["environment"][name] for name in FRAMEWORKS if name in leg["environment"]), "0")
    return Version(framework), Version(leg["machine"]["python"])


def _family(subject, main):
    """The heading under which a subject is shown. The names of emulated devices end in 'emulated'."""
    if subject.lower().endswith("emulated"):
        return FAMILIES[2]
    return FAMILIES[subject in OWN and subject != main]


def version(leg):
    """The version of the leg's framework."""
    return ", ".join(f"{text} {leg['environment'][n]}" for n, text in FRAMEWORKS.items() if n in leg["environment"])


def _platforms(legs):
    """For each leg the version of its framework, and if other legs share that, the version of Python and the file."""
    platforms = [[version(leg)] if version(leg) else [] for leg in legs]
    for distinction in (
        lambda leg: f"Python {leg['machine']['python']}",
        lambda leg: pathlib.Path(leg["file"]).stem.removesuffix(".report"),
    ):
        names = [(title(leg), *platform) for leg, platform in zip(legs, platforms)]
        for leg, name, platform in zip(legs, names, platforms):
            if names.count(name) > 1:
                platform.append(distinction(leg))
    return platforms


def by_mode(legs):
    """The legs in groups that differ in their mode only."""
    return [
        list(group) for _, group in itertools.groupby(legs, lambda leg: (leg["subject"], leg["target"], leg["file"]))
    ]


def title(leg):
    return " ".join(part for part in (leg["subject"], leg["target"], leg["mode"]) if part)


def cell(leg, clause):
    """The table cell for a clause on a leg: the number of cases with each verdict, passes first, and a colour."""
    counts = {verdict: n for verdict, n in leg["clauses"].get(clause, {}).items() if n and verdict != "not judged"}
    passed = counts.get("conforms", 0)
    others = [(verdict, counts[verdict]) for verdict in (*BROKEN, *UNTESTED) if verdict in counts]
    broken = {verdict: n for verdict, n in others if verdict in BROKEN}
    if not counts:
        return {"text": "not run", "colour": "idle", "passed": None, "broken": 0}
    if broken and CLAUSES[clause].judged:
        colour = "known" if all(verdict.startswith("known: ") for verdict in broken) else "bad"
    else:
        colour = "good" if passed else "idle"
    return {
        "text": " · ".join([f"{passed} ✓", *(f"{n} {UNTESTED.get(verdict, verdict)}" for verdict, n in others)]),
        "colour": colour,
        "passed": passed,
        "broken": sum(broken.values()),
        "untested": [(UNTESTED[verdict], n) for verdict, n in others if verdict in UNTESTED],
    }


def summary(leg):
    """The verdicts of a leg as parts of a bar, failures last: colour, number of cases, and verdict."""
    parts = [(_colour(verdict), n, verdict) for verdict, n in sorted(leg["verdicts"].items())]
    return sorted(parts, key=lambda part: ("good", "idle", "known", "bad").index(part[0]))


def _colour(verdict):
    if fails(verdict):
        return "known" if verdict == Verdict.KNOWN else "bad"
    return "good" if verdict == Verdict.CONFORMS else "idle"


def precision(leg):
    """The largest errors of the conforming cases, and the number of cases by error.

    An error is in ulp in float16 and float32, and a fraction of its bound in float64, whose bound depends on the case.
    """
    found = {id: errors for id, errors in leg["conforms"].items() if errors[0] is not None}
    found.update({id: (o["ulp"], o.get("fraction")) for id, o in leg["others"].items() if "ulp" in o})
    wide = {id: fraction for id, (_, fraction) in found.items() if "f64" in id.split("-") and fraction is not None}
    narrow = {id: ulp for id, (ulp, _) in found.items() if "f64" not in id.split("-")}
    return {
        "narrow": max((ulp for id, ulp in narrow.items() if id in leg["conforms"]), default=None),
        "wide": max((fraction for id, fraction in wide.items() if id in leg["conforms"]), default=None),
        "histograms": {
            "float16 and float32, in ulp": _histogram(narrow.values(), ULPS),
            "float64, as a share of the bound": _histogram(wide.values(), SHARES),
        },
    }


def _histogram(errors, bars):
    """The label, height in percent, and count of each bar; none without errors."""
    counts = collections.Counter(next(label for label, limit in bars.items() if error <= limit) for error in errors)
    return [(label, 100 * counts[label] / max(counts.values()), counts[label]) for label in bars] if counts else []


def percent(fraction):
    return f"{100 * fraction:.2g}%"


def tiers(legs):
    """The tiers that the legs ran: the number of cases, and the share of pairs and triples of factor values covered."""
    return list(dict.fromkeys(_tier(**leg["run"]) for leg in legs))


def _tier(tier, cases, coverage=None, **_):
    texts = []
    for name, (covered, allowed) in (coverage or {}).items():
        share = "100%" if covered == allowed else f"{math.floor(1000 * covered / allowed) / 10:g}%"
        texts.append(f"{name} covered {share} ({covered:,} of {allowed:,})")
    return ", ".join([f"{tier.capitalize()} tier: {cases:,} cases", *texts])


def failures(leg):
    """Clause -> the causes of its failures, the most frequent cause first.

    The cases of a cause have an entry of the ledger in common, or a detail that differs in its numbers only.
    """
    reasons = {**{entry["id"]: entry["reason"] for entry in ledger.entries()}, **leg["ledger"]}
    found = collections.defaultdict(lambda: collections.defaultdict(dict))
    for id, outcome in leg["others"].items():
        if fails(outcome["verdict"]):
            alike = outcome.get("ledger") or _without_numbers(outcome.get("detail", ""))
            for clause in outcome.get("broken") or [NO_CLAUSE]:
                found[clause][outcome["verdict"], alike][id] = outcome
    return {
        clause: [
            {
                "verdict": verdict,
                "entry": alike if alike in reasons else "",
                "reason": reasons.get(alike, ""),
                "cases": cases,
                "shown": _shown(leg, cases),
            }
            for (verdict, alike), cases in sorted(found[clause].items(), key=lambda item: _rank(*item))
        ]
        for clause in (*CLAUSES, NO_CLAUSE)
        if clause in found
    }


def _without_numbers(detail):
    """The part that the details of similar outcomes share."""
    return re.sub(r"-?\b(\d[\d.e+-]*|nan|inf)\b|\[[^]]*\]| \(\d+ of \d+ wrong\)", "#", detail)


def _rank(key, cases):
    """New failures come before known ones, and frequent causes before rare ones."""
    return key[0] == Verdict.KNOWN.value, -len(cases)


def _shown(leg, cases):
    """The first cases of a cause, with the command that repeats each."""
    first = list(cases)[:CASES_SHOWN]
    return [(id, cases[id], command_options(leg["subject"], leg["target"], leg["mode"], id)) for id in first]


def untested(leg):
    """The cases that are not available or refused as documented: verdict, number of cases, and an example's detail."""
    found = collections.defaultdict(list)
    for outcome in leg["others"].values():
        if not fails(outcome["verdict"]):
            detail = outcome.get("detail", "")
            found[outcome["verdict"], _without_numbers(detail)].append(detail)
    rows = [(verdict, len(details), details[0]) for (verdict, _), details in found.items()]
    return sorted(rows, key=lambda row: -row[1])


def fails(verdict):
    return Verdict(verdict).is_failure


def topics():
    """The clauses of the page, then those decided by the suite, grouped by topic: source, topic, clauses."""
    for source, topic in itertools.product(("page", "decided"), TOPICS):
        clauses = [CLAUSES[id] for id in TOPICS[topic] if CLAUSES[id].source == source]
        if clauses:
            yield source, topic, clauses


def html(legs, mutants):
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    functions = (title, by_mode, cell, summary, precision, percent, tiers, untested)
    legs = [
        {**leg, "key": f"leg{n}", "platform": platform, "failures": failures(leg)}
        for n, (leg, platform) in enumerate(zip(legs, _platforms(legs)), 1)
    ]
    families = [list(group) for _, group in itertools.groupby(legs, operator.itemgetter("family"))]
    return environment.get_template("report.html.j2").render(
        legs=legs, families=families, mutants=mutants, topics=list(topics()), clauses=CLAUSES, page=PAGE,
        causes_shown=CAUSES_SHOWN,
        **{f.__name__: f for f in functions},
    )  # fmt: skip


def table(header, rows):
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(c).replace('|', '/') for c in line)} |" for line in lines) + "\n"


def markdown(legs, mutants):
    """A table of clauses x legs, and one of the mutants."""
    header = ["clause", "source", *[" ".join([title(leg), version(leg)]).strip() for leg in legs]]
    rows = [[c.id, c.source, *[cell(leg, c.id)["text"] for leg in legs]] for _, _, cs in topics() for c in cs]
    text = table(header, rows)
    if mutants:
        text += "\n" + table(["mutant", "killed by"], [[name, ", ".join(cases)] for name, cases in mutants.items()])
    return text


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m conformance.report", description=__doc__.splitlines()[0])
    parser.add_argument("reports", nargs="+", metavar="REPORT.json")
    parser.add_argument("--html", metavar="PAGE.html")
    parser.add_argument("--markdown", metavar="TABLE.md")
    options = parser.parse_args(arguments)
    legs, mutants = merged(options.reports)
    if options.html:
        pathlib.Path(options.html).write_text(html(legs, mutants), encoding="utf-8")
    if options.markdown:
        pathlib.Path(options.markdown).write_text(markdown(legs, mutants), encoding="utf-8")


if __name__ == "__main__":
    main()
