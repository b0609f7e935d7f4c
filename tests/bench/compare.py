#!/usr/bin/env python3
"""Measures the gate side by side with HAProxy, nginx and a bare relay, which inspect nothing.

usage: tests/bench/compare.py [options] [FILTER]        FILTER: a regular expression for rows (--list names them)

Every round measures each proxy once, in changing order; a figure is the median of the rounds. CPU is user + system time of
the proxy's process. A run in which a message, an answer or a connection is not accounted for is void: it says so and exits
with 1. docs/performance.md has the method.
"""
import argparse
import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import system_calls
from load import Load
from proxies import EVERYBODY, RULED, START, Stage, Void, start_bare
from rows import FULL, RIGHTS_ROWS, ROWS, TINY, best_peer

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 30


def options_given():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build/release", help="a build directory of this project")
    parser.add_argument("--only", default=";".join(START), help="proxies to measure, with semicolons between them")
    parser.add_argument("--rounds", type=int, default=os.environ.get("BENCH_ROUNDS"),
                        help=f"default: BENCH_ROUNDS, or {FULL.rounds}")
    parser.add_argument("--tiny", action="store_true", help="so little of everything that the figures mean nothing")
    parser.add_argument("--no-system-calls", action="store_true", help="leave out the pass with strace")
    parser.add_argument("--json", type=Path, help="write all samples to this file")
    parser.add_argument("--lose", type=int, help="have the bare relay lose its so-manieth read, which makes the run void")
    parser.add_argument("--patience", type=int, default=PATIENCE_S, help="seconds that anything may stand still")
    parser.add_argument("--list", action="store_true", help="print the rows that FILTER chooses, and end")
    parser.add_argument("filter", nargs="?", default="")
    return parser.parse_args()


# --- measuring ------------------------------------------------------------------------------------------------------------


class Comparison:
    """The proxies, each started once and again where a row wants it afresh, and what was measured of them."""

    def __init__(self, options, stage, load):
        self.options, self.stage, self.load = options, stage, load
        self.scale = TINY if options.tiny else FULL
        self.running = {}
        self.samples = {}  # figure -> proxy -> a number for each round
        self.system_calls = {}  # figure -> proxy -> calls per message, by name

    def proxy(self, name):
        if name not in self.running:
            if name == "bare":
                self.running[name] = start_bare(self.stage, self.options.lose)
            else:
                self.running[name] = START[name](self.stage)
        return self.running[name]

    def stop(self, name):
        if name in self.running:
            self.running.pop(name).stop()

    def stop_all(self):
        for name in list(self.running):
            self.stop(name)

    def measure(self, row):
        names = [name for name in row.who if name in self.options.only]
        rounds = min(self.options.rounds or self.scale.rounds, row.rounds_max)
        for number in range(rounds):
            for name in names[number % len(names):] + names[: number % len(names)]:
                self.say(f"{row.figures[0].name}: round {number + 1} of {rounds}, {name}")
                if row.afresh:
                    self.stop(name)
                with explained(row, name):
                    values = row.measure(self.load, self.proxy(name), self.scale)
                for figure, value in zip(row.figures, values):
                    self.samples.setdefault(figure.name, {}).setdefault(name, []).append(value / figure.divisor)

    def count_system_calls(self, row):
        for name in (name for name in row.who if name in self.options.only):
            self.say(f"{row.figures[0].name}: system calls, {name}")
            with explained(row, name):
                calls = system_calls.count(self.load, self.proxy(name), row.batch, self.scale, self.stage.path("strace"))
            self.system_calls.setdefault(row.figures[0].name, {})[name] = calls

    @staticmethod
    def say(what):
        if sys.stderr.isatty():
            print(f"\r\033[K   {what}", end="", file=sys.stderr, flush=True)


class explained:
    """Says in which row and of which proxy a run became void."""

    def __init__(self, row, name):
        self.where = f"{row.figures[0].name}, {name}"

    def __enter__(self):
        pass

    def __exit__(self, kind, error, _):
        if isinstance(error, Void):
            raise Void(f"{self.where}: {error}") from error


# --- telling --------------------------------------------------------------------------------------------------------------


def spread(samples):
    """Half the distance from the least to the greatest, in parts of the median."""
    middle = statistics.median(samples)
    return (max(samples) - min(samples)) / 2 / middle if middle else 0


def ratio_to_best_peer(by_target):
    """Median of the rounds' own ratios, so that what slowed a whole round down counts for nothing."""
    peer = best_peer({name: statistics.median(samples) for name, samples in by_target.items()})
    if peer is None or "gate" not in by_target:
        return None
    return statistics.median(own / other for own, other in zip(by_target["gate"], by_target[peer]))


def verdict(figure, by_target):
    ratio = ratio_to_best_peer(by_target)
    shown = f"{ratio:.2f}" if ratio is not None else "-"
    if figure.ratio_max is not None and ratio is not None:
        return shown, f"at most {figure.ratio_max:.2f}", ratio <= figure.ratio_max
    if figure.limit is not None and "gate" in by_target:
        return shown, f"at most {figure.limit:g} {figure.unit}", statistics.median(by_target["gate"]) <= figure.limit
    return shown, "", None


def cell(samples):
    if not samples:
        return "-"
    return f"{statistics.median(samples):.4g} ±{100 * spread(samples):.0f}%"


def print_table(header, lines):
    widths = [max(len(line[column]) for line in [header, *lines]) for column in range(len(header))]
    for line in [header, *lines]:
        first, *rest = (text.ljust(width) if not column else text.rjust(width)
                        for column, (text, width) in enumerate(zip(line, widths)))
        print("  ".join([first, *rest]).rstrip())


def print_figures(comparison, rows, names):
    if not rows:
        return
    lines = []
    for figure in (figure for row in rows for figure in row.figures):
        by_target = comparison.samples[figure.name]
        ratio, promise, holds = verdict(figure, by_target)
        judged = {None: "", True: "holds", False: "missed"}[holds]
        cells = [cell(by_target.get(name)) for name in names]
        lines.append([figure.what, figure.unit, *cells, ratio, promise, judged])
    print()
    print_table(["median of the rounds", "", *names, "gate / best peer", "promise", ""], lines)


def print_accept_against_connect(comparison):
    both = [comparison.samples.get(name, {}).get("gate") for name in ("refuse_connect", "refuse_accept")]
    if all(both):
        times = statistics.median(both[0]) / statistics.median(both[1])
        print(f"\nrefused at accept: {times:.0f} times cheaper than after TLS (promise: at least 5)")


def print_system_calls(comparison, rows, names):
    lines = []
    for figure in (row.figures[0] for row in rows):
        for name in names:
            calls = comparison.system_calls.get(figure.name, {}).get(name)
            if calls:
                most = sorted(calls.items(), key=lambda item: -item[1])
                told = ", ".join(f"{call} {times:.3g}" for call, times in most if times >= 0.01)
                lines.append([figure.what, name, f"{sum(calls.values()):.3g}", told])
    print()
    print_table(["system calls per message", "", "all", ""], lines)


def version(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return None
    return (done.stdout or done.stderr).splitlines()[0]


def report(comparison, rows, names):
    return {
        "machine": {"kernel": platform.release(), "architecture": platform.machine(), "cores": os.cpu_count(),
                    "versions": [version(["openssl", "version"]), version(["/usr/sbin/haproxy", "-v"]),
                                 version(["/usr/sbin/nginx", "-v"])]},
        "figures": [{"name": figure.name, "what": figure.what, "unit": figure.unit, "ratio_max": figure.ratio_max,
                     "limit": figure.limit, "ratio": ratio_to_best_peer(comparison.samples[figure.name]),
                     "samples": {name: comparison.samples[figure.name].get(name) for name in names}}
                    for row in rows for figure in row.figures],
        "system_calls": comparison.system_calls,
    }


# --- all together ---------------------------------------------------------------------------------------------------------


def allow_many_descriptors():
    """For two thousand clients, all in one process."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most != resource.RLIM_INFINITY and most < 2 * FULL.idle_clients + 100:
        raise SystemExit(f"at most {most} descriptors may be open here: ulimit -Hn")


def compare(options, rows, directory):
    stage = Stage(directory, options.build)
    load = Load(stage, options.patience)
    comparison = Comparison(options, stage, load)
    try:
        for row in rows:
            comparison.measure(row)
        if not options.no_system_calls and shutil.which("strace"):
            for row in (row for row in rows if row.batch and row in ROWS):
                comparison.count_system_calls(row)
    finally:
        comparison.say("")
        comparison.stop_all()
        load.stop()
    return comparison


def main():
    options = options_given()
    options.only = [name for name in START if name in options.only.split(";")]
    chosen = re.compile(options.filter)
    rows = [row for row in ROWS + RIGHTS_ROWS if any(chosen.search(figure.name) for figure in row.figures)]
    if not rows:
        print(f"no row fits '{options.filter}'; there are " + ", ".join(row.figures[0].name for row in ROWS + RIGHTS_ROWS), file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(figure.name for row in rows for figure in row.figures))
        return 0
    allow_many_descriptors()
    directory = tempfile.mkdtemp(prefix="mqtt-bastion-bench.")
    try:
        comparison = compare(options, rows, directory)
    except Void as why:
        print(f"void: {why}\n(logs are in {directory})", file=sys.stderr)
        return 1
    shutil.rmtree(directory)
    print_figures(comparison, [row for row in rows if row in ROWS], [name for name in options.only if name in EVERYBODY])
    print_accept_against_connect(comparison)
    print_figures(comparison, [row for row in rows if row in RIGHTS_ROWS], options.only)
    if comparison.system_calls:
        print_system_calls(comparison, rows, options.only)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report(comparison, rows, options.only), indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
