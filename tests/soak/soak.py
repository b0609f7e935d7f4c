#!/usr/bin/env python3
"""The gate under everything at once: guests of every kind, a broker that dies, reloads every second, a full disk, kills.

The real program, with TLS and two workers, before a real Mosquitto. Guests come by a script that follows from the seed.
Prints what happened, and a sentence for each promise that was broken; the exit code is 0 where none was, 1 otherwise.
"""
import argparse
import contextlib
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import stage as stages
from account import ENDINGS, Account, Verdict
from gate import Gate
from guests import Guests
from weather import SAVE_S, Weather, ended, live, total

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build/dev"

GUEST_PATIENCE_S = 30
SETTLE_S = 20
# Memory may grow in the second half by what a heap breathes, and no more.
GROWTH_MAX_KIB, GROWTH_MAX_SHARE = 2048, 0.04
STEADY_AFTER_S = 120  # until then guests are still coming, and pools are filling
KEPT = ("mqtt_bastion_refusals_total{", "mqtt_bastion_closes_total{", "mqtt_bastion_admitted_total{",
        "mqtt_bastion_tls_handshakes_total{", "mqtt_bastion_upstream_connects_total{")
KNOWN_ERRORS = ("the policy was not reloaded; the last good one stays in force", "no_such_section")


class Soak:
    def __init__(self, options, directory):
        self.options = options
        self.verdict = Verdict()
        self.account = Account(self.verdict)
        self.random = random.Random(options.seed)
        self.stage = stages.Stage(directory, options.build)
        self.stage.broker.start()
        self.guests = Guests(self.stage.build / "tests/soak/soak_load", self.stage.path("ca.crt"), options.seed,
                             GUEST_PATIENCE_S, self.account.guest, self.account.lapses.add)
        self.table = []
        self.broken_lines = 0
        self.gate = None
        self.inspections = 0

    def start_gate(self):
        self.gate = Gate(self.stage, self.account.ending, self.message)
        return self.gate

    def message(self, level, text):
        """Every line of the gate's own that tells of trouble has to be one that was provoked."""
        if level == "error" and not any(known in text for known in KNOWN_ERRORS):
            self.verdict.broken("the gate logged an error that nothing explains", text)
        if level == "alien":
            self.verdict.broken("the gate wrote a line that is none of its log's", text)
        if "counting starts anew" in text:
            self.verdict.broken("the file of counters was torn", text)
        self.broken_lines += text == KNOWN_ERRORS[0]

    def go(self, share=1.0):
        self.guests.go(self.gate.port, int(self.options.clients * share), self.options.per_second)

    def row(self, name, value):
        self.table.append((name, value))

    # --- the phases ---

    def weather(self):
        """The long one: everything at once, one gate throughout."""
        gate = self.start_gate()
        at_start = gate.descriptors_at_rest()
        weather = Weather(self.stage, gate, self.account, self.verdict, self.random)
        weather.look()
        begun = time.monotonic()
        self.go()
        weather.blow(begun + self.options.seconds)
        self.settle(weather)
        self.expect_same_descriptors(at_start)
        self.judge_memory(weather, begun)
        now = weather.last
        self.verdict.expect(total(now, "mqtt_bastion_log_lines_dropped_total") == 0, "log lines were dropped")
        self.verdict.expect(now["mqtt_bastion_accept_errors_total"] == 0, "accepting connections failed")
        self.verdict.expect(self.account.endings["fault"] == 0, "a bug of the gate ended a connection")
        self.verdict.expect(self.broken_lines == weather.counts["bad reloads"], "a broken policy was not logged as such")
        strangers = self.stage.broker.strangers()
        self.verdict.expect(not strangers, "the broker saw a client who should not have been admitted", strangers[:1])
        self.row("guests at a time, at most", f"{self.guests.most_live} ({self.guests.most_sessions} in session)")
        self.row("slowest answer to /metrics, ms", f"{1000 * weather.slowest_answer_s:.0f}")
        self.row("seconds in which the guests had no processor", f"{self.account.lapses.seconds():.1f}")
        for name, count in sorted(weather.counts.items()):
            self.row(name, count)
        return weather

    def settle(self, weather):
        """Nobody comes any more: all that is open ends, and both accounts agree to the last connection."""
        self.guests.halt()
        if not self.guests.wait_until_gone(GUEST_PATIENCE_S + SETTLE_S):
            self.verdict.broken("guests were still there long after the last one came", f"{self.guests.live} of them")
        give_up_at = time.monotonic() + SETTLE_S
        while True:
            weather.poll()
            logged = sum(self.account.endings.values())
            if (live(weather.last) == 0 and logged == ended(weather.last)) or time.monotonic() > give_up_at:
                break
            time.sleep(0.05)
        self.verdict.expect(live(weather.last) == 0, "sessions were stuck after everyone had gone", live(weather.last))
        self.verdict.expect(total(weather.last, "mqtt_bastion_sessions") == 0, "the gauge of sessions did not come down to 0")
        self.verdict.expect(logged == ended(weather.last), "the log and the counters do not tell of equally many connections",
                            f"{logged} and {ended(weather.last)}")
        self.verdict.expect(ended(weather.last) == sum(self.account.guests_by_kind.values()) + weather.counts["certificates seen"],
                            "the gate did not count as many connections as there were",
                            f"{ended(weather.last)} of {sum(self.account.guests_by_kind.values())} guests")
        self.account.compare()

    def expect_same_descriptors(self, at_start):
        give_up_at = time.monotonic() + SETTLE_S
        while (now := self.gate.descriptors()) != at_start and time.monotonic() < give_up_at:
            time.sleep(0.1)
        self.verdict.expect(now == at_start, "descriptors were leaked", f"{len(at_start)} at the start, {len(now)} at the end")
        self.row("descriptors at start and end", f"{len(at_start)}, {len(now)}")

    def judge_memory(self, weather, begun):
        samples = [(at - begun, resident) for at, resident, _ in weather.samples]
        settled, settled_share = self.gate.memory_kib()
        middle = statistics.median([kib for at, kib in samples if abs(at - self.options.seconds / 2) < 5])
        end = statistics.median([kib for at, kib in samples if at > self.options.seconds - 10])
        self.row("resident KiB: start, middle, end, settled", f"{samples[0][1]}, {middle:.0f}, {end:.0f}, {settled}")
        self.row("share KiB, settled", settled_share)
        if self.options.no_memory or self.options.seconds / 2 < STEADY_AFTER_S:
            return
        second_half = [(at, kib) for at, kib in samples if at >= self.options.seconds / 2]
        slope = statistics.linear_regression(*zip(*second_half)).slope
        growth = slope * self.options.seconds / 2
        self.row("growth in the second half, KiB", f"{growth:.0f}")
        self.verdict.expect(growth <= max(GROWTH_MAX_KIB, GROWTH_MAX_SHARE * middle), "memory grew",
                            f"{growth:.0f} KiB in the second half, from {middle:.0f}")

    def drain(self):
        """SIGTERM in full swing: everyone goes, the exit code is 0, and the last counters are on disk."""
        self.go(share=0.5)
        time.sleep(3)
        self.account.drains.begin()
        code, took = self.gate.terminate(stages.DRAIN_S + SETTLE_S)
        self.account.drains.end()
        self.verdict.expect(code == 0, "the gate did not end with 0 on SIGTERM", f"exit code {code}")
        self.verdict.expect(took <= stages.DRAIN_S + 3, "the drain took longer than drain_timeout", f"{took:.1f} s")
        self.guests.halt()
        self.verdict.expect(self.guests.wait_until_gone(GUEST_PATIENCE_S), "guests outlived the gate")
        self.row("seconds to drain", f"{took:.1f}")
        self.account.compare()

    def kills(self):
        """SIGKILL at any time: what is restored is at most one interval behind, and was never torn."""
        known = sum(self.account.endings.values())
        self.start_gate()
        restored = self.gate.metrics()
        self.verdict.expect(ended(restored) == known, "counters were lost by an orderly restart",
                            f"{ended(restored)} of {known}")
        for _ in range(self.options.kills):
            self.go(share=0.25)
            seen = []
            until = time.monotonic() + self.random.uniform(SAVE_S + 1, 2 * SAVE_S)
            while time.monotonic() < until:
                seen.append((time.monotonic(), self.gate.metrics()))
                time.sleep(0.1)
            killed_at = time.monotonic()
            self.gate.kill()
            self.guests.halt()
            self.verdict.expect(self.guests.wait_until_gone(GUEST_PATIENCE_S), "guests outlived the gate")
            self.account.forget()
            self.start_gate()
            self.expect_restored(self.gate.metrics(), seen, killed_at)
        self.row("SIGKILLs", self.options.kills)
        code, _ = self.gate.terminate(stages.DRAIN_S + SETTLE_S)
        self.verdict.expect(code == 0, "the gate did not end with 0 on SIGTERM", f"exit code {code}")

    def expect_restored(self, restored, seen, killed_at):
        # A second for the write itself, and for the look that came before it.
        old = [metrics for at, metrics in seen if at <= killed_at - SAVE_S - 1]
        for name, value in (old[-1] if old else {}).items():
            if name.startswith(KEPT):
                self.verdict.expect(restored.get(name, 0) >= value, "more than the last interval was lost by SIGKILL",
                                    f"{name}: {restored.get(name, 0):.0f} of {value:.0f}")
        accepted = total(restored, "mqtt_bastion_connections_total")
        self.verdict.expect(accepted == ended(restored) and live(restored) == 0, "a restored account is out of balance")
        came = sum(begun <= killed_at for begun in self.account.begun_at)
        self.verdict.expect(accepted <= came + self.inspections, "connections were counted that never were",
                            f"{accepted} of {came}")

    def run(self):
        weather = self.weather()
        self.inspections = weather.counts["certificates seen"]
        self.drain()
        endings = dict(self.account.endings)
        self.kills()
        self.verdict.expect(self.guests.well(), "the load generator has ended")
        self.print_summary(endings)

    def stop(self):
        """Whatever still runs, each whatever has become of the others."""
        with contextlib.ExitStack() as last:
            last.callback(self.stage.disk.release)
            last.callback(self.stage.broker.kill)
            last.callback(self.guests.stop)
            if self.gate is not None:
                last.callback(self.gate.kill)

    def print_summary(self, endings):
        print(f"\n{'guests':26}{'came':>9}{'sessions':>10}")
        for kind in ENDINGS:
            print(f"  {kind:24}{self.account.guests_by_kind[kind]:9}{self.account.sessions_by_kind[kind]:10}")
        print(f"\n{'endings (up to the drain)':35}")
        for ending, count in sorted(endings.items(), key=lambda entry: -entry[1]):
            print(f"  {ending:33}{count:9}")
        print()
        for name, value in self.table:
            print(f"{name:46}{value}")
        print()
        for line in self.verdict.lines():
            print(f"BROKEN: {line}")
        print("every promise was kept" if self.verdict else "some promises were broken")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600, help="how long guests come and go (600)")
    parser.add_argument("--clients", type=int, default=2000, help="at a time (2000)")
    parser.add_argument("--per-second", type=int, default=300, help="new ones (300)")
    parser.add_argument("--kills", type=int, default=5, help="SIGKILLs of the gate (5)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--build", type=Path, default=BUILD, help="build directory (build/dev)")
    parser.add_argument("--keep", type=Path, help="where logs are kept if a promise was broken (BUILD/soak)")
    parser.add_argument("--no-memory", action="store_true", help="memory is a sanitizer's: don't judge it")
    options = parser.parse_args()
    print(f"soak: {options.seconds} s, {options.clients} guests at a time, --seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="mqtt-bastion-soak.") as directory:
        soak = Soak(options, directory)
        try:
            soak.run()
        finally:
            soak.stop()
            if not soak.verdict or sys.exc_info()[0]:
                print("logs:", stages.keep(directory, options.keep or options.build / "soak"))
    return 0 if soak.verdict else 1


if __name__ == "__main__":
    sys.exit(main())
