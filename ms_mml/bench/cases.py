"""What is timed: operations on scores of a shape and a dtype."""

from dataclasses import asdict, dataclass, replace

OPERATIONS = ("forward", "gradient")
MODES = ("graph", "pynative")
OURS = ("kernels", *(f"ms_mml {mode}" for mode in MODES))
OTHERS = (*(f"mindspore {mode}" for mode in MODES), "composite graph", "torch")
ALL = ("numpy", *OURS, *OTHERS)


@dataclass(frozen=True)
class Case:
    """One operation on (rows, classes) scores, and who is asked for it."""

    operation: str
    rows: int
    classes: int
    dtype: str = "float32"
    p: int = 1
    weighted: bool = False
    contestants: tuple = ALL

    def description(self):
        """As results have it."""
        return {key: value for key, value in asdict(self).items() if key != "contestants"}


def named(*contestants, shapes, **options):
    return [Case(operation, *shape, contestants=contestants, **options) for shape in shapes for operation in OPERATIONS]


LARGE = (256, 100_000)
SHAPES = (LARGE, (1024, 1000), (4, 5_000_000), (65_536, 128), (2_000_000, 10))
SMALL = (64, 10)

# The tables: the shapes of training and evaluation, in float32; other dtypes, powers and weights beside them.
TABLES = [
    *named(*ALL, shapes=(SMALL, *SHAPES)),
    *named("numpy", *OURS, "mindspore graph", shapes=[LARGE], dtype="float64"),
    *named("numpy", *OURS, shapes=[LARGE], dtype="float16"),
    *named("numpy", "kernels", shapes=SHAPES, p=2),
    *named("numpy", "kernels", shapes=SHAPES, weighted=True),
]
QUICK_TABLES = [*named(*ALL, shapes=(SMALL, (1024, 1000))), *named("numpy", *OURS, "torch", shapes=[(64, 100_000)])]


def growing(largest):
    """Ever more scores, 1000 classes to a row, from 100 to 10**largest. Those who take their time end at 10**8."""
    for exponent in range(2, largest + 1):
        shape = max(1, 10**exponent // 1000), min(10**exponent, 1000)
        others = ("mindspore graph", "torch") if exponent <= 8 else ()
        yield from named("numpy", "kernels", "ms_mml graph", *others, shapes=[shape])


# The picture: to 10**9 scores and, in float16, beyond 2**31.
SWEEP = [
    *(replace(case, dtype="float16", contestants=("numpy", "kernels")) for case in growing(9)),
    *named("numpy", "kernels", shapes=[(2_200_000, 1000)], dtype="float16"),
    *growing(9),
]
QUICK_SWEEP = list(growing(7))

# On a GPU: the same in every dtype and power, and every other way to walk rows.
GPU_SHAPES = (SMALL, (1024, 1000), (8192, 32_000), (256, 1_000_000), (8, 10_000_000))
GPU_WALKS = ((20_000_000, 10), (2_000_000, 101), (300_000, 1000), (20_000, 10_001), (8192, 10_000))
GPU_TABLES = [
    *named(shapes=GPU_SHAPES),
    *named(shapes=GPU_SHAPES, p=2),
    *named(shapes=GPU_SHAPES, weighted=True),
    *named(shapes=GPU_WALKS),
    *(case for dtype in ("float16", "float64") for p in (1, 2) for case in named(shapes=GPU_SHAPES, dtype=dtype, p=p)),
]
GPU_QUICK_TABLES = named(shapes=(SMALL, (1024, 1000), (64, 1_000_000)))
