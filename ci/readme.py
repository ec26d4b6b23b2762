"""Generate the tables of README.md and README_CN.md from the committed reports.

usage: python -m ci.readme REPORT.json... README.md... [--check]

With --check, it writes nothing, and fails if a README is outdated or a report is not fit to be committed.
"""

import argparse
import json
import pathlib
import sys

from packaging.version import Version

from conformance.contract import CLAUSES
from conformance.leg import MODES
from conformance.report import BROKEN, cell, fails, merged, percent, precision, table, title, version
from conformance.verdict import Verdict

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
        errors = precision(leg)
        failed = None in (errors["narrow"], errors["wide"]) or any(map(fails, leg["verdicts"]))
        largest = "" if failed else f"{errors['narrow']:.3g} ulp / {percent(errors['wide'])}"
        tier = f"{leg['run']['tier']} tier{'' if leg['complete'] else ', incomplete'}"
        file = pathlib.Path(leg["file"])
        report = f"[{file.name}]({'/'.join(file.parts[-3:])})"
        rows.append([title(leg), _version(leg), leg["machine"]["python"], verdicts, largest, tier, report])
    largest = "largest error: float16 and float32 / float64, as a share of its bound"
    return table(["subject, device target, mode", "version", "Python", "verdicts", largest, "tier", "report"], rows)


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
        if all(c["colour"] not in ("bad", "known") for c in cells):
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
    broken = sum(counts.get(verdict, 0) for verdict in BROKEN)
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


def unfit(file):
    """Why a report must not be committed: problems of its run, or verdicts that show a fault of the suite."""
    report = json.loads(file.read_text())
    faults = [verdict.value for verdict in (Verdict.OUTDATED, Verdict.VACUOUS)]
    counts = [(title(leg), verdict, leg["verdicts"].get(verdict, 0)) for leg in report["legs"] for verdict in faults]
    return report["problems"] + [f"{leg}: {n} with the verdict '{verdict}'" for leg, verdict, n in counts if n]


def _phrases(file):
    """English phrase -> translation. README_CN.md uses phrases_CN.json; README.md is not translated."""
    language = HERE / f"phrases_{file.stem.partition('_')[2]}.json"
    return json.loads(language.read_text()) if language.is_file() else {}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m ci.readme", description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="REPORT.json | README.md")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a README or a report needs work")
    options = parser.parse_args(arguments)
    reports = [file for file in options.files if file.suffix == ".json"]
    faults = [f"{file} must not be committed: {reason}" for file in reports for reason in unfit(file)]
    legs, _ = merged(reports)
    for file in options.files:
        if file.suffix != ".md":
            continue
        text = readme(file.read_text(), legs, _phrases(file))
        if not options.check:
            file.write_text(text)
        elif text != file.read_text():
            faults.append(f"{file} is outdated; run: ./ci/run readme")
    if options.check and faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
