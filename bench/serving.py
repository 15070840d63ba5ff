"""What compiling a model changes: ``python -m bench.serving``.

Trees and a neural network, each as it was trained and in every compiled form that runs here, in the environments
that stand for AWS's images, through the pipeline's own compile jobs. The forms of a model take turns; the median of
each figure is reported. One thread; the held-out rows are the same for all.
"""

from __future__ import annotations

from bench.compiled import network, trees
from bench.compiled.jobs import FEATURES, TURNS
from bench.harness import machine, table


def main() -> None:
    print(
        f"serving: {trees.ROUNDS} trees of depth {trees.DEPTH}; a network of {network.HIDDEN} units; "
        f"{FEATURES} features, one thread, median of {TURNS}; "
        "neo is the local Neo, whose runtime is ONNX Runtime, not AWS's"
    )
    print(f"{machine()}\n")
    rows = [
        (
            form,
            f"{found['p50_us']:,.0f} us",
            f"{found['p99_us']:,.0f} us",
            f"{found['rows_per_second']:,.0f}",
            f"{found['memory_mb']:,.0f} MiB",
            f"{found['cold_start_seconds']:.2f} s",
            f"{found['size_bytes'] / 1024:,.0f} KiB",
        )
        for form, found in {**trees.run(), **network.run()}.items()
    ]
    print(
        table(
            (
                "",
                "one row p50",
                "p99",
                "batch rows/s",
                "memory",
                "cold start",
                "archive",
            ),
            rows,
        )
    )


if __name__ == "__main__":
    main()
