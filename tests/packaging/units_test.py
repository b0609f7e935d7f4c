#!/usr/bin/env python3
# The units in packaging/: systemd takes them, finds the service shut in, and lets it do what its own sandbox needs.
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
ANALYZE = os.environ.get("BASTION_SYSTEMD_ANALYZE") or "systemd-analyze"
PROGRAM = os.environ.get("BASTION_PROGRAM", ROOT / "build/dev/proxy/mqtt-bastion")
# Exposure at most 1.5, which systemd calls OK.
EXPOSURE_MAX_TENTHS = 15
# What the gate does to shut itself in, before its own filter is there (proxy/sandbox).
TO_ENTER_THE_SANDBOX = {"prctl", "seccomp", "capget", "mlockall", "landlock_create_ruleset", "landlock_add_rule",
                        "landlock_restrict_self", "prlimit64", "setrlimit"}


def analyze(*words):
    return subprocess.run([ANALYZE, *map(str, words)], capture_output=True, text=True)


def values(unit, key):
    """All that stand at this key of [Service], in their order."""
    return re.findall(rf"^{key}=(.*)$", (PACKAGING / unit).read_text(), re.M)


def members(group):
    found = set()
    for word in analyze("syscall-filter", group).stdout.split("\n"):
        word = word.strip()
        if word.startswith("@") and word != group:
            found |= members(word)
        elif re.fullmatch(r"\w+", word):
            found.add(word)
    return found


def expanded(words):
    calls = set()
    for word in words:
        calls |= members(word) if word.startswith("@") else {word}
    return calls


def allowed_by(unit):
    """The calls that SystemCallFilter= leaves, read as systemd.exec(5) says."""
    calls = set(members("@default"))
    for value in values(unit, "SystemCallFilter"):
        if value.startswith("~"):
            calls -= expanded(value[1:].split())
        else:
            calls |= expanded(value.split())
    return calls


def made_by_the_gate():
    """The calls that the gate's own filter leaves to it."""
    text = (ROOT / "proxy/sandbox/system_calls.cpp").read_text()
    table = re.search(r"allowed_table\{(.*?)\};", text, re.S)[1]
    conditional = re.search(r"conditional_table\{(.*?)\n\};", text, re.S)[1]
    return set(re.findall(r'"(\w+)"', table)) | set(re.findall(r'ConditionalCall\{"(\w+)"', conditional)) | {"socket"}


class Units(unittest.TestCase):
    def test_are_taken_by_systemd_without_a_complaint(self):
        with tempfile.TemporaryDirectory() as directory:
            for name in ("mqtt-bastion.service", "mqtt-bastion.socket"):
                text = (PACKAGING / name).read_text().replace("/usr/bin/mqtt-bastion", str(PROGRAM))
                Path(directory, name).write_text(text)
            for name in ("mqtt-bastion.service", "mqtt-bastion.socket"):
                done = analyze("verify", "--man=no", "--recursive-errors=no", Path(directory, name))
                self.assertEqual((done.returncode, done.stderr), (0, ""), name)

    def test_service_is_as_shut_in_as_systemd_calls_ok(self):
        done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX_TENTHS}", PACKAGING / "mqtt-bastion.service")
        self.assertEqual(done.returncode, 0, done.stdout[-300:] + done.stderr)
        self.assertRegex(done.stdout, r"Overall exposure level for mqtt-bastion.service: 1\.[0-5] OK")

    def test_service_may_make_every_call_that_the_gate_makes(self):
        allowed = allowed_by("mqtt-bastion.service")
        self.assertGreater(len(made_by_the_gate()), 100)
        self.assertEqual(made_by_the_gate() - allowed, set())
        self.assertEqual(TO_ENTER_THE_SANDBOX - allowed, set())
        for call in ("ptrace", "mount", "bpf", "init_module", "setuid", "keyctl"):
            self.assertNotIn(call, allowed)

    def test_service_is_restarted_unless_its_policy_is_bad(self):
        self.assertEqual(values("mqtt-bastion.service", "Restart"), ["on-failure"])
        self.assertEqual(values("mqtt-bastion.service", "RestartPreventExitStatus"), ["2"])

    def test_account_is_the_one_that_the_service_and_the_policy_name(self):
        account = re.search(r"^u (\S+) ", (PACKAGING / "mqtt-bastion.sysusers").read_text(), re.M)[1]
        self.assertEqual(values("mqtt-bastion.service", "User"), [account])
        by_default = re.search(r'Key\{"gate.user".*?R"\("(.*?)"\)"', (ROOT / "policy/key_table.cpp").read_text(), re.S)
        self.assertEqual(by_default[1], account)


if __name__ == "__main__":
    unittest.main()
