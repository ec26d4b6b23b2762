"""The jobs of ci/matrix.json: one for each word of a hardware target, MindSpore version and Python.

usage: python ci/matrix.py            list them
       python ci/matrix.py JOB        run one here, and note in ci-results/ what came of it

A job passes, fails, or is not run: where what it needs is not there, and where it ran nothing. Not run is exit code 77.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
NOT_RUN = 77
RESULTS = {0: "pass", NOT_RUN: "not run"}  # all else is a failure
UNPROVED = "it says that it passed, and has no report of these versions in which something conforms"
WITHOUT_REPORT = {"lint", "source", "fuzz"}  # all other words leave a report.json


def jobs(file=CHECKOUT / "ci" / "matrix.json"):
    """All jobs, by name."""
    found = {}
    for target, row in json.loads(pathlib.Path(file).read_text()).items():
        for mindspore, pythons in row["mindspore"].items():
            for python in pythons:
                for word in row["words"]:
                    name = f"{word if target == 'source' else target}-mindspore{mindspore}-python{python}"
                    job = {"name": name, "target": target, "word": word, "mindspore": mindspore, "python": python}
                    found[name] = {**row, **job, "image": row["image"].format(python=python)}
    return found


def run(job, folder=CHECKOUT / "ci-results"):
    """Run a job; leave its result and its report in a folder; return its exit code."""
    folder.mkdir(exist_ok=True)
    report, kept = CHECKOUT / "report.json", folder / f"{job['name']}.report.json"
    for old in (report, *folder.glob(f"{job['name']}.*.json")):
        old.unlink(missing_ok=True)
    environment = {"PYTHON": f"python{job['python']}", "MINDSPORE": job["mindspore"], **job["environment"]}
    command = [CHECKOUT / "ci" / "run", job["word"]]
    child = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True)
    reason = ""
    for line in child.stderr:
        sys.stderr.write(line)
        said = re.search("NOT RUN: (.*)", line)
        reason = said.group(1) if said else reason
    code = child.wait()
    if report.is_file():
        report.replace(kept)
    if code == 0 and job["word"] not in WITHOUT_REPORT and not _proves(kept, job):
        code, reason = NOT_RUN, UNPROVED
    result = {"job": job["name"], "result": RESULTS.get(code, "fail"), "reason": reason or f"exit code {code}"}
    (folder / f"{job['name']}.result.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"ci/matrix.py: {job['name']}: {result['result']}, {result['reason']}", file=sys.stderr)
    return code


def _proves(file, job):
    """Whether a report has, for each leg, something that conforms, and is of the job's versions."""
    if not file.is_file():
        return False
    report = json.loads(file.read_text())
    if not report["machine"]["python"].startswith(f"{job['python']}."):
        return False
    versions = {leg["environment"].get("mindspore", job["mindspore"]) for leg in report["legs"]}
    return versions == {job["mindspore"]} and all(leg["verdicts"].get("conforms") for leg in report["legs"])


def main():
    known = jobs()
    if len(sys.argv) == 1:
        print("\n".join(known))
    elif len(sys.argv) == 2 and sys.argv[1] in known:
        sys.exit(run(known[sys.argv[1]]))
    else:
        sys.exit(f"{__doc__}\nThere is no job {' '.join(sys.argv[1:])!r}.")


if __name__ == "__main__":
    main()
