"""Known divergences of other people's implementations, as data: `ledger.json`.

An entry says of which subject, versions and cases it speaks (`cases` are patterns of ids, `except` of those left
out), what is seen there (one of some `verdicts`, and a `signature`, a regular expression found in the detail) and why.
Where a case goes as an entry says, its verdict is 'diverges (known)'. Where it does not, the entry is out of date, and
that is a failure: something changed. An entry with "some" speaks of errors that only some of its cases show, on one
machine these and on another those: then cases may conform, but not all.
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
REQUIRED = {"id", "subject", "versions", "cases", "verdicts", "signature", "reason"}
OPTIONAL = {"targets", "modes", "except", "some"}


@functools.cache
def entries():
    return json.loads(FILE.read_text())["entries"]


def speaks_of(entry, leg):
    """Whether an entry is about this leg: its subject, target, mode and versions."""
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


def judge(outcome, leg, case_id, known=None):
    """The outcome in the light of the ledger: as foreseen, out of date, or as it is."""
    about = [
        entry for entry in (entries() if known is None else known) if selects(entry, case_id) and speaks_of(entry, leg)
    ]
    strict = [entry for entry in about if not entry.get("some")]
    seen = f"{outcome.verdict.value}: {outcome.detail}"
    for entry in strict or about:
        if outcome.verdict.value in entry["verdicts"] and re.search(entry["signature"], outcome.detail):
            return replace(outcome, verdict=Verdict.KNOWN, detail=seen, ledger=entry["id"])
    for entry in strict:
        foreseen = f"{' or '.join(entry['verdicts'])}: {entry['signature']}"
        text = f"entry '{entry['id']}' foresees '{foreseen}', but the case {seen.rstrip(': ')}"
        return Outcome(Verdict.OUTDATED, text, outcome.broken, ledger=entry["id"])
    return outcome


def unseen(leg, outcomes, known=None):
    """Entries with "some" of which a leg shows nothing, where all of its cases were run."""
    seen = {outcome["ledger"] for outcome in outcomes.values()}
    about = [entry for entry in (entries() if known is None else known) if entry.get("some") and speaks_of(entry, leg)]
    return [entry for entry in about if entry["id"] not in seen]
