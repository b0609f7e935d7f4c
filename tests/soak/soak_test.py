#!/usr/bin/env python3
"""Proves that the soak runs and keeps its promises for a few seconds, and that it can tell when one is broken."""
import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from account import Account, Verdict, Windows  # noqa: E402
from guests import Guest  # noqa: E402

HERE = Path(__file__).resolve().parent
BUILD = os.environ.get("SOAK_BUILD", HERE.parents[1] / "build/dev")
# A sanitizer makes the gate several times slower.
FEW = ["--clients", "60", "--per-second", "20"] if os.environ.get("SOAK_SANITIZED") else ["--clients", "300", "--per-second", "60"]


class ShortSoakTest(unittest.TestCase):
    def test_every_promise_is_kept(self):
        with tempfile.TemporaryDirectory() as logs:
            done = subprocess.run([HERE / "soak.py", "--build", BUILD, "--seconds", "15", "--kills", "1", "--keep", logs, *FEW],
                                  capture_output=True, text=True)
            log = Path(logs) / "gate.log"
            self.assertEqual(done.returncode, 0,
                             done.stdout + done.stderr + (log.read_text()[-4000:] if log.exists() else ""))
        self.assertIn("every promise was kept", done.stdout)


class AccountTest(unittest.TestCase):
    """What the account makes of connections that are not as they should be."""

    def setUp(self):
        self.verdict = Verdict()
        self.account = Account(self.verdict)
        self.now = time.monotonic()

    def guest(self, kind="talker", client="127.0.1.1:4000", code="0", **more):
        line = {"fickle": False, "resets": False, "begun": self.now - 10, "ended": self.now - 9, "how": "closed", "heard": 100,
                "sent": 0, "received": 0, "trouble": ""}
        self.account.guest(Guest(number=1, kind=kind, client=client, code=code, **{**line, **more}))

    def ending(self, how, client="127.0.1.1:4000"):
        self.account.ending(client, how, self.now)

    def broken(self):
        self.account.compare()
        return list(self.verdict.lines())

    def test_says_nothing_where_all_is_well(self):
        self.guest()
        self.ending("client_disconnect")
        self.guest(kind="anonymous", client="127.0.1.1:4001", code="5")
        self.ending("anonymous/no_user", client="127.0.1.1:4001")
        self.assertEqual(self.broken(), [])

    def test_connection_without_an_ending(self):
        self.guest()
        self.assertIn("counted exactly once", *self.broken())

    def test_connection_with_two_endings(self):
        self.guest()
        self.ending("client_disconnect")
        self.ending("client_disconnect")
        self.assertIn("counted exactly once", *self.broken())

    def test_wrong_ending(self):
        self.guest()
        self.ending("evicted/reload")
        self.assertIn("a talker ended otherwise", *self.broken())

    def test_whom_a_policy_refuses_may_be_evicted(self):
        self.guest(fickle=True)
        self.ending("evicted/reload")
        self.assertEqual(self.broken(), [])

    def test_stranger_who_was_admitted(self):
        self.guest(kind="wrong_password", code="0")
        self.ending("bad_credentials/password")
        self.assertIn("somebody was admitted", *self.broken())

    def test_denied_address_that_heard_something(self):
        self.guest(kind="denied_address", code="-", heard=7)
        self.ending("ip_denied/denied")
        self.assertIn("was sent something", *self.broken())

    def test_broker_is_blamed_only_while_it_is_gone(self):
        self.guest()
        self.ending("upstream_closed")
        self.assertIn("a talker ended otherwise", *self.broken())
        self.verdict = self.account.verdict = Verdict()
        self.account.outages.begin()
        self.guest(ended=self.now)
        self.ending("upstream_closed")
        self.assertEqual(self.broken(), [])

    def test_windows_end(self):
        windows = Windows()
        windows.begin()
        windows.end()
        self.assertTrue(windows.meet(self.now - 1, self.now))
        self.assertFalse(windows.meet(self.now + 60, self.now + 61))


if __name__ == "__main__":
    unittest.main()
