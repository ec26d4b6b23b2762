"""Covering arrays: few rows in which every pair, or every triple, of factor values occurs that the constraints allow.

A model describes one kind of call: its factors, and the constraints that exclude meaningless combinations. PICT
(https://github.com/microsoft/pict) generates the rows. They are committed in `arrays/`, so that a case keeps its id and
running the suite needs no generator. To generate them after a change of a model:

    python -m conformance.cases.generate PATH/TO/pict
"""

import itertools
import pathlib
from typing import Callable, NamedTuple

FOLDER = pathlib.Path(__file__).with_name("arrays")
TIER_OF_STRENGTH = {2: "quick", 3: "full"}  # strength -> the tier whose cases have that coverage
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Constraint(NamedTuple):
    """`allows` receives the values of the named factors."""

    factors: tuple
    allows: Callable


def never(**choices):
    """The constraint that the named factors do not all have one of the values given for them."""
    values = [set(choice) if isinstance(choice, (tuple, list)) else {choice} for choice in choices.values()]
    return Constraint(tuple(choices), lambda *chosen: not all(c in v for c, v in zip(chosen, values)))


class Coverage(NamedTuple):
    covered: int
    allowed: int


class Model(NamedTuple):
    """The factors with their values, and the constraints.

    In pairs, the factors in `joined` count as one, so that a pair has a value of each of them and one other value.
    """

    name: str
    factors: dict
    constraints: tuple = ()
    joined: tuple = ()

    @property
    def file(self):
        return FOLDER / f"{self.name}.txt"

    def rows(self):
        """The committed rows: the strength (2 or 3) that needs the row, and the value of each factor.

        A line of the file has the strength, and a digit for each factor: the position of its value.
        """
        for line in self.file.read_text().splitlines():
            strength, digits = line.split()
            pairs = zip(self.factors.items(), digits)
            yield int(strength), {name: values[DIGITS.index(digit)] for (name, values), digit in pairs}

    def columns(self, strength):
        """The columns of a covering array: for each, its levels, each of which sets one factor or several."""
        joined = self.joined if strength == 2 else ()
        groups = [(name,) for name in self.factors if name not in joined] + ([joined] if joined else [])
        columns = []
        for group in groups:
            levels = (dict(zip(group, values)) for values in itertools.product(*(self.factors[n] for n in group)))
            columns.append([level for level in levels if self.allows(level)])
        return columns

    def allows(self, chosen):
        """Whether the chosen values satisfy every constraint between them."""
        return all(
            constraint.allows(*(chosen[name] for name in constraint.factors))
            for constraint in self.constraints
            if all(name in chosen for name in constraint.factors)
        )

    def is_possible(self, chosen):
        """Whether some choice of the other factors completes the chosen values without breaking a constraint."""
        if not self.allows(chosen):
            return False
        touched = (c.factors for c in self.constraints if any(name in chosen for name in c.factors))
        name = next((name for factors in touched for name in factors if name not in chosen), None)
        return name is None or any(self.is_possible({**chosen, name: value}) for value in self.factors[name])

    def coverage(self, strength):
        """How many combinations of `strength` levels the rows cover, of how many that the constraints allow."""
        rows = [row for least, row in self.rows() if least <= strength]
        covered = allowed = 0
        for columns in itertools.combinations(self.columns(strength), strength):
            names = [name for levels in columns for name in levels[0]]
            found = {tuple(row[name] for name in names) for row in rows}
            covered += len(found)
            for levels in itertools.product(*columns):
                chosen = {name: value for level in levels for name, value in level.items()}
                allowed += tuple(chosen.values()) in found or self.is_possible(chosen)
        return Coverage(covered, allowed)
