"""Run the benchmarks: ``python -m bench [NAME [ARGUMENTS...]]``."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import bench


def main(arguments: list[str]) -> int:
    """Run one benchmark, or all of them one after the other; returns the worst exit code."""
    known = [
        m.name for m in pkgutil.iter_modules(bench.__path__) if not m.ispkg and m.name[0] != "_"
    ]
    named = [argument.replace("-", "_") for argument in arguments[:1]]
    chosen, rest = (named, arguments[1:]) if arguments else (known, [])
    unknown = [name for name in chosen if name not in known]
    if unknown:
        print(
            f"there is no benchmark {unknown[0]!r}; there are {', '.join(known)}", file=sys.stderr
        )
        return 2
    return max(
        subprocess.run([sys.executable, "-m", f"bench.{name}", *rest], check=False).returncode
        for name in chosen
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
