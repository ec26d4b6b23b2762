"""The results of all jobs as one page, beside the page of what their reports say.

usage: python ci/scoreboard.py RESULTS FOLDER

It writes index.html and, where there are reports, report.html into FOLDER. A job that left no result was not run. The
exit code is 1 where a job failed, and 77 where none was run.
"""

import json
import pathlib
import subprocess
import sys

import jinja2

from ci.matrix import CHECKOUT, NOT_RUN, jobs


def results(folder):
    """Each job with what came of it, and how many cases its legs have of each verdict."""
    for job in jobs().values():
        file, report = (folder / f"{job['name']}.{kind}.json" for kind in ("result", "report"))
        came = json.loads(file.read_text()) if file.is_file() else {"result": "not run", "reason": "it left no result"}
        legs = json.loads(report.read_text())["legs"] if report.is_file() else []
        yield {**job, **came, "legs": legs}


def main(source, folder):
    found = list(results(source))
    folder.mkdir(parents=True, exist_ok=True)
    reports = sorted(report.resolve() for report in source.glob("*.report.json"))
    if reports:
        page = (folder / "report.html").resolve()
        subprocess.run([sys.executable, "-m", "conformance.report", *reports, "--html", page], cwd=CHECKOUT, check=True)
    loader = jinja2.FileSystemLoader(CHECKOUT / "ci")
    template = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True).get_template("scoreboard.html.j2")
    counts = {result: sum(job["result"] == result for job in found) for result in ("pass", "fail", "not run")}
    (folder / "index.html").write_text(template.render(jobs=found, counts=counts, reports=bool(reports)))
    print(", ".join(f"{count} {result}" for result, count in counts.items()))
    return 1 if counts["fail"] else 0 if counts["pass"] else NOT_RUN


if __name__ == "__main__":
    sys.exit(main(*map(pathlib.Path, sys.argv[1:])))
