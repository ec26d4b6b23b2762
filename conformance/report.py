"""Reports of runs, from one machine or many, as a page, as Markdown, and as the tables of the README.

usage: python -m conformance.report REPORT.json... [--html PAGE.html] [--markdown TABLE.md] [--readme README.md]
"""

import argparse
import collections
import json
import math
import pathlib
import re
import sys

import jinja2
from packaging.version import Version

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
    """Of the framework that a leg ran on, and of the project's own package."""
    spelled = {"mindspore": "MindSpore", "torch": "PyTorch"}
    names = [*spelled, *(["library version"] if leg["subject"] == "library" else [])]
    return ", ".join(f"{spelled.get(n, n)} {leg['environment'][n]}" for n in names if n in leg["environment"])


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
        for (verdict, alike), cases in sorted(found.items(), key=lambda item: (not _fails(item[0][0]), -len(item[1])))
    ]


def _fails(verdict):
    return Verdict(verdict).is_failure


def html(legs, mutants):
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    functions = {f.__name__: f for f in (title, version, cell, histogram, largest_fraction, groups, _fails)}
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


def support(legs):
    """For the README: every leg with its evidence."""
    rows = []
    for leg in legs:
        counts = ", ".join(f"{n} {verdict}" for verdict, n in sorted(leg["verdicts"].items()))
        largest = [histogram(leg)[part] for part in ("narrow", "wide")]
        ran = f"{leg['run']['tier']} tier{'' if leg['complete'] else ', not all of it'}"
        fails = None in largest or any(map(_fails, leg["verdicts"]))
        worst = "" if fails else " / ".join(f"{ulp:.3g}" for ulp in largest)
        file = pathlib.Path(leg["file"])
        evidence = f"[{file.name}]({'/'.join(file.parts[-3:])})"
        rows.append([title(leg), version(leg), f"Python {leg['machine']['python']}", counts, worst, ran, evidence])
    return table(
        [
            "subject, device target, mode",
            "versions",
            "on",
            "cases",
            "largest ulp: float16 and 32 / 64",
            "asked",
            "evidence",
        ],
        rows,
    )


def against(legs):
    """For the README: the clauses that the built-in breaks, and what ms_mml does, with the newest MindSpore of each."""
    newest = {}
    for leg in sorted(legs, key=lambda leg: Version(leg["environment"].get("mindspore", "0"))):
        newest[leg["subject"], leg["mode"]] = leg
    pairs = [(subject, mode) for subject in ("mindspore", "ms_mml") for mode in ("graph", "pynative")]
    chosen = [newest[pair] for pair in pairs if pair in newest]
    rows, seldom = [], []
    for clause in CLAUSES.values():
        cells = [cell(leg, clause.id) for leg in chosen]
        if all(c["colour"] != "bad" for c in cells):
            continue
        if max(_share_broken(leg, clause.id) for leg in chosen) < 0.25:
            seldom.append(f"`{clause.id}`")
        else:
            rows.append([f"`{clause.id}`: {clause.text}", *[c["text"].replace("known: ", "") for c in cells]])
    text = table(["what is asked", *[f"`{leg['subject']}`, {leg['mode']}" for leg in chosen]], rows)
    return text + (f"\nAnd, in less than a quarter of their cases: {', '.join(seldom)}.\n" if seldom else "")


def _share_broken(leg, clause):
    counts = leg["clauses"].get(clause, {})
    broken = sum(n for word, n in counts.items() if COLOURS.get(word) is None)
    return broken / max(1, broken + counts.get("conforms", 0))


def readme(text, legs, phrases):
    """A README with its generated tables made anew, in the language of these phrases."""
    for name, make in (("support", support), ("against", against)):
        begin, end = f"<!-- {name}: generated -->\n", f"<!-- {name}: end -->"
        before, rest = text.split(begin)
        made = make(legs)
        for english in sorted(phrases, key=len, reverse=True):
            made = made.replace(english, phrases[english])
        text = f"{before}{begin}\n{made}\n{end}{rest.split(end)[1]}"
    return text


def _phrases(file):
    """How a README says what tables say in English; README_CN.md has those of phrases_CN.json."""
    language = HERE / f"phrases_{file.stem.partition('_')[2]}.json"
    return json.loads(language.read_text()) if language.is_file() else {}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m conformance.report", description=__doc__.splitlines()[0])
    parser.add_argument("reports", nargs="+", metavar="REPORT.json")
    parser.add_argument("--html", metavar="PAGE.html")
    parser.add_argument("--markdown", metavar="TABLE.md")
    parser.add_argument("--readme", metavar="README.md", action="append", default=[], help="make its tables anew")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the README is not up to date")
    options = parser.parse_args(arguments)
    legs, mutants = merged(options.reports)
    if options.html:
        pathlib.Path(options.html).write_text(html(legs, mutants))
    if options.markdown:
        pathlib.Path(options.markdown).write_text(markdown(legs, mutants))
    for file in map(pathlib.Path, options.readme):
        text = readme(file.read_text(), legs, _phrases(file))
        if options.check and text != file.read_text():
            sys.exit(f"{file} is not up to date; run: ./ci/run readme")
        if not options.check:
            file.write_text(text)


if __name__ == "__main__":
    main()
