"""Shows the results as tables and as a plot."""

import statistics

import numpy as np

from ms_mml.bench.cases import OPERATIONS, OTHERS, OURS

# Memory-bandwidth baselines, and the smallest number of scores at which each is meaningful: calls take time, too.
MEMORY = {"numpy": 1e6, "libc": 1e6, "gpu memory": 5e7}
NOISE = 0.25  # relative to the median; if the times of the baseline spread further, ratios are unreliable


def _all(results):
    return [*results["tables"], *results["classes"], *results["sweep"]]


def _median(result, name):
    return statistics.median(result["seconds"][name]) if result["seconds"].get(name) else None


def _memory(result):
    """The memory-bandwidth baselines of this case; none if it has too few scores."""
    count = result["rows"] * result["classes"]
    return [name for name, enough in MEMORY.items() if name in result["seconds"] and count >= enough]


def _ratio(result, name, *others):
    """The time of `name` relative to that of the fastest of the others: the median over the rounds."""
    rounds = zip(result["seconds"][name], *(result["seconds"][other] for other in others))
    return statistics.median(mine / min(theirs) for mine, *theirs in rounds)


def _milliseconds(seconds):
    return f"{seconds * 1e3:.3f}" if seconds < 1e-3 else f"{seconds * 1e3:.3g}"


def table(results):
    """Markdown tables: the kernels relative to the memory bandwidth, the time of each call, and the machine."""
    parts = (
        [_machine(results)],
        _relative_to_memory(results["tables"]),
        _by_classes(results["classes"]),
        _times(results["tables"]),
        _description(results),
    )
    return "\n\n".join("\n".join(part) for part in map(list, parts) if part)


def _machine(results):
    machine = results["machine"]
    return f"Measured on {machine['processor']}, {machine['processors']} processors."


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
            row[result["operation"], result["p"], result["weighted"]] = f"{_ratio(result, 'kernels', *memory):.2f}"
    yield "The kernels' time relative to the time to read the scores (forward) or to copy them (gradient), with the"
    yield "faster of NumPy and the C library on the same number of threads, or with the GPU's own copy:"
    yield from ("", "| scores | dtype | " + " | ".join(columns) + " |", "| --- " * (len(columns) + 2) + "|")
    for (shape, dtype), row in rows.items():
        yield f"| {shape} | {dtype} | " + " | ".join(row.get(key, "") for key in columns.values()) + " |"


def _by_classes(results):
    """The kernels' time relative to the memory bandwidth, for each number of classes, dtype and operation."""
    if not results:
        return
    columns = list(dict.fromkeys((result["dtype"], result["operation"]) for result in results))
    rows = {}
    for result in results:
        ratio = _ratio(result, "kernels", *_memory(result)) if "kernels" in result["seconds"] else float("nan")
        rows.setdefault(result["classes"], {})[result["dtype"], result["operation"]] = f"{ratio:.2f}"
    count = max(result["rows"] * result["classes"] for result in results)
    yield f"The same for {count:.0e} scores, by the number of classes:"
    yield from ("", "| classes | " + " | ".join(map(", ".join, columns)) + " |", "| --- " * (len(columns) + 1) + "|")
    for classes, row in rows.items():
        yield f"| {classes} | " + " | ".join(row.get(column, "") for column in columns) + " |"


def _times(tables):
    """Milliseconds of a call, for each contestant."""
    names = [name for name in (*MEMORY, *OURS, *OTHERS) if any(name in result["seconds"] for result in tables)]
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
    yield f"{caches}; {machine['system']}"
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
        times = sorted(min((result["seconds"][name] for name in _memory(result)), key=statistics.median, default=[]))
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
    """Draw the time relative to the memory bandwidth by classes, bytes per second by size, and speed-ups of calls."""
    import matplotlib.pyplot as plt

    machine = results["machine"]
    figure, axes = plt.subplots(3, 2, figsize=(12, 13), layout="constrained")
    figure.suptitle(f"multi-margin loss on {machine['processor']}, {machine['processors']} processors")
    for operation, column in zip(OPERATIONS, axes.T):
        _draw_classes(column[0], results["classes"], operation)
        _draw_sizes(column[1], results["sweep"], operation)
        _draw_speedups(column[2], results["tables"], operation)
    figure.savefig(path)
    plt.close(figure)


def _draw_classes(axis, results, operation):
    """The kernels' time relative to the memory bandwidth, against the number of classes."""
    for dtype, color in (("float32", "tab:blue"), ("float64", "tab:green"), ("float16", "tab:orange")):
        points = [
            (result["classes"], _ratio(result, "kernels", *_memory(result)))
            for result in results
            if (result["operation"], result["dtype"]) == (operation, dtype) and result["seconds"].get("kernels")
        ]
        if points:
            axis.plot(*zip(*points), color=color, marker="o", label=dtype)
    moved = "read" if operation == "forward" else "copy"
    axis.axhline(1, color="black", linewidth=3, alpha=0.35)
    axis.set(
        title=operation, xlabel="classes", ylabel=f"time relative to a {moved} of the scores", xscale="log", ylim=0
    )
    axis.grid(alpha=0.3)
    axis.legend()


def _draw_sizes(axis, results, operation):
    """Bytes of scores per second, against the bytes of the scores."""
    for style, size, seconds in _curves(results, operation):
        axis.plot(size, size / seconds / 1e9, **style)
    moved = "read" if operation == "forward" else "read, and as many bytes written"
    axis.set(xlabel="bytes of scores", ylabel=f"GB/s of scores {moved}", xscale="log", yscale="log")
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")


SPEEDUPS = {  # ours, the other, and the color of the bar
    "graph mode, against mindspore.ops": ("ms_mml graph", "mindspore graph", "tab:red"),
    "PyNative mode, against mindspore.ops": ("ms_mml pynative", "mindspore pynative", "lightcoral"),
    "graph mode, against PyTorch": ("ms_mml graph", "torch", "tab:orange"),
    "PyNative mode, against PyTorch": ("ms_mml pynative", "torch", "moccasin"),
}


def _draw_speedups(axis, results, operation):
    """How many times as fast whole calls are, for each shape."""
    shown = [
        r for r in results if (r["operation"], r["dtype"], r["p"], r["weighted"]) == (operation, "float32", 1, False)
    ]
    for place, (label, (ours, other, color)) in enumerate(SPEEDUPS.items()):
        pairs = [(at, r) for at, r in enumerate(shown) if r["seconds"].get(ours) and r["seconds"].get(other)]
        if pairs:
            speedups = [_ratio(result, other, ours) for _, result in pairs]
            places, lengths = [at + 0.2 * place for at, _ in pairs], [speedup - 1 for speedup in speedups]
            bars = axis.barh(places, lengths, 0.2, left=1, color=color, label=label)
            axis.bar_label(bars, [f"{speedup:.3g}" for speedup in speedups], fontsize="small", padding=2)
    axis.axvline(1, color="black", linewidth=3, alpha=0.35)
    axis.set_yticks([at + 0.3 for at in range(len(shown))], [_shape(result) for result in shown])
    axis.set(xlabel="times as fast", xscale="log")
    axis.margins(x=0.15)
    axis.invert_yaxis()
    axis.legend(fontsize="small", ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.12))


STYLES = {
    "memory": {"color": "black", "linewidth": 3, "alpha": 0.35, "label": "memory bandwidth"},
    "kernels": {"color": "tab:blue", "marker": "o"},
    "ms_mml graph": {"color": "tab:cyan", "marker": "."},
    "mindspore graph": {"color": "tab:red", "marker": "."},
    "torch": {"color": "tab:orange", "marker": "."},
}


def _curves(results, operation):
    """Yield (style, bytes, seconds) of each contestant and dtype."""
    for name, style in STYLES.items():
        for dtype, line in (("float32", "-"), ("float16", ":")):
            points = [
                (result["rows"] * result["classes"] * np.dtype(dtype).itemsize, seconds)
                for result in results
                if (result["operation"], result["dtype"]) == (operation, dtype)
                for seconds in [_seconds(result, name)]
                if seconds is not None
            ]
            if len(points) > 2 and (name, dtype) != ("memory", "float16"):
                size, seconds = np.array(sorted(points)).T
                label = name + ("" if dtype == "float32" else ", float16")
                yield {"label": label, **style, "linestyle": line}, size, seconds


def _seconds(result, name):
    """The median of a contestant; for "memory" that of the fastest baseline."""
    names = [other for other in MEMORY if other in result["seconds"]] if name == "memory" else [name]
    return min(filter(None, (_median(result, name) for name in names)), default=None)
