"""Run benches, write results/NAME.json, and generate REPORT.md from all results.

python -m bench                     # a few minutes
python -m bench --full              # for the record
python -m bench --only grpc_match writes
python -m bench --report            # generate the report again, measure nothing

New results of a bench replace its previous ones.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# One thread per peer, and numpy's matrix product on this CPU's own kernel, whatever the
# environment has: OpenBLAS reads these variables once, when numpy is loaded.
_WANTED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_UNWANTED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def main() -> None:
    """Run what the command line asks for."""
    _settle_environment()
    # Imported here because they load numpy, after the environment is settled.
    from bench.catalog import CATALOG  # noqa: PLC0415
    from bench.grpc import native  # noqa: PLC0415
    from bench.harness.record import RESULTS, measure  # noqa: PLC0415
    from bench.harness.report import write_report  # noqa: PLC0415
    from bench.in_process import learning  # noqa: PLC0415

    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=(__doc__ or "").split("\n\n", maxsplit=1)[0],
        epilog="benches: " + "; ".join(f"{name}: {each.title}" for name, each in CATALOG.items()),
    )
    parser.add_argument("--full", action="store_true", help="take the time that it takes")
    parser.add_argument(
        "--only",
        action="extend",
        nargs="+",
        choices=CATALOG,
        metavar="NAME",
        help="only these",
    )
    parser.add_argument(
        "--data",
        type=Path,
        action="extend",
        nargs="+",
        default=[],
        metavar="DIR",
        help="folders of data sets for learning, ranking_modes, confidence (default: the sample)",
    )
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="COMMIT",
        help="the earlier server that grpc_native compares with; it is built first",
    )
    parser.add_argument("--report", action="store_true", help="write the report, measure nothing")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="folder of the results (default: bench/results)"
    )
    args = parser.parse_args()
    learning.DATA.extend(args.data)
    native.AGAINST.extend(args.against)
    names = [] if args.report else args.only or list(CATALOG)
    failed = [name for name in names if not measure(name, CATALOG[name], args.out, full=args.full)]
    print(f"read {write_report(args.out)}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _settle_environment() -> None:
    wanted = {key: value for key, value in _WANTED.items() if os.environ.get(key) != value}
    unwanted = [key for key in _UNWANTED if key in os.environ]
    if not wanted and not unwanted:
        return
    environment = {**os.environ, **wanted}
    for key in unwanted:
        del environment[key]
    os.execve(sys.executable, [sys.executable, "-m", "bench", *sys.argv[1:]], environment)  # noqa: S606


if __name__ == "__main__":
    main()
