"""Shows the results as tables and as a plot."""

import statistics

import numpy as np

from ms_mml.bench.cases import ALL, OPERATIONS, OURS

# Memory-bandwidth baselines, and the smallest number of scores at which each is meaningful: calls take time, too.
MEMORY = {"numpy": 1e6, "gpu memory": 5e7}
NOISE = 0.25  # relative to the median; if the times of the baseline spread further, ratios are unreliable


def _all(results):
    return [*results["tables"], *results["sweep"]]


def _median(result, name):
    return statistics.median(result["seconds"][name]) if result["seconds"].get(name) else None


def _memory(result):
    """The memory-bandwidth baseline of this case; None if it has too few scores."""
    count = result["rows"] * result["classes"]
    return next((name for name, enough in MEMORY.items() if name in result["seconds"] and count >= enough), None)


def _ratio(result, name, other):
    """The time of `name` relative to that of `other`: the median over the rounds."""
    pairs = zip(result["seconds"][name], result["seconds"][other])
    return statistics.median(mine / theirs for mine, theirs in pairs)


def _milliseconds(seconds):
    return f"{seconds * 1e3:.3f}" if seconds < 1e-3 else f"{seconds * 1e3:.3g}"


def table(results):
    """Markdown tables: the kernels relative to the memory bandwidth, the time of each call, and the machine."""
    return "\n".join(
        [*_relative_to_memory(results["tables"]), "", *_times(results["tables"]), "", *_description(results)]
    )


def _relative_to_memory(tables):
    """The kernels' time relative to the time to read or copy the scores, for each shape and dtype."""
    columns = {
        f"{operation}{', ' * bool(options)}{options}": (operation, p, weighted)
        for operation in OPERATIONS
        for options, p, weighted in (("", 1, False), ("p=2", 2, False), ("weights", 1, True))
    }
    rows = {}
    for result in tables:
        memory = _memory(result)
        if memory and "kernels" in result["seconds"]:
            row = rows.setdefault((_shape(result), result["dtype"]), {})
            row[result["operation"], result["p"], result["weighted"]] = f"{_ratio(result, 'kernels', memory):.2f}"
    yield "The kernels' time relative to the time to read the scores (forward) or to copy them (gradient), with NumPy"
    yield "on the same number of threads or with the GPU's own copy:"
    yield from ("", "| scores | dtype | " + " | ".join(columns) + " |", "| --- " * (len(columns) + 2) + "|")
    for (shape, dtype), row in rows.items():
        yield f"| {shape} | {dtype} | " + " | ".join(row.get(key, "") for key in columns.values()) + " |"


def _times(tables):
    """Milliseconds of a call, for each contestant."""
    names = [name for name in (*MEMORY, *ALL[1:]) if any(name in result["seconds"] for result in tables)]
    yield "Milliseconds of a call. In brackets: for PyTorch, the time relative to the kernels; for MindSpore,"
    yield "relative to ms_mml in the same mode:"
    yield from ("", "| scores | dtype | operation | " + " | ".join(names) + " |", "| --- " * (len(names) + 3) + "|")
    for result in tables:
        if result["p"] == 1 and not result["weighted"]:
            cells = " | ".join(_cell(result, name) for name in names)
            yield f"| {_shape(result)} | {result['dtype']} | {result['operation']} | {cells} |"


def _shape(result):
    return f"({result['rows']}, {result['classes']})"


def _cell(result, name):
    seconds = _median(result, name)
    if seconds is None:
        return ""
    ours = "kernels" if name == "torch" else f"ms_mml {name.split()[-1]}"
    if name in (*MEMORY, *OURS) or ours not in result["seconds"]:
        return _milliseconds(seconds)
    return f"{_milliseconds(seconds)} ({_ratio(result, name, ours):.3g})"


def _description(results):
    machine = results["machine"]
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    yield f"{machine['processor']}, {machine['processors']} processors ({caches}); {machine['system']}"
    yield f"Python {machine['python']}; {results['date']}"
    for name, description in results["contestants"].items():
        yield f"{name}: " + ", ".join(
            f"{key} {value}" for key, value in description.items() if not isinstance(value, list)
        )
    problems = {problem for result in _all(results) for problem in result["problems"].items()}
    yield from (f"{name}: {text}" for name, text in sorted(problems))


def describe_noise(results):
    """State whether the ratios of this run are reliable, from the spread of the baseline's times."""
    spreads = []
    for result in _all(results):
        times = sorted(result["seconds"].get(_memory(result), []))
        if len(times) > 2:
            quarter = len(times) // 4
            spreads.append((times[-1 - quarter] - times[quarter]) / statistics.median(times))
    spread = statistics.median(spreads) if spreads else 0
    if spread > NOISE:
        return (
            f"This machine is too noisy for reliable ratios: the times of the memory baseline spread by {spread:.0%} "
            "(the middle half of the rounds). Close other programs and measure again."
        )
    return f"The times of the memory baseline spread by {spread:.0%} (the middle half of the rounds)."


def draw(results, path):
    """Draw bytes per second against the bytes of the scores, with the memory bandwidth, and the time per score."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(12, 9), layout="constrained")
    for column, operation in enumerate(OPERATIONS):
        rate, cost = axes[0][column], axes[1][column]
        for style, count, size, seconds in _curves(results, operation):
            rate.plot(size, size / seconds / 1e9, **style)
            cost.plot(count, seconds / count * 1e9, **style)
        moved = "read" if operation == "forward" else "read, and as many bytes written"
        rate.set(
            title=operation, xlabel="bytes of scores", ylabel=f"GB/s of scores {moved}", xscale="log", yscale="log"
        )
        cost.set(xlabel="scores (N * C)", ylabel="ns per score", xscale="log", yscale="log")
        for axis in (rate, cost):
            axis.grid(alpha=0.3)
    axes[0][0].legend()
    machine = results["machine"]
    figure.suptitle(f"multi-margin loss on {machine['processor']}, {machine['processors']} processors")
    figure.savefig(path)
    plt.close(figure)


STYLES = {
    "numpy": {"color": "black", "linewidth": 3, "alpha": 0.35},
    "kernels": {"color": "tab:blue", "marker": "o"},
    "ms_mml graph": {"color": "tab:cyan", "marker": "."},
    "mindspore graph": {"color": "tab:red", "marker": "."},
    "torch": {"color": "tab:orange", "marker": "."},
}
LABELS = {"numpy": "NumPy: memory bandwidth"}


def _curves(results, operation):
    """Yield (style, scores, bytes, seconds) of each contestant and dtype in the plot."""
    for name, style in STYLES.items():
        for dtype, line in (("float32", "-"), ("float16", ":")):
            points = [
                (result["rows"] * result["classes"], _median(result, name))
                for result in results["sweep"]
                if (result["operation"], result["dtype"]) == (operation, dtype) and name in result["seconds"]
            ]
            if len(points) > 2 and (name, dtype) != ("numpy", "float16"):
                count, seconds = np.array(sorted(points)).T
                label = LABELS.get(name, name) + ("" if dtype == "float32" else ", float16")
                yield {**style, "linestyle": line, "label": label}, count, count * np.dtype(dtype).itemsize, seconds
