"""The ledger: known divergences of other implementations, as data in `ledger.json` and in the files of `--ledger`.

An entry selects cases of a subject in some versions: `cases` are patterns of case ids, `except` are patterns of ids it
leaves out. It states the expected `verdicts`, a `signature` (a regular expression that the outcome's detail must
contain) and the `reason`. A selected case with the expected outcome has the verdict 'diverges (known)'. Any other
outcome shows that the entry is outdated, which is a failure. An entry with "some" is for errors that appear in
different cases on different machines: its cases may conform, but not all of them.
"""

import fnmatch
import functools
import json
import pathlib
import re
from dataclasses import replace

from packaging.specifiers import SpecifierSet

from conformance.verdict import Outcome, Verdict

FILE = pathlib.Path(__file__).with_name("ledger.json")
REQUIRED = {"id", "subject", "cases", "verdicts", "signature", "reason"}
OPTIONAL = {"versions", "targets", "modes", "except", "some"}


@functools.cache
def entries():
    return read(FILE)


def read(file):
    """The entries of a file; raises ValueError, with the reason, if the file is not a ledger."""
    try:
        found = json.loads(pathlib.Path(file).read_text(encoding="utf-8"))["entries"]
        for i, entry in enumerate(found):
            keys = set(entry)
            if not REQUIRED <= keys <= REQUIRED | OPTIONAL:
                wrong = sorted(REQUIRED - keys) + sorted(keys - REQUIRED - OPTIONAL)
                raise ValueError(f"entries[{i}] lacks or must not have {', '.join(wrong)}")
            unknown = set(entry["verdicts"]) - {verdict.value for verdict in Verdict}
            if unknown:
                raise ValueError(f"entries[{i}] has unknown verdicts: {', '.join(sorted(unknown))}")
            re.compile(entry["signature"])
    except (OSError, ValueError, TypeError, LookupError, re.error) as error:
        raise ValueError(f"{file} is not a ledger: {type(error).__name__}: {error}") from error
    return found


def covers(entry, leg):
    """Whether an entry applies to a leg: to its subject, device target, mode and versions."""
    return (
        entry["subject"] == leg.subject
        and leg.target in entry.get("targets", [leg.target])
        and leg.mode in entry.get("modes", [leg.mode])
        and all(
            SpecifierSet(versions).contains(leg.environment.get(package, "0").split("+")[0], prereleases=True)
            for package, versions in entry.get("versions", {}).items()
        )
    )


def selects(entry, case_id):
    def match(patterns):
        return any(fnmatch.fnmatchcase(case_id, pattern) for pattern in patterns)

    return match(entry["cases"]) and not match(entry.get("except", []))


def apply(outcome, leg, case_id, ledger=None):
    """The outcome after the ledger: known, outdated, or unchanged."""
    known = entries() if ledger is None else ledger
    selected = [entry for entry in known if selects(entry, case_id) and covers(entry, leg)]
    strict = [entry for entry in selected if not entry.get("some")]
    seen = f"{outcome.verdict.value}: {outcome.detail}"
    for entry in strict or selected:
        if outcome.verdict.value in entry["verdicts"] and re.search(entry["signature"], outcome.detail):
            return replace(outcome, verdict=Verdict.KNOWN, detail=seen, ledger=entry["id"])
    for entry in strict:
        expected = f"{' or '.join(entry['verdicts'])}: {entry['signature']}"
        text = f"entry '{entry['id']}' expects '{expected}', but the case {seen.rstrip(': ')}"
        return Outcome(Verdict.OUTDATED, text, outcome.broken, ledger=entry["id"])
    return outcome


def unused(leg, outcomes, ledger=None):
    """The entries with "some" that no outcome of the leg matched. All of their cases must have been run."""
    used = {outcome["ledger"] for outcome in outcomes.values()}
    known = entries() if ledger is None else ledger
    return [entry for entry in known if entry.get("some") and entry["id"] not in used and covers(entry, leg)]
