"""The jobs of ci/matrix.json. Each row of that file describes a hardware target: where its jobs run, which targets of
`ci/run` they run there, and with which versions of MindSpore and Python. Each combination is one job.

usage: python -m ci.matrix            list the jobs
       python -m ci.matrix JOB        run one job here and write its result and report to ci-results/

The result of a job is pass, fail or not run. A job is not run (exit code 77) if the device or a tool is missing, or if
it exits with 0 but its report does not show a conforming case for every leg.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
NOT_RUN = 77
RESULTS = {0: "pass", NOT_RUN: "not run"}  # any other exit code is a failure
UNPROVED = "exit code 0, but no report for these versions in which every leg has a case that conforms"
WITHOUT_REPORT = {"lint", "kernels", "fuzz", "mutants"}  # every other target writes report.json


def jobs(file=CHECKOUT / "ci" / "matrix.json"):
    """All jobs, by name."""
    found = {}
    for hardware, row in json.loads(pathlib.Path(file).read_text()).items():
        for mindspore, pythons in row["mindspore"].items():
            for python in pythons:
                for target in row["targets"]:
                    name = f"{target if hardware == 'source' else hardware}-mindspore{mindspore}-python{python}"
                    job = {"name": name, "hardware": hardware, "target": target}
                    image = row["image"].format(python=python)
                    found[name] = {**row, **job, "mindspore": mindspore, "python": python, "image": image}
    return found


def run(job, folder=CHECKOUT / "ci-results"):
    """Run a job, write its result and report to a folder, and return its exit code."""
    folder.mkdir(exist_ok=True)
    report, kept = CHECKOUT / "report.json", folder / f"{job['name']}.report.json"
    for old in (report, *folder.glob(f"{job['name']}.*.json")):
        old.unlink(missing_ok=True)
    environment = {"PYTHON": f"python{job['python']}", "MINDSPORE": job["mindspore"], **job["environment"]}
    command = [CHECKOUT / "ci" / "run", job["target"]]
    child = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True)
    reason = ""
    for line in child.stderr:
        sys.stderr.write(line)
        match = re.search("NOT RUN: (.*)", line)
        reason = match.group(1) if match else reason
    code = child.wait()
    if report.is_file():
        report.replace(kept)
    if code == 0 and job["target"] not in WITHOUT_REPORT and not _proves(kept, job):
        code, reason = NOT_RUN, UNPROVED
    result = {"job": job["name"], "result": RESULTS.get(code, "fail"), "reason": reason or f"exit code {code}"}
    (folder / f"{job['name']}.result.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"ci/matrix.py: {job['name']}: {result['result']}, {result['reason']}", file=sys.stderr)
    return code


def _proves(file, job):
    """Whether a report is for the job's versions and every leg in it has a case that conforms."""
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
