"""Renders JSON reports, of one run or several, as an HTML page and as Markdown tables.

usage: python -m conformance.report REPORT.json... [--html PAGE.html] [--markdown TABLE.md]
"""

import argparse
import collections
import functools
import json
import math
import pathlib
import re

from conformance import ledger
from conformance.contract import CLAUSES, PAGE
from conformance.leg import command_options
from conformance.verdict import Verdict

HERE = pathlib.Path(__file__).parent
# The upper limits of the histogram's bars, in ulp.
BARS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 16.0, 256.0, math.inf)
# Verdicts from the worst to the best. A cell names its verdicts in this order and has the colour of the first.
ORDER = [
    *("crashed", "hung", "known: crashed", "known: hung", "diverges", "known: diverges"),
    *("adapter error", "refuses (undocumented)", "known: refuses (undocumented)", "outdated ledger", "vacuous"),
    *("refuses (documented)", "not available", "conforms", "not judged"),
]
COLOURS = {"conforms": "good", "refuses (documented)": "none", "not available": "none", "not judged": "none"}


def merged(files):
    """The legs of all reports, each with its run and its problems, and the mutants killed in any of them."""
    legs, mutants = [], {}
    for file in files:
        report = json.loads(pathlib.Path(file).read_text())
        run = {**report["suite"], "problems": report["problems"]}
        legs += [{**leg, "run": run, "machine": report["machine"], "file": str(file)} for leg in report["legs"]]
        mutants.update(report["mutants"])
    return legs, mutants


def version(leg):
    """The version of the leg's framework."""
    names = {"mindspore": "MindSpore", "torch": "PyTorch"}
    return ", ".join(f"{names[n]} {leg['environment'][n]}" for n in names if n in leg["environment"])


def title(leg):
    return " ".join(part for part in (leg["subject"], leg["target"], leg["mode"]) if part)


def cell(leg, clause):
    """The table cell for a clause on a leg: the number of cases with each verdict, and a colour."""
    counts = {verdict: n for verdict, n in leg["clauses"].get(clause, {}).items() if n}
    verdicts = sorted((verdict for verdict in counts if verdict != "not judged"), key=ORDER.index)
    judged = sum(counts[verdict] for verdict in verdicts)
    if not verdicts:
        return {"text": "not run", "colour": "none"}
    if verdicts == ["conforms"]:
        return {"text": f"conforms {judged}", "colour": "good"}
    parts = [f"{verdict} {counts[verdict]}" for verdict in verdicts if verdict != "conforms"]
    text = ", ".join(parts) + (f" of {judged}" if "conforms" in verdicts else "")
    return {"text": text, "colour": COLOURS.get(verdicts[0], "bad") if CLAUSES[clause].judged else "none"}


def histogram(leg):
    """The number of cases by their largest error, and the maximum error; float64 is counted separately."""
    errors = {id: ulp for id, (ulp, _) in leg["conforms"].items() if ulp is not None}
    errors.update({id: outcome["ulp"] for id, outcome in leg["others"].items() if "ulp" in outcome})
    wide = {id for id in errors if "-f64-" in id}
    counts = collections.Counter((next(bar for bar in BARS if ulp <= bar), id in wide) for id, ulp in errors.items())
    labels = ["0", *[f"{bar:g}" for bar in BARS[1:-1]], "more"]
    bars = [(label, counts[bar, False], counts[bar, True]) for label, bar in zip(labels, BARS)]
    return {
        "bars": bars,
        "most": max(narrow + wide for _, narrow, wide in bars) or 1,
        "narrow": max((ulp for id, ulp in errors.items() if id not in wide), default=None),
        "wide": max((errors[id] for id in wide), default=None),
    }


def largest_fraction(leg):
    return max((fraction for _, fraction in leg["conforms"].values() if fraction is not None), default=None)


def groups(leg):
    """The cases that do not conform, grouped by ledger entry, or by their detail with its numbers removed."""
    command = functools.partial(command_options, leg["subject"], leg["target"], leg["mode"])
    found = collections.defaultdict(dict)
    for id, outcome in leg["others"].items():
        detail = outcome.get("detail", "")
        alike = outcome.get("ledger") or re.sub(r"-?\b(\d[\d.e+-]*|nan|inf)\b|\[[^]]*\]", "#", detail)
        found[outcome["verdict"], alike][id] = {**outcome, "detail": detail, "command": command(id)}
    reasons = {entry["id"]: entry["reason"] for entry in ledger.entries()}
    return [
        {"verdict": verdict, "alike": alike, "reason": reasons.get(alike, ""), "cases": cases}
        for (verdict, alike), cases in sorted(found.items(), key=lambda item: (not fails(item[0][0]), -len(item[1])))
    ]


def fails(verdict):
    return Verdict(verdict).is_failure


def html(legs, mutants):
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    functions = {f.__name__: f for f in (title, version, cell, histogram, largest_fraction, groups, fails)}
    return environment.get_template("report.html.j2").render(
        legs=legs, mutants=mutants, clauses=CLAUSES.values(), page=PAGE, **functions
    )


def table(header, rows):
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(c).replace('|', '/') for c in line)} |" for line in lines) + "\n"


def markdown(legs, mutants):
    """A table of clauses x legs, and one of the mutants."""
    header = ["clause", "source", *[" ".join([title(leg), version(leg)]).strip() for leg in legs]]
    rows = [[c.id, c.source, *[cell(leg, c.id)["text"] for leg in legs]] for c in CLAUSES.values()]
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
        pathlib.Path(options.html).write_text(html(legs, mutants))
    if options.markdown:
        pathlib.Path(options.markdown).write_text(markdown(legs, mutants))


if __name__ == "__main__":
    main()
