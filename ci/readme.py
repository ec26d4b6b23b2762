"""Generate the tables of README.md and README_CN.md from the committed reports.

usage: python -m ci.readme REPORT.json... README.md... [--check]     with --check, only fail if a README is outdated
"""

import argparse
import json
import pathlib
import sys

from packaging.version import Version

from conformance.contract import CLAUSES
from conformance.leg import MODES
from conformance.report import COLOURS, cell, fails, histogram, merged, table, title, version

HERE = pathlib.Path(__file__).parent


def _version(leg):
    """The version of the framework that a leg ran on, or of the kernel library itself."""
    library = leg["environment"].get("library version") if leg["subject"] == "library" else None
    return f"library version {library}" if library else version(leg)


def support(legs):
    """The table of all legs, each with a link to its report."""
    rows = []
    for leg in legs:
        verdicts = ", ".join(f"{n} {verdict}" for verdict, n in sorted(leg["verdicts"].items()))
        errors = [histogram(leg)[part] for part in ("narrow", "wide")]
        failed = None in errors or any(map(fails, leg["verdicts"]))
        largest = "" if failed else " / ".join(f"{ulp:.3g}" for ulp in errors)
        tier = f"{leg['run']['tier']} tier{'' if leg['complete'] else ', incomplete'}"
        file = pathlib.Path(leg["file"])
        report = f"[{file.name}]({'/'.join(file.parts[-3:])})"
        rows.append([title(leg), _version(leg), leg["machine"]["python"], verdicts, largest, tier, report])
    errors = "largest error in ulp: float16 and float32 / float64"
    return table(["subject, device target, mode", "version", "Python", "verdicts", errors, "tier", "report"], rows)


def against(legs):
    """The table of the clauses that the built-in breaks, next to ms_mml, each with its newest MindSpore."""
    newest = {}
    for leg in sorted(legs, key=lambda leg: Version(leg["environment"].get("mindspore", "0"))):
        newest[leg["subject"], leg["mode"]] = leg
    pairs = [(subject, mode) for subject in ("mindspore", "ms_mml") for mode in MODES]
    chosen = [newest[pair] for pair in pairs if pair in newest]
    rows, rarely = [], []
    for clause in CLAUSES.values():
        cells = [cell(leg, clause.id) for leg in chosen]
        if all(c["colour"] != "bad" for c in cells):
            continue
        if max(_share_broken(leg, clause.id) for leg in chosen) < 0.25:
            rarely.append(f"`{clause.id}`")
        else:
            rows.append([f"`{clause.id}`: {clause.text}", *[c["text"].replace("known: ", "") for c in cells]])
    text = table(["clause", *[f"`{leg['subject']}`, {leg['mode']}" for leg in chosen]], rows)
    return text + (f"\nBroken in less than a quarter of their cases: {', '.join(rarely)}.\n" if rarely else "")


def _share_broken(leg, clause):
    """The share of a clause's judged cases that break it."""
    counts = leg["clauses"].get(clause, {})
    broken = sum(n for verdict, n in counts.items() if COLOURS.get(verdict) is None)
    return broken / max(1, broken + counts.get("conforms", 0))


def readme(text, legs, phrases):
    """The text of a README with up-to-date tables, in the language of `phrases`."""
    for name, make in (("support", support), ("against", against)):
        begin, end = f"<!-- {name}: generated -->\n", f"<!-- {name}: end -->"
        before, rest = text.split(begin)
        generated = make(legs)
        for english in sorted(phrases, key=len, reverse=True):
            generated = generated.replace(english, phrases[english])
        text = f"{before}{begin}\n{generated}\n{end}{rest.split(end)[1]}"
    return text


def _phrases(file):
    """English phrase -> translation. README_CN.md uses phrases_CN.json; README.md is not translated."""
    language = HERE / f"phrases_{file.stem.partition('_')[2]}.json"
    return json.loads(language.read_text()) if language.is_file() else {}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m ci.readme", description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="REPORT.json | README.md")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a README is outdated")
    options = parser.parse_args(arguments)
    legs, _ = merged([file for file in options.files if file.suffix == ".json"])
    for file in options.files:
        if file.suffix != ".md":
            continue
        text = readme(file.read_text(), legs, _phrases(file))
        if options.check and text != file.read_text():
            sys.exit(f"{file} is outdated; run: ./ci/run readme")
        if not options.check:
            file.write_text(text)


if __name__ == "__main__":
    main()
