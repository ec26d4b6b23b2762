"""The mutants of a source file. universalmutator makes them: each changes one line by one of its rules.

It is the only mutation tool for both Python and C++ that needs nothing but a source file: mutmut and cosmic-ray know
Python only, and mull needs a build by a Clang of its own version.
"""

import contextlib
import hashlib
import io
import json
import os
import pathlib
import re
from collections import Counter
from typing import NamedTuple

from universalmutator.mutator import mutants_regexp

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
SETTINGS = json.loads(pathlib.Path(__file__).with_name("settings.json").read_text())
RULES = {".py": ["universal.rules", "python.rules"]}
CPP_RULES = ["universal.rules", "c_like.rules", "cpp.rules"]
# Declarations and brackets on lines of their own: nearly no change of them compiles.
IGNORED = [
    r'^\s*(#|//|""")',
    r"^\s*(import|from|template|using|typedef|namespace|static_assert|class|struct)\b",
    r"^\W*$",
]
# The rules see only text. Changes that hardly ever compile are left out: of what looks like an operator but has no
# spaces around it (a template's bracket, a pointer's star), of digits in a name, and of the head of a block. So are
# `break` and `continue` after a line: they compile in loops only, and are easily killed there.
ONLY = {  # the beginnings of rules -> a pattern: everything else in the line must stay as it is
    (
        r"\+ ==>",
        r"\* ==>",
        r"% ==>",
        "< ==>",
        "([^-])>",
        r"([^\*/])/",
        "([^&])&",
        r"([^|])\|",
    ): r" ([<>=!]=|[-<>+*/%&|]) ",
    ("-([^>]) ==> +", "-([^>]) ==> *", "-([^>]) ==> /", "-([^>]) ==> %"): r" [-+*/%] ",
    (r"(\D)(\d+)(\D)",): r"(?<![\w.])(\d+|-1|\(\d+[+-]1\))(?![\w.])",
    (r"(^\s*)(\S+.*)\n ==> \1\2\n",): "(?!)",
    (r"(^\s*)(\S+[^{}]+.*)\n",): r"\A[^{}]*\Z",
}


class Mutant(NamedTuple):
    file: str  # relative to the checkout
    number: int  # of the line
    line: str
    changed: str
    occurrence: int  # among the equal lines of the file

    @property
    def key(self):
        """An identifier that stays valid while the mutant's line is unchanged, wherever that line moves."""
        which = f" ({self.occurrence})" if self.occurrence > 1 else ""
        return f"{self.file}{which}: {one_line(self.line)} ==> {one_line(self.changed)}"

    def text(self):
        """The file with the mutant in it."""
        lines = (CHECKOUT / self.file).read_text().splitlines(keepends=True)
        assert lines[self.number - 1] == self.line
        return "".join([*lines[: self.number - 1], self.changed, *lines[self.number :]])


def one_line(text):
    return " ".join(text.split())


def mutants(files, per_line):
    """The mutants of some files, at most `per_line` of each line.

    Their order, that of a hash of their keys, is random, but stays the same when other lines change.
    """
    found, taken = [], Counter()
    for mutant in sorted((m for file in files for m in _mutants(file)), key=_rank):
        taken[mutant.file, mutant.number] += 1
        if taken[mutant.file, mutant.number] <= per_line:
            found.append(mutant)
    return found


def _rank(mutant):
    return hashlib.sha256(mutant.key.encode()).hexdigest()


def _mutants(file):
    lines = (CHECKOUT / file).read_text().splitlines(keepends=True)
    skipped, occurrences = not_mutated(file, lines), Counter()
    occurrence = [occurrences.update([line]) or occurrences[line] for line in lines]
    rules = RULES.get(pathlib.Path(file).suffix, CPP_RULES)
    with contextlib.redirect_stdout(io.StringIO()):
        changes = mutants_regexp(lines, rules, ignorePatterns=IGNORED, ignoreStringOnly=True)
    found = {}
    for number, changed, (rule, _), _ in changes:
        line = lines[number - 1]
        if number not in skipped and _is_sensible(rule, line, changed):
            mutant = Mutant(file, number, line, changed, occurrence[number - 1])
            found.setdefault(mutant.key, mutant)
    return found.values()


def _is_sensible(rule, line, changed):
    patterns = [pattern for rules, pattern in ONLY.items() if rule.startswith(rules)]
    return all(re.sub(pattern, "", line) == re.sub(pattern, "", changed) for pattern in patterns)


def not_mutated(file, lines):
    """The numbers of the lines that the settings exclude, each with a reason."""
    numbers = set()
    for region in SETTINGS["not_mutated"]:
        if region["file"] == file:
            first = _find(lines, region["from"], 0) if "from" in region else 0
            last = (
                _find(lines, region["to"], first) if "to" in region else first if "from" in region else len(lines) - 1
            )
            numbers.update(range(first + 1, last + 2))
    return numbers


def _find(lines, text, start):
    for index in range(start, len(lines)):
        if text in lines[index]:
            return index
    raise ValueError(f"settings.json: no line contains {text!r}")


def fingerprint(patterns):
    """A hash of all files that match the patterns, on which the result of a mutant depends."""
    files = sorted(path for pattern in patterns for path in CHECKOUT.glob(pattern) if path.is_file())
    total = hashlib.sha256()
    for path in files:
        total.update(f"{os.path.relpath(path, CHECKOUT)}\n".encode() + path.read_bytes())
    return total.hexdigest()[:16]
