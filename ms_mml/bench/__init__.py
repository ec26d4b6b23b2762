"""`python -m ms_mml bench`: what a call costs, beside the built-in operator, PyTorch, and reading the scores at all.

Each contestant has a process of its own. They take turns, round after round, so that what else the machine does meets
all of them; a figure is the median of the rounds. Times are of whole calls, from Python; nothing here passes or fails.
"""

import json
import pathlib

from ms_mml.bench import on_gpu
from ms_mml.bench.race import race
from ms_mml.bench.show import draw, table, verdict_on_noise


def main(arguments):
    """Time the contestants, or take up earlier times; print the tables, and write what was asked for."""
    earlier = arguments.show and json.loads(pathlib.Path(arguments.show).read_text())
    results = earlier or (race if arguments.device == "CPU" else on_gpu.race)(quick=arguments.quick)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(results, indent=1) + "\n")
    print(table(results))
    if arguments.picture:
        draw(results, arguments.picture)
        print(f"\nThe picture is in {arguments.picture}.")
    print(f"\n{verdict_on_noise(results)}")
