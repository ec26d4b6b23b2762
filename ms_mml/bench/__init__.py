"""`python -m ms_mml bench`: times the loss against the built-in operator, PyTorch and the memory bandwidth.

On CPU each contestant runs in its own process. The contestants take turns, round after round, so that other load on the
machine affects all of them; each reported time is the median over the rounds. Times are of whole calls from Python.
Nothing here passes or fails.
"""

import json
import pathlib

from ms_mml.bench import cpu, gpu
from ms_mml.bench.show import describe_noise, draw, table


def main(arguments):
    """Measure, or read the results of `--show`; print the tables and write the requested files."""
    if arguments.show:
        results = json.loads(pathlib.Path(arguments.show).read_text())
    else:
        results = {"CPU": cpu, "GPU": gpu}[arguments.device].measure(arguments.quick)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(results, indent=1) + "\n")
    print(table(results))
    if arguments.picture:
        draw(results, arguments.picture)
        print(f"\nThe picture is in {arguments.picture}.")
    print(f"\n{describe_noise(results)}")
