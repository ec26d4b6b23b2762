"""Reports of runs, from one machine or many, as a page and as Markdown.

usage: python -m conformance.report REPORT.json... [--html PAGE.html] [--markdown TABLE.md]
"""

import argparse
import collections
import json
import math
import pathlib
import re

import jinja2

from conformance import ledger
from conformance.contract import CLAUSES, PAGE
from conformance.record import reproduction
from conformance.verdict import Verdict

HERE = pathlib.Path(__file__).parent
# The upper ends of the histogram's bars, in ulp.
BARS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 16.0, 256.0, math.inf)
# From the worst to the best: what a cell with several is coloured by, and in what order it names them.
ORDER = [
    *("crashed", "hung", "known: crashed", "known: hung", "diverges", "known: diverges"),
    *("refuses (undocumented)", "known: refuses (undocumented)", "outdated ledger", "vacuous"),
    *("refuses (documented)", "not available", "conforms", "not judged"),
]
COLOURS = {"conforms": "good", "refuses (documented)": "none", "not available": "none", "not judged": "none"}


def merged(files):
    """The legs of all reports, each with its run and its problems; and the mutants that died in any."""
    legs, mutants = [], {}
    for file in files:
        report = json.loads(pathlib.Path(file).read_text())
        run = {**report["suite"], "problems": report["problems"]}
        legs += [{**leg, "run": run, "machine": report["machine"], "file": str(file)} for leg in report["legs"]]
        mutants.update(report["mutants"])
    return legs, mutants


def version(leg):
    """The version of the framework that a leg ran on."""
    spelled = {"mindspore": "MindSpore", "torch": "PyTorch"}
    return ", ".join(f"{spelled[n]} {leg['environment'][n]}" for n in spelled if n in leg["environment"])


def title(leg):
    return " ".join(part for part in (leg["subject"], leg["target"], leg["mode"]) if part)


def cell(leg, clause):
    """What a leg's cases say of a clause: words, and a colour that is never alone."""
    counts = {word: n for word, n in leg["clauses"].get(clause, {}).items() if n}
    words = sorted((word for word in counts if word != "not judged"), key=ORDER.index)
    judged = sum(counts[word] for word in words)
    if not words:
        return {"text": "not run", "colour": "none"}
    if words == ["conforms"]:
        return {"text": f"conforms {judged}", "colour": "good"}
    parts = [f"{word} {counts[word]}" for word in words if word != "conforms"]
    text = ", ".join(parts) + (f" of {judged}" if "conforms" in words else "")
    return {"text": text, "colour": COLOURS.get(words[0], "bad") if CLAUSES[clause].judged else "none"}


def histogram(leg):
    """How many cases have their largest error in each bar, those of float64 apart; and the largest of either."""
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
    """Cases that do not conform, together where they fail alike: by the ledger, or in words without the numbers."""
    found = collections.defaultdict(dict)
    for id, outcome in leg["others"].items():
        detail = outcome.get("detail", "")
        alike = outcome.get("ledger") or re.sub(r"-?\b(\d[\d.e+-]*|nan|inf)\b|\[[^]]*\]", "#", detail)
        found[outcome["verdict"], alike][id] = {**outcome, "detail": detail, "command": reproduction(leg, id)}
    reasons = {entry["id"]: entry["reason"] for entry in ledger.entries()}
    return [
        {"verdict": verdict, "alike": alike, "reason": reasons.get(alike, ""), "cases": cases}
        for (verdict, alike), cases in sorted(found.items(), key=lambda item: (not fails(item[0][0]), -len(item[1])))
    ]


def fails(verdict):
    return Verdict(verdict).is_failure


def html(legs, mutants):
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
    """Clauses x legs in words, and what each leg ran on."""
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
