"""Generates the committed rows of the covering arrays with PICT.

usage: python -m conformance.cases.generate PATH/TO/pict
"""

import itertools
import pathlib
import subprocess
import sys
import tempfile

from conformance.cases import MODELS
from conformance.cases.covering import DIGITS


def generate(model, pict):
    """Write the rows of a model: those that cover the pairs, then those that the triples need in addition."""
    names = list(model.factors)
    pairs = _run(model, 2, pict, [])
    triples = [row for row in _run(model, 3, pict, pairs) if row not in pairs]
    lines = [
        f"{strength} {''.join(DIGITS[model.factors[name].index(row[name])] for name in names)}\n"
        for strength, rows in ((2, pairs), (3, triples))
        for row in rows
    ]
    model.file.parent.mkdir(exist_ok=True)
    model.file.write_text("".join(lines))
    return len(pairs), len(triples)


def _run(model, strength, pict, seeds):
    """The rows of a covering array that begins with the rows `seeds`. PICT sees numbers only: `c0: 0, 1, 2`."""
    columns = model.columns(strength)
    lines = [f"c{c}: {', '.join(map(str, range(len(levels))))}" for c, levels in enumerate(columns)]
    lines += [line for constraint in model.constraints for line in _forbidden(model, constraint, columns)]
    header = "\t".join(f"c{c}" for c in range(len(columns)))
    seeded = ["\t".join(str(_level(levels, row)) for levels in columns) for row in seeds]
    with tempfile.TemporaryDirectory() as folder:
        text, seeding = pathlib.Path(folder, "model.txt"), pathlib.Path(folder, "seeds.txt")
        text.write_text("\n".join(lines) + "\n")
        seeding.write_text("\n".join([header, *seeded]) + "\n")
        command = [pict, text, f"/o:{strength}", *([f"/e:{seeding}"] if seeds else [])]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    order = [int(name[1:]) for name in output[0].split("\t")]
    rows = []
    for line in output[1:]:
        row = {}
        for c, level in zip(order, line.split("\t")):
            row.update(columns[c][int(level)])
        rows.append(row)
    return rows


def _level(levels, row):
    return next(i for i, level in enumerate(levels) if all(row[name] == value for name, value in level.items()))


def _forbidden(model, constraint, columns):
    """A constraint as PICT's rules, which forbid levels of the last column for each choice of the others."""
    used = [c for c, levels in enumerate(columns) if any(name in levels[0] for name in constraint.factors)]
    if len(used) < 2:
        return  # the levels of the column satisfy it
    *others, last = used
    for chosen in itertools.product(*(range(len(columns[c])) for c in others)):
        values = {name: value for c, i in zip(others, chosen) for name, value in columns[c][i].items()}
        forbidden = [
            str(i)
            for i, level in enumerate(columns[last])
            if not constraint.allows(*({**values, **level}[name] for name in constraint.factors))
        ]
        if forbidden:
            condition = " AND ".join(f"[c{c}] = {i}" for c, i in zip(others, chosen))
            yield f"IF {condition} THEN NOT [c{last}] IN {{{', '.join(forbidden)}}};"


if __name__ == "__main__":
    for model in MODELS:
        print(model.name, *generate(model, sys.argv[1]))
