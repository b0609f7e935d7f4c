#!/usr/bin/env python3
# Holds the tree to the rules that a compiler can't check: who may include whom, what is banned and why, and good order.
"""usage: tests/tidy/tidy.py [--root DIR] [--build DIR] [--jobs N] CHECK ...     CHECK: one of those below, or `all`

Prints `file:line: [check] what is wrong, and why` for everything it finds; exits 1 when it found anything.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import conformance


@dataclass(frozen=True)
class Finding:
    file: str
    line: int
    check: str
    message: str

    def __str__(self):
        return f"{self.file}:{self.line}: [{self.check}] {self.message}"


CPP = (".cpp", ".hpp")
C = (".c", ".h")  # devices in examples/, and peers of the benchmarks


class Tree:
    """The files of the project as git sees them, committed or not, but nothing that is ignored."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.files = sorted(f for f in self._list() if (self.root / f).is_file())

    def _list(self):
        if (self.root / ".git").exists():
            command = ["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
            return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")) - {""}
        found = set()
        for directory, below, names in os.walk(self.root):
            below[:] = [name for name in below if name not in (".git", "build")]
            found.update(str((Path(directory) / name).relative_to(self.root)) for name in names)
        return found

    def text(self, file):
        return (self.root / file).read_bytes().decode("utf-8", "replace")

    def sources(self, *endings):
        """Those of C++, or those with these endings."""
        return [f for f in self.files if f.endswith(endings or CPP)]


# --- rooms: who may include whom -----------------------------------------------------------------------------------------

# ARCHITECTURE: a room and the rooms whose headers it may include, beside its own.
ROOMS = {
    "policy": set(),
    "wire": set(),
    "mqtt": {"wire"},
    "origin": {"wire", "policy"},
    "inspect": {"mqtt", "policy", "origin"},
    "account": {"policy"},
    "identity": {"policy"},
    "mosquitto": {"mqtt", "policy"},
    "ledger": {"policy"},
    "net": set(),
    "sandbox": set(),
    "admin": {"account", "ledger", "net"},
    "gate": {"policy", "wire", "mqtt", "origin", "inspect", "account", "identity", "ledger", "net", "sandbox"},
    "cli": {"gate", "admin", "policy", "account", "identity", "mosquitto"},
    "main": {"cli"},
}
PURE_ROOMS = {"policy", "wire", "mqtt", "origin", "inspect", "mosquitto"}
# Rooms that are pure but for some files: the log has a thread, a descriptor and a key.
PURE_BUT_FOR = {"account": re.compile(r"proxy/account/log\w*\.[ch]pp")}

# Headers with neither a clock, nor a thread, nor the outside world in them. <chrono> is here for durations and time points.
PURE_STD = set(
    """algorithm any array bit bitset charconv chrono climits cmath compare concepts cstddef cstdint cstring deque exception
    functional initializer_list iterator limits list map memory memory_resource new numbers numeric optional queue set span
    stack stdexcept string string_view system_error tuple type_traits typeinfo unordered_map unordered_set utility variant vector""".split()
)
# Foreign headers and the rooms (or single files) that may include them. What is not named here nobody may include.
FOREIGN = {
    "toml++/": {"policy/parse.cpp"},
    "argon2.h": {"identity"},
    "seccomp.h": {"sandbox"},
    "CLI/": {"cli"},
    "openssl/": {"identity", "net", "account", "gate", "cli"},
    "boost/beast": {"admin", "net"},
    "boost/": {"net", "gate", "admin", "cli"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')


def room_of(file):
    if file.startswith("policy/"):
        return "policy"
    if file == "proxy/main.cpp":
        return "main"
    parts = file.split("/")
    return parts[1] if parts[0] == "proxy" and len(parts) > 2 else None


def is_pure(file):
    room = room_of(file)
    return room in PURE_ROOMS or (room in PURE_BUT_FOR and not PURE_BUT_FOR[room].fullmatch(file))


def check_rooms(tree, _options):
    """Includes follow the table of rooms; pure rooms include nothing that waits, reads a clock or does I/O."""
    for file in tree.sources():
        room = room_of(file)
        if room is None:
            continue
        if room not in ROOMS:
            yield Finding(file, 1, "rooms", f"'{room}' is no room: add it to the table in tests/tidy/tidy.py with what it may use")
            continue
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            message = own_include(file, room, match[2]) if match[2] else foreign_include(file, room, match[1])
            if message:
                yield Finding(file, number, "rooms", message)


def own_include(file, room, included):
    other = room_of(included)
    if other is None:
        return f'"{included}" is not written from the root of the tree ("policy/reason.hpp", "proxy/wire/cursor.hpp")'
    if other != room and other not in ROOMS[room]:
        allowed = ", ".join(sorted(ROOMS[room])) or "no other room"
        return f"room '{room}' may use {allowed}, not '{other}'"
    return None


def foreign_include(file, room, included):
    for prefix, places in FOREIGN.items():
        if included.startswith(prefix):
            if room in places or file in places:
                return None
            return f"<{included}> may be included by {', '.join(sorted(places))} only"
    if is_pure(file):
        if included not in PURE_STD:
            return f"<{included}> in pure code: deciding never waits, so it has no clock, no thread, no I/O and no system header"
        return None
    if "/" in included and not included.startswith(("sys/", "netinet/", "arpa/", "linux/")):
        return f"<{included}> is in nobody's list of foreign headers in tests/tidy/tidy.py"
    return None


# --- banned: calls that are not wanted, and why -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Ban:
    pattern: str
    why: str
    where: str = ""  # a regular expression for the path; empty: everywhere


PRODUCT = r"^(policy|proxy)/"
BANS = [
    Ban(r"\b(strcpy|strcat|stpcpy|sprintf|vsprintf|gets)\s*\(", "it writes past its buffer; use std::string or snprintf"),
    Ban(r"\bstrtok\s*\(", "it keeps hidden state between calls"),
    Ban(r"\b(atoi|atol|atoll|atof|sscanf)\s*\(", "it can't tell an error from a number; use std::from_chars",
        PRODUCT),
    Ban(r"\b(?<!_)s?rand\s*\(", "it is predictable; secrets come from RAND_bytes, tests use a seeded std::mt19937"),
    Ban(r"(?<![\w:.>])(std::)?system\s*\(|\bpopen\s*\(", "it runs a shell"),
    Ban(r"\balloca\s*\(", "the stack is not bounded by what a client says"),
    Ban(r"\b(localtime|gmtime|asctime|ctime)\s*\(", "it shares one buffer between threads; times are UTC by gmtime_r"),
    Ban(r"\bstrerror\s*\(", "it shares one buffer between threads; use std::generic_category().message()",
        PRODUCT),
    Ban(r"\b(setjmp|longjmp)\s*\(", "it skips destructors"),
    Ban(r"\bsleep_(for|until)\b|\b(u|nano)?sleep\s*\(", "a sleep is a race that is lost on a slow machine; wait for the event itself",
        r"^(policy|tests|proxy/(?!cli/))"),  # a command may wait for another one's lock
    Ban(r"\bstd::regex\b|#\s*include\s*<regex>", "it recurses by the length of its input and can take exponential time",
        PRODUCT),
    Ban(r"\busing\s+namespace\s+std\s*;", "names of std would change the meaning of ours"),
    Ban(r"\bNULL\b", "use nullptr", r"\.[ch]pp$"),
    Ban(r"\bstd::endl\b", "it flushes; write '\\n'"),
    Ban(r"\bstd::(stoi|stol|stoul|stoll|stoull|stod)\b", "it throws on what a client or an operator wrote; use std::from_chars",
        PRODUCT),
    Ban(r"\bstd::expected\b|\bstd::format\b", "it is missing in the compilers of Debian 12"),
    Ban(r"\basio::ssl\b|\bssl::stream\b|boost/asio/ssl", "TLS runs on the descriptor, see docs/decisions/0001", PRODUCT),
    Ban(r"::now\s*\(", "pure code is given the time, it never asks for it", "PURE"),
    Ban(r"\b(thread_local|std::(mutex|thread|atomic|jthread|async))\b", "pure code is owned by one thread", "PURE"),
    Ban(r"\b(std::)?(printf|puts|fprintf)\s*\(|\bstd::(cout|cerr|clog)\b", "output goes through the log, or through cli",
        r"^(policy|proxy/(?!cli/|main))"),
    Ban(r"\b(DISABLED_\w+)", "a test that is off tests nothing; mend it or delete it", r"^tests/"),
]
TEST_CASE = re.compile(r"^\s*(?:TEST|TEST_F|TEST_P|TYPED_TEST)\s*\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.M)
CLAIM = re.compile(r"EXPECT_|ASSERT_|FAIL\(|ADD_FAILURE|[Ee]xpect|[Aa]ssert|[Cc]heck|[Vv]erify|static_assert")


def without_text(code):
    """The code with comments and the insides of literals blanked, line by line as it was."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'', re.S
    )

    def blank(match):
        text = match[0]
        kept = '""' if text[0] in 'R"' else " "
        return kept + re.sub(r"[^\n]", "", text)

    return pattern.sub(blank, code)


def check_banned(tree, _options):
    """No call that is banned, and no test without a claim."""
    for file in tree.sources(*CPP, *C):
        code = without_text(tree.text(file))
        lines = code.splitlines()
        for ban in BANS:
            if ban.where == "PURE" and not is_pure(file):
                continue
            if ban.where not in ("", "PURE") and not re.search(ban.where, file):
                continue
            for number, line in enumerate(lines, 1):
                match = re.search(ban.pattern, line)
                if match:
                    yield Finding(file, number, "banned", f"'{match[0].strip()}': {ban.why}")
        cases = list(TEST_CASE.finditer(code))
        for case, following in zip(cases, cases[1:] + [None]):
            body = code[case.end() : following.start() if following else len(code)]
            if not CLAIM.search(body):
                number = code.count("\n", 0, case.start(1)) + 1
                yield Finding(file, number, "banned", f"test {case[1]}.{case[2]} claims nothing")


# --- order: files that belong to nobody, first lines, things that must not be committed -----------------------------------------

UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE " + "KEY-----")
MACHINE = re.compile(r"(?<![\w.${}*])/(?:" + "wo" + "rk|ro" + r"ot|home/\w+)(?:/|\b(?![\w-]))")
REGISTRY = re.compile(r"\b(?:registry\.(?:npm|yarn)\w*\.\w+|pypi\.org|" + r"crates" + r"\.io|rubygems" + r"\.org|deb\." + r"debian\.org|proxy\.golang\.org)")


def check_orphans(tree, _options):
    """Every source is named in a CMakeLists.txt above it, and every header is included by something."""
    lists = {str(Path(f).parent): tree.text(f) for f in tree.files if Path(f).name == "CMakeLists.txt"}
    included = set()
    for file in tree.sources(*CPP, *C):
        for match in map(INCLUDE.match, tree.text(file).splitlines()):
            if match and match[2]:
                # Tests name their own helpers from where they stand, or from tests/.
                included.update(os.path.normpath(Path(start, match[2])) for start in ("", "tests", Path(file).parent))
    for file in tree.sources(".cpp", ".c"):
        places = ("policy/", "proxy/", "tests/") if file.endswith(".cpp") else ("examples/", "tests/")
        if not file.startswith(places):
            yield Finding(file, 1, "orphans", f"sources of this language live under {', '.join(places)}")
            continue
        named = False
        for above in Path(file).parents:
            text = re.sub(r"#[^\n]*", "", lists.get(str(above), ""))
            relative = str(Path(file).relative_to(above))
            named = named or re.search(rf"(?<![\w./-]){re.escape(relative)}(?![\w./-])", text) is not None
        if not named:
            yield Finding(file, 1, "orphans", "no CMakeLists.txt names this file: it is never built")
    for file in tree.sources(".hpp", ".h"):
        if file not in included:
            yield Finding(file, 1, "orphans", "nothing includes this header")


def check_first_lines(tree, _options):
    """The first line of a source says what it is about."""
    for file in tree.sources(*CPP, *C):
        lines = tree.text(file).splitlines() or [""]
        if not re.match(r"(//|/\*) \S+( \S+){2,}", lines[0]):
            yield Finding(file, 1, "first-lines", "the first line is `// ...`, a sentence that says what the file is about")
        if file.endswith(".hpp") and "#pragma once" not in lines[:4]:
            yield Finding(file, 1, "first-lines", "a header begins with its sentence and `#pragma once`")


def check_leftovers(tree, _options):
    """Nothing unfinished, no private key, nothing that only makes sense on the machine where it was written."""
    for file in tree.files:
        if file == "LICENSE":
            continue
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            for pattern, message in (
                (UNFINISHED, "unfinished work is not committed"),
                (PRIVATE_KEY, "a private key is never committed: make it when it is needed (certs/make-certs)"),
                (MACHINE, "a path of one machine"),
                (REGISTRY, "a package registry's host: it is the user's own configuration"),
            ):
                match = pattern.search(line)
                if match:
                    yield Finding(file, number, "leftovers", f"'{match[0][:40]}': {message}")
            if file.endswith((*CPP, *C, ".md", ".py", ".txt", ".toml", ".json")) or "." not in Path(file).name:
                if line != line.rstrip() and not file.startswith("tests/corpus/"):
                    yield Finding(file, number, "leftovers", "white space at the end of the line")


def check_documents(tree, _options):
    """Documents agree with the tree: links lead somewhere, the README shows the example as it is and names every reason."""
    for file in tree.files:
        if not file.endswith(".md"):
            continue
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                if "://" not in target and not (tree.root / Path(file).parent / target).exists():
                    yield Finding(file, number, "documents", f"the link to {target} leads nowhere")
    if "README.md" not in tree.files:
        return
    readme = tree.text("README.md")
    example = "examples/home-gateway/policy.toml"
    if example in tree.files and f"```toml\n{tree.text(example)}```" not in readme:
        yield Finding("README.md", 1, "documents", f"does not show {example} as it is")
    if "policy/reason.hpp" in tree.files:
        body = re.search(r"enum class Reason[^{]*\{(.*?)count_", without_text(tree.text("policy/reason.hpp")), re.S)
        for reason in re.findall(r"\w+", body[1] if body else ""):
            if f"`{reason}`" not in readme:
                yield Finding("README.md", 1, "documents", f"reason `{reason}` stands nowhere in Life of a connection")


def check_conformance(tree, _options):
    """The table of normative statements names tests that exist, each statement once with a proof or a reason, and no source
    names a statement that is not there."""
    for file, line, message in conformance.complaints(tree, TEST_CASE):
        yield Finding(file, line, "conformance", message)


def check_scripts(tree, _options):
    """Scripts are executable, say what they are for, and those for bash stop at the first error."""
    for file in tree.files:
        first, *rest = (tree.text(file).splitlines() or [""])[:2] + [""]
        if not first.startswith("#!"):
            continue
        if not os.access(tree.root / file, os.X_OK):
            yield Finding(file, 1, "scripts", "begins with #! but is not executable")
        if not re.match(r'# \S+( \S+){2,}|"""', rest[0]):
            yield Finding(file, 2, "scripts", "the second line says what the script is for")
        if "bash" in first:
            if "set -euo pipefail" not in tree.text(file).splitlines():
                yield Finding(file, 1, "scripts", "without `set -euo pipefail` it goes on after a failure")
            done = subprocess.run(["bash", "-n", str(tree.root / file)], capture_output=True, text=True)
            if done.returncode:
                yield Finding(file, 1, "scripts", done.stderr.strip().replace(f"{tree.root}/", ""))


# --- checks that run tools ------------------------------------------------------------------------------------------------------


def tool(*names):
    """The first of these programs that is installed."""
    for name in names:
        if shutil.which(name):
            return name
    return None


def closure(tree, file, seen):
    """The file and every header of the project that it includes, directly or not."""
    if file in seen or not (tree.root / file).is_file():
        return seen
    seen.add(file)
    for match in map(INCLUDE.match, tree.text(file).splitlines()):
        if match and match[2]:
            for start in ("", "tests", Path(file).parent):
                closure(tree, os.path.normpath(Path(start, match[2])), seen)
    return seen


def run_each(tree, options, files, command_for, judge, rules=""):
    """Runs a command for each file, some at a time, and yields judge's findings in the files' order. A file in which nothing
    was found is not looked at again until it, a header that it includes, the command or the rules change."""
    memory = Path(options.build) / "tidy-memory"

    def run(file):
        command = command_for(file)
        key = hashlib.sha256(repr((command, rules)).encode())
        for part in sorted(closure(tree, file, set())):
            key.update(part.encode() + b"\0" + (tree.root / part).read_bytes())
        good = memory / key.hexdigest()
        if good.exists():
            return []
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        found = list(judge(file, done))
        if not found:
            memory.mkdir(parents=True, exist_ok=True)
            good.touch()
        return found

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for found in pool.map(run, files):
            yield from found


def check_headers(tree, options):
    """Every header compiles alone."""
    compiler = os.environ.get("CXX") or tool("g++", "clang++-14", "clang++")
    if not compiler:
        yield Finding("tests/tidy/tidy.py", 1, "headers", "no C++ compiler found: cmake/install-dependencies build")
        return
    headers = tree.sources(".hpp")

    def command(header):
        return [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", f"-I{tree.root}", f"-I{tree.root}/tests",
                "-include", str(tree.root / header), "-x", "c++", "/dev/null"]

    def judge(header, done):
        if done.returncode:
            first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip()[:200])
            yield Finding(header, 1, "headers", f"does not compile alone: {first.replace(str(tree.root) + '/', '')}")

    yield from run_each(tree, options, headers, command, judge)


def check_format(tree, options):
    """clang-format would change nothing."""
    # Other versions break lines elsewhere: the result would depend on the machine.
    formatter = tool("clang-format-14")
    if not formatter:
        yield Finding(".clang-format", 1, "format", "clang-format-14 is missing: cmake/install-dependencies test")
        return

    def judge(file, done):
        if done.returncode:
            match = re.search(r":(\d+):\d+: error", done.stderr)
            yield Finding(file, int(match[1]) if match else 1, "format", f"not as {formatter} -i writes it")

    def command(file):
        return [formatter, "--dry-run", "-Werror", f"--style=file:{tree.root}/.clang-format", str(tree.root / file)]

    yield from run_each(tree, options, tree.sources(*CPP, *C), command, judge, rules=tree.text(".clang-format"))


def check_clang_tidy(tree, options):
    """The short list of .clang-tidy finds nothing in the rooms that decide."""
    checker = tool("clang-tidy-14", "clang-tidy")
    database = Path(options.build) / "compile_commands.json"
    if not checker or not database.is_file():
        missing = "clang-tidy-14" if not checker else f"{database} (configure first)"
        yield Finding(".clang-tidy", 1, "clang-tidy", f"{missing} is missing")
        return
    known = {str(Path(entry["directory"], entry["file"]).resolve()) for entry in json.loads(database.read_text())}
    files = [f for f in tree.sources(".cpp") if is_pure(f) and str(tree.root / f) in known]

    def judge(file, done):
        pattern = re.compile(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*)$", re.M)
        found = {(m[1].replace(str(tree.root) + "/", ""), int(m[2]), m[3]) for m in pattern.finditer(done.stdout)}
        for where, line, message in sorted(found):
            yield Finding(where, line, "clang-tidy", message)
        if done.returncode and not found:
            yield Finding(file, 1, "clang-tidy", (done.stdout + done.stderr).strip()[:300])

    def command(file):
        return [checker, "--quiet", "-p", str(options.build), str(tree.root / file)]

    yield from run_each(tree, options, files, command, judge, rules=tree.text(".clang-tidy"))


CHECKS = {
    "rooms": check_rooms,
    "banned": check_banned,
    "orphans": check_orphans,
    "first-lines": check_first_lines,
    "leftovers": check_leftovers,
    "documents": check_documents,
    "conformance": check_conformance,
    "scripts": check_scripts,
    "headers": check_headers,
    "format": check_format,
    "clang-tidy": check_clang_tidy,
}


def main():
    here = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {name:12} {function.__doc__}" for name, function in CHECKS.items()))
    parser.add_argument("--root", default=here)
    parser.add_argument("--build", default=here / "build/dev", help="where compile_commands.json is")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("checks", nargs="+", choices=[*CHECKS, "all"], metavar="CHECK")
    options = parser.parse_args()
    tree = Tree(options.root)
    names = list(CHECKS) if "all" in options.checks else options.checks
    findings = sorted((f for name in names for f in CHECKS[name](tree, options)), key=lambda f: (f.file, f.line))
    for finding in findings:
        print(finding)
    if not findings:
        print(f"{', '.join(names)}: {len(tree.files)} files, nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
