"""Puts every mutant to the quick tier, and the survivors to the full tier, stopping at the first case that fails.

usage: python -m ci.mutants [GROUP...]    all mutants of the groups numpy, cpu and cuda, or of those named; it continues
                                          an interrupted run, and a run of all groups writes ci/results/mutants
       python -m ci.mutants --tier quick  only the quick tier, so that its survivors can be inspected, and those found
                                          equivalent entered in settings.json, before the full tier runs on them
       python -m ci.mutants --sample      a few mutants of each group: none may survive
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import resource
import shutil
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed

from ci.mutants import report
from ci.mutants.build import NotBuiltError, SameObjectCodeError
from ci.mutants.generate import CHECKOUT
from ci.mutants.groups import GROUPS
from conformance.cases.base import Case
from conformance.isolation import Isolated
from conformance.leg import Leg
from conformance.subjects.base import NotAvailable
from conformance.verdict import Verdict

FOLDER = CHECKOUT / "build" / "mutants"
WORK = FOLDER / "work"  # a folder for each process
PROGRESS = FOLDER / "progress.jsonl"  # a line for each mutant, as soon as its outcome is known
DECLARED = ("claims", "lacks", "limits", "guarded", "environment")
MEGABYTES = 8000  # of memory for a mutant
MAX_SECONDS = 1200  # for the cases of a tier; a mutant that takes longer counts as hung


def killer(subject, home, cases):
    """The first case that fails, and its verdict; None if none does. Raises NotAvailable if it does not start."""
    isolated = Isolated(subject, "CPU", "", home)
    try:
        description = isolated.start()
        leg = Leg(subject, "CPU", "", *[description[name] for name in DECLARED])
        deadline = time.monotonic() + MAX_SECONDS
        for case in cases:
            if case.needs & set(leg.lacks):
                continue
            outcome = isolated.outcome(case, leg)
            if outcome.verdict.is_failure:
                return {"case": case.id, "verdict": outcome.verdict.value}
            if time.monotonic() > deadline:
                return {"case": case.id, "verdict": Verdict.HUNG.value}
    finally:
        isolated.kill()
    return None


def judge(name, mutant, stages):
    """The outcome of a mutant, or of the original if it is None, and the seconds of the compiler and of the cases.

    Args:
        name (str): The group.
        mutant (Mutant): The mutant or None.
        stages (list): Pairs of a stage and the cases to run of it.
    """
    group, folder = GROUPS[name], WORK / str(os.getpid())
    Case.seconds = group.seconds
    spent, found = {"build": 0.0, "cases": 0.0}, None
    for stage, cases in stages:
        shutil.rmtree(folder, ignore_errors=True)
        try:
            with timed(spent, "build"):
                group.make(mutant, folder, stage.flags)
            with timed(spent, "cases"), limited_memory(sanitized=stage.flags):
                found = killer(group.subject, folder, cases)
        except SameObjectCodeError:
            return {"outcome": "same object code", **spent}
        except (NotBuiltError, NotAvailable) as reason:
            return {"outcome": "not built", "reason": str(reason)[:2000], **spent}
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if found:
            return {"outcome": "killed", "tier": stage.tier, "sanitized": bool(stage.flags), **found, **spent}
    return {"outcome": "survived", **spent}


def judge_from(name, mutant, stages, survived):
    """The outcome of a mutant that has survived a number of stages, after those that follow."""
    left = [(stage, stage.cases()) for stage in stages[survived:]]
    return {**judge(name, mutant, left), "stages": len(stages)}


@contextlib.contextmanager
def timed(spent, name):
    begun = time.monotonic()
    yield
    spent[name] += time.monotonic() - begun


@contextlib.contextmanager
def limited_memory(sanitized):
    """Limit the memory of the processes started here. A sanitizer reserves more addresses than there is memory."""
    os.environ["ASAN_OPTIONS"] = f"hard_rss_limit_mb={MEGABYTES}"
    if not sanitized:
        resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES * 2**20, resource.RLIM_INFINITY))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def recorded():
    """The outcomes that are known for the present sources, by group and key of the mutant."""
    lines = PROGRESS.read_text().splitlines() if PROGRESS.exists() else []
    current = {name: group.fingerprint() for name, group in GROUPS.items()}
    records = [record for record in map(json.loads, lines) if record["sources"] == current[record["group"]]]
    return {(record["group"], record["key"]): record for record in records}


def run(tasks):
    """Judge mutants, given as (group, mutant, stages, stages survived), in parallel; record each outcome at once."""
    sources = {name: GROUPS[name].fingerprint() for name, *_ in tasks}
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(WORK, ignore_errors=True)
    begun, done, context = time.monotonic(), [], multiprocessing.get_context("fork")
    with PROGRESS.open("a") as progress, ProcessPoolExecutor(os.cpu_count(), context) as pool:
        futures = {pool.submit(judge_from, *task): task for task in tasks}
        try:
            for future in as_completed(futures):
                name, mutant, *_ = futures[future]
                record = {"sources": sources[name], "group": name, "key": mutant.key, **future.result()}
                progress.write(json.dumps(record) + "\n")
                progress.flush()
                done.append(record)
                text = f"{record['outcome']} {record.get('case', '')}".rstrip()
                print(f"{len(done)}/{len(tasks)} {time.monotonic() - begun:.0f} s {mutant.key}: {text}", flush=True)
        except BaseException:  # such as KeyboardInterrupt: do not wait for the mutants that are left
            for process in multiprocessing.active_children():
                process.kill()
            raise
    return done


def control(records):
    """Fail if the original does not conform in a case that killed a mutant."""
    killers = defaultdict(set)
    for record in records:
        if record["outcome"] == "killed":
            killers[record["group"], record["tier"], record["sanitized"]].add(record["case"])
    for name, group in GROUPS.items():
        stages = []
        for stage in group.stages:
            ids = killers[name, stage.tier, bool(stage.flags)]
            stages.append((stage, [case for case in stage.cases() if case.id in ids]))
        stages = [(stage, cases) for stage, cases in stages if cases]
        if stages and judge(name, None, stages)["outcome"] != "survived":
            sys.exit(f"the original of group {name} does not conform in a case that killed mutants: {stages}")


def print_costs(records):
    for name in GROUPS:
        mine = [record for record in records if record["group"] == name]
        for outcome in sorted({record["outcome"] for record in mine}):
            each = [record for record in mine if record["outcome"] == outcome]
            build, cases = (sum(record[part] for record in each) / len(each) for part in ("build", "cases"))
            print(f"{name}: {len(each)} {outcome}: on average {build:.1f} s to build, {cases:.1f} s of cases")


def sample():
    """The first mutants of each group, except those that the committed results do not list as killed."""
    outcomes = {row["mutant"]: row["outcome"] for row in report.committed()}
    for name, group in GROUPS.items():
        mutants = [m for m in group.mutants() if m.key not in report.EQUIVALENT]
        mutants = [mutant for mutant in mutants if outcomes.get(mutant.key, "killed") == "killed"]
        yield from ((name, mutant, group.stages, 0) for mutant in mutants[: group.sample])


def main():
    parser = argparse.ArgumentParser(prog="python -m ci.mutants")
    parser.add_argument("group", nargs="*", choices=[[], *GROUPS], help="numpy, cpu or cuda; default: all")
    parser.add_argument("--tier", default="full", choices=("quick", "full"), help="the largest tier (default: full)")
    parser.add_argument("--sample", action="store_true", help="a few mutants, which must be killed")
    options = parser.parse_args()
    if options.sample:
        records = run(list(sample()))
        control(records)
        print_costs(records)
        survivors = [record["key"] for record in records if record["outcome"] == "survived"]
        sys.exit("\n".join(["survived:", *survivors]) if survivors else 0)
    mutants = {name: GROUPS[name].mutants() for name in options.group or GROUPS}
    report.check_settings([mutant.key for name in mutants for mutant in mutants[name]], complete=not options.group)
    known = recorded()
    tasks = []
    for name in mutants:
        stages = [stage for stage in GROUPS[name].stages if options.tier in ("full", stage.tier)]
        for mutant in mutants[name]:
            record = known.get((name, mutant.key), {"outcome": "survived", "stages": 0})
            left = record["outcome"] == "survived" and record["stages"] < len(stages)
            if left and mutant.key not in report.EQUIVALENT:
                tasks.append((name, mutant, stages, record["stages"]))
    run(tasks)
    known = recorded()
    control(known.values())
    print_costs(known.values())
    results = report.results(mutants, known)
    print(report.totals(results))
    if options.tier == "full" and not options.group:
        report.write(results)
    unexplained = report.unexplained(results)
    sys.exit("\n".join(["survivors without an entry in settings.json:", *unexplained]) if unexplained else 0)


if __name__ == "__main__":
    main()
