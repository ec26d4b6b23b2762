"""Render the results of all jobs as one page, with the suite's report page next to it.

The page begins with one line for each combination of target and MindSpore; its links lead to the jobs.

usage: python -m ci.scoreboard RESULTS FOLDER

It writes index.html to FOLDER, and report.html if RESULTS contains reports. A job without a result was not run. The
exit code is 1 if a job failed, and 77 if no job was run.
"""

import itertools
import json
import operator
import pathlib
import subprocess
import sys

import jinja2

from ci.matrix import CHECKOUT, NOT_RUN, jobs
from conformance.report import summary, title

RESULTS = {"pass": "✓", "fail": "✗", "not run": "○"}


def results(folder):
    """Each job with its result, and the legs of its report."""
    for job in jobs().values():
        file, report = (folder / f"{job['name']}.{kind}.json" for kind in ("result", "report"))
        result = json.loads(file.read_text()) if file.is_file() else {"result": "not run", "reason": "no result file"}
        legs = json.loads(report.read_text())["legs"] if report.is_file() else []
        yield {**job, **result, "legs": legs}


def _grouped(jobs, *keys):
    """The jobs in groups of adjacent jobs with the same values of the keys."""
    return [list(group) for _, group in itertools.groupby(jobs, operator.itemgetter(*keys))]


def main(source, folder):
    found = list(results(source))
    folder.mkdir(parents=True, exist_ok=True)
    reports = sorted(report.resolve() for report in source.glob("*.report.json"))
    if reports:
        page = (folder / "report.html").resolve()
        subprocess.run([sys.executable, "-m", "conformance.report", *reports, "--html", page], cwd=CHECKOUT, check=True)
    loader = jinja2.FileSystemLoader(CHECKOUT / "ci")
    template = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True).get_template("scoreboard.html.j2")
    counts = {result: sum(job["result"] == result for job in found) for result in RESULTS}
    page = template.render(
        hardware=_grouped(found, "hardware"), rows=lambda jobs: _grouped(jobs, "target", "mindspore"),
        counts=counts, marks=RESULTS, summary=summary, title=title, reports=bool(reports),
    )  # fmt: skip
    (folder / "index.html").write_text(page, encoding="utf-8")
    print(", ".join(f"{count} {result}" for result, count in counts.items()))
    return 1 if counts["fail"] else 0 if counts["pass"] else NOT_RUN


if __name__ == "__main__":
    sys.exit(main(*map(pathlib.Path, sys.argv[1:])))
