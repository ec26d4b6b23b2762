"""The cases to time: operations on scores of a shape and a dtype."""

from dataclasses import asdict, dataclass, replace

from ms_mml.modes import MODES

OPERATIONS = ("forward", "gradient")
OURS = ("kernels", *(f"ms_mml {mode}" for mode in MODES))
OTHERS = (*(f"mindspore {mode}" for mode in MODES), "composite graph", "torch")
MEMORY = ("numpy", "libc")
ALL = (*MEMORY, *OURS, *OTHERS)


@dataclass(frozen=True)
class Case:
    """One operation on (rows, classes) scores, and the contestants that run it."""

    operation: str
    rows: int
    classes: int
    dtype: str = "float32"
    p: int = 1
    weighted: bool = False
    contestants: tuple = ALL

    def description(self):
        """The case as results record it."""
        return {key: value for key, value in asdict(self).items() if key != "contestants"}


def cases(*contestants, shapes, **options):
    return [Case(operation, *shape, contestants=contestants, **options) for shape in shapes for operation in OPERATIONS]


LARGE = (256, 100_000)
SHAPES = (LARGE, (1024, 1000), (4, 5_000_000), (65_536, 128), (2_000_000, 10))
SMALL = (64, 10)

# For the tables: shapes as in training and evaluation, in float32; then other dtypes, powers and weights.
TABLES = [
    *cases(*ALL, shapes=(SMALL, *SHAPES)),
    *cases(*MEMORY, *OURS, "mindspore graph", shapes=[LARGE], dtype="float64"),
    *cases(*MEMORY, *OURS, shapes=[LARGE], dtype="float16"),
    *cases(*MEMORY, "kernels", shapes=SHAPES, p=2),
    *cases(*MEMORY, "kernels", shapes=SHAPES, weighted=True),
]
QUICK_TABLES = [*cases(*ALL, shapes=(SMALL, (1024, 1000))), *cases(*MEMORY, *OURS, "torch", shapes=[(64, 100_000)])]

# From 2 to 100,000 classes, with several times as many scores as a cache holds.
CLASSES = (2, 3, 5, 10, 16, 20, 32, 47, 64, 100, 128, 1000, 100_000)


def cases_by_classes(scores, classes, dtypes):
    shapes = [(scores // count, count) for count in classes]
    return [case for dtype in dtypes for case in cases(*MEMORY, "kernels", shapes=shapes, dtype=dtype)]


BY_CLASSES = cases_by_classes(3 * 10**7, CLASSES, ("float32", "float64", "float16"))
QUICK_BY_CLASSES = cases_by_classes(10**7, CLASSES[::4], ("float32",))


def growing_cases(largest):
    """Cases of 100 to 10**largest scores in rows of 1000 classes. MindSpore and PyTorch take too long beyond 10**8."""
    for exponent in range(2, largest + 1):
        shape = max(1, 10**exponent // 1000), min(10**exponent, 1000)
        others = ("mindspore graph", "torch") if exponent <= 8 else ()
        yield from cases(*MEMORY, "kernels", "ms_mml graph", *others, shapes=[shape])


# For the picture: up to 10**9 scores and, in float16, more than 2**31.
SWEEP = [
    *(replace(case, dtype="float16", contestants=(*MEMORY, "kernels")) for case in growing_cases(9)),
    *cases(*MEMORY, "kernels", shapes=[(2_200_000, 1000)], dtype="float16"),
    *growing_cases(9),
]
QUICK_SWEEP = list(growing_cases(7))

# On a GPU: every dtype and power, then shapes that use the other algorithms of the kernels.
GPU_SHAPES = (SMALL, (1024, 1000), (8192, 32_000), (256, 1_000_000), (8, 10_000_000))
GPU_OTHER_ALGORITHMS = ((20_000_000, 10), (2_000_000, 101), (300_000, 1000), (20_000, 10_001), (8192, 10_000))
GPU_TABLES = [
    *cases(shapes=GPU_SHAPES),
    *cases(shapes=GPU_SHAPES, p=2),
    *cases(shapes=GPU_SHAPES, weighted=True),
    *cases(shapes=GPU_OTHER_ALGORITHMS),
    *(case for dtype in ("float16", "float64") for p in (1, 2) for case in cases(shapes=GPU_SHAPES, dtype=dtype, p=p)),
]
GPU_QUICK_TABLES = cases(shapes=(SMALL, (1024, 1000), (64, 1_000_000)))
