#!/usr/bin/env python3
"""Proves that the comparison runs, that it accounts for what it sends, and that it reckons as it says. Asserts no time."""
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import compare
import rows

HERE = Path(__file__).resolve().parent
BUILD = os.environ.get("BENCH_BUILD", HERE.parents[1] / "build/dev")


class ComparisonTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = Path(scratch.name)
        self.json = self.directory / "comparison.json"

    def compare(self, *arguments):
        command = [HERE / "compare.py", "--build", BUILD, "--tiny", "--only", "gate;bare;ACL of 10,000", "--no-system-calls",
                   "--json", self.json, *arguments]
        return subprocess.run(command, env={**os.environ, "TMPDIR": str(self.directory)}, capture_output=True, text=True)

    def test_measures_every_row(self):
        done = self.compare()
        self.assertEqual(done.returncode, 0, done.stderr)
        measured = {figure["name"]: figure["samples"] for figure in json.loads(self.json.read_text())["figures"]}
        for row in rows.ROWS + rows.RIGHTS_ROWS:
            for figure in row.figures:
                for name in {"gate", "bare", "ACL of 10,000"} & set(row.who):
                    with self.subTest(figure=figure.name, proxy=name):
                        self.assertEqual(len(measured[figure.name][name]), rows.TINY.rounds)

    def test_run_in_which_a_message_is_lost_is_void(self):
        # Reads are CONNECTs and messages: the last message of all, and one behind which others come (unless this machine is so
        # slow that they come along with it).
        for row, read, why in (("message", 2 * rows.TINY.clients(200), "packets arrived"),
                               ("paced_p50", 5, r"(message \d+ of client 0 came where message 0 of client 0 was due|messages came back)")):
            with self.subTest(row):
                done = self.compare("--only", "bare", "--lose", str(read), "--patience", "1", f"^{row}$")
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertRegex(done.stderr, f"void: {row}, bare: .*{why}")
                self.assertEqual(done.stdout, "")
                self.assertFalse(self.json.exists())

    def test_row_that_nobody_knows(self):
        self.assertEqual(self.compare("no such row").returncode, 2)

    def test_ratio_is_that_of_each_round_to_the_best_peer(self):
        samples = {"gate": [1, 4, 9], "haproxy": [2, 4, 6], "nginx": [7, 8, 9], "bare": [1, 1, 1]}
        self.assertEqual(compare.ratio_to_best_peer(samples), 1)
        self.assertIsNone(compare.ratio_to_best_peer({"gate": [1], "bare": [2]}))

    def test_spread_is_half_of_what_lies_between(self):
        self.assertEqual(compare.spread([8, 10, 11, 12, 10]), 0.2)


if __name__ == "__main__":
    unittest.main()
