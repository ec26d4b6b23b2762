"""`python -m ms_mml bench`: times the loss against the built-in operator, PyTorch and the memory bandwidth.

On CPU each contestant runs in its own process. The contestants take turns, round after round, so that other load on the
machine affects all of them; each reported time is the median over the rounds. Times are of whole calls from Python.
Nothing here passes or fails.
"""

import importlib
import json
import pathlib
import sys

from ms_mml.bench import cpu, gpu
from ms_mml.bench.show import describe_noise, draw, table


def main(arguments):
    """Measure, or read the results of `--show`; print the tables and write the requested files."""
    if arguments.picture is not None:
        importlib.import_module("matplotlib")  # if it is missing, fail now
    if arguments.show is not None:
        results, text = _saved(arguments.show)
    else:
        results = {"CPU": cpu, "GPU": gpu}[arguments.device].measure(arguments.quick)
        text = table(results)
    print(text)
    if arguments.json is not None:
        pathlib.Path(arguments.json).write_text(json.dumps(results, indent=1) + "\n")
    if arguments.picture is not None:
        draw(results, arguments.picture)
        print(f"\nThe picture is in {arguments.picture}.")
    print(f"\n{describe_noise(results)}")


def _saved(path):
    """The results that `--json` has written to a file, and their tables."""
    try:
        results = json.loads(pathlib.Path(path).read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"python -m ms_mml bench: cannot read {path or 'a file without a name'}: {error}")
    try:
        describe_noise(results)
        return results, table(results)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        sys.exit(f"python -m ms_mml bench: {path} does not hold the times of `bench --json`: {error!r}")
