#!/usr/bin/env python3
"""Proves that packages and recipes fit the tree and the program: policies, scripts, versions, libraries."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGING = ROOT / "packaging"
PROGRAM = os.environ["BASTION_PROGRAM"]
POLICIES = {"Debian": PACKAGING / "debian/policy.toml", "OpenWrt": PACKAGING / "openwrt/mqtt-bastion/files/policy.toml"}
OPENWRT = {path.parent.name: path.parent for path in (PACKAGING / "openwrt").glob("*/Makefile")}
YOCTO = next((PACKAGING / "yocto").glob("recipes-*/mqtt-bastion/*.bb"))
# What CMake looks for, and what brings it: in OpenWrt's recipe, in Yocto's, and in what is laid out for cross-building.
NEEDS = {
    "Boost": ("boost", "boost", "libboost"),
    "OpenSSL": ("libopenssl", "openssl", "libssl-dev"),
    "libargon2": ("libargon2", "libargon2", "libargon2-dev"),
    "libseccomp": ("libseccomp", "libseccomp", "libseccomp-dev"),
    "CLI11": ("cli11", "cli11", "libcli11-dev"),
    "toml++/toml.h": ("tomlplusplus", "tomlplusplus", "libtomlplusplus-dev"),
}
OF_EVERY_SYSTEM = {"Threads", "PkgConfig"}


def read(path):
    return path.read_text(encoding="utf-8")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def needed():
    """What the build looks for, by the name that CMakeLists.txt has for it."""
    lists = read(ROOT / "CMakeLists.txt")
    found = set(re.findall(r"find_package\((\w+)", lists)) - OF_EVERY_SYSTEM
    found |= {name for name in re.findall(r"pkg_check_modules\(\w+ REQUIRED IMPORTED_TARGET (\w+)", lists)}
    return found | set(re.findall(r"find_path\(\w+ (\S+) REQUIRED", lists))


def project_version():
    return re.search(r"project\(mqtt-bastion VERSION (\S+)", read(ROOT / "CMakeLists.txt"))[1]


def openwrt(package, target):
    done = run("make", "--no-print-directory", "-s" if target == "about" else "-n", "-C", OPENWRT[package], f"TOPDIR={HERE / 'openwrt'}", target)
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout


class PolicyTest(unittest.TestCase):
    """The policy that a package brings."""

    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)
        self.policy = Path(self.home.name) / "policy.toml"

    def check(self):
        done = run(PROGRAM, "check", "-c", self.policy)
        return done.returncode, done.stdout + done.stderr

    def test_lets_nobody_in_as_it_comes(self):
        for system, policy in POLICIES.items():
            with self.subTest(system):
                shutil.copy(policy, self.policy)
                code, said = self.check()
                self.assertEqual(code, 2, said)
                self.assertIn("no address is allowed and nobody could enter", said)
                for name in ("server.crt", "server.key", "passwd"):
                    self.assertIn(f"{name}\": No such file", said)

    def test_is_good_once_its_first_lines_are_followed(self):
        place = self.policy.parent
        made = place / "made"
        subprocess.run([ROOT / "certs/make-certs", made], check=True, capture_output=True)
        shutil.copy(made / "server-ecdsa.crt", place / "server.crt")
        shutil.copy(made / "server-ecdsa.key", place / "server.key")
        done = run(PROGRAM, "passwd", "--create", "--batch", place / "passwd", "alice", input="Wonderland-4711\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        for system, policy in POLICIES.items():
            with self.subTest(system):
                # The example that stands in the policy itself.
                text, times = re.subn(r"allow = \[\](\s+)# nobody; for instance (\[.*\])", r"allow = \2", read(policy))
                self.assertEqual(times, 1)
                self.policy.write_text(text)
                code, said = self.check()
                self.assertEqual(code, 0, said)


class DebianTest(unittest.TestCase):
    def test_every_configuration_file_is_one_that_the_package_brings(self):
        laid = set(re.findall(r'"\$\{root\}(/etc/\S+)"', read(PACKAGING / "debian/complete.cmake")))
        self.assertEqual(set(read(PACKAGING / "debian/conffiles").split()), laid)

    def test_maintainer_scripts_can_be_read_by_any_shell(self):
        for name in ("postinst", "prerm", "postrm"):
            done = run("sh", "-n", PACKAGING / "debian" / name)
            self.assertEqual(done.returncode, 0, done.stderr)

    @unittest.skipUnless(shutil.which("apparmor_parser", path="/sbin:/usr/sbin"), "apparmor is not installed")
    def test_apparmor_takes_the_profile(self):
        parser = shutil.which("apparmor_parser", path="/sbin:/usr/sbin")
        done = run(parser, "--skip-kernel-load", "--skip-cache", PACKAGING / "apparmor/mqtt-bastion")
        self.assertEqual(done.returncode, 0, done.stderr)


class RecipesTest(unittest.TestCase):
    def test_they_are_of_the_projects_version(self):
        self.assertIn(f"version={project_version()} ", openwrt("mqtt-bastion", "about"))
        self.assertEqual(YOCTO.name, f"mqtt-bastion_{project_version()}.bb")

    def test_they_name_every_library_that_the_build_looks_for(self):
        self.assertEqual(needed() - set(NEEDS), set())
        about = openwrt("mqtt-bastion", "about")
        yocto = re.search(r'^DEPENDS = "(.*)"', read(YOCTO), re.M)[1].split()
        sysroot = read(PACKAGING / "sysroot")
        for name in needed():
            for_openwrt, for_yocto, for_sysroot = NEEDS[name]
            self.assertRegex(about, rf"[\s=+]{for_openwrt}(\s|$)")
            self.assertIn(for_yocto, yocto)
            self.assertIn(for_sysroot, sysroot)

    def test_openwrt_takes_the_sources_from_the_tree_and_installs_what_is_there(self):
        copied = re.findall(rf"{re.escape(str(ROOT))}/(\S+)", openwrt("mqtt-bastion", "prepare"))
        self.assertIn("proxy", copied)
        for part in copied:
            self.assertTrue((ROOT / part).exists(), part)
        installed = openwrt("mqtt-bastion", "install")
        self.assertIn(f"/build/mqtt-bastion-{project_version()}/proxy/mqtt-bastion /root-of-mqtt-bastion/usr/bin/", installed)
        for file in re.findall(r"\./(files/\S+)", installed):
            self.assertTrue((OPENWRT["mqtt-bastion"] / file).exists(), file)

    def test_openwrt_knows_each_of_its_feeds_packages_by_a_hash(self):
        for package in sorted(set(OPENWRT) - {"mqtt-bastion"}):
            with self.subTest(package):
                self.assertRegex(openwrt(package, "about"), r"hash=[0-9a-f]{64} ")

    def test_openwrts_service_can_be_read_by_any_shell(self):
        done = run("sh", "-n", OPENWRT["mqtt-bastion"] / "files/mqtt-bastion.init")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_both_fetch_the_same_argon2(self):
        hashed = re.search(r"hash=(\S+)", openwrt("argon2", "about"))[1]
        self.assertIn(hashed, read(next((PACKAGING / "yocto").glob("recipes-*/libargon2/*.bb"))))


if __name__ == "__main__":
    unittest.main()
