#!/usr/bin/env python3
# Proves that every tidy check finds what it is there for, and leaves good code alone.
import argparse
import json
import tempfile
import unittest
from pathlib import Path

import tidy

GOOD_HEADER = "// Says what a thing is worth.\n#pragma once\n\nint worth();\n"
GOOD_SOURCE = '// Says what a thing is worth.\n#include "proxy/wire/worth.hpp"\n\nint worth() { return 1; }\n'
GOOD_TREE = {
    "proxy/wire/CMakeLists.txt": "bastion_room(wire SOURCES worth.cpp)\n",
    "proxy/wire/worth.hpp": GOOD_HEADER,
    "proxy/wire/worth.cpp": GOOD_SOURCE,
    ".clang-format": "BasedOnStyle: Google\n",
}


class TidyTest(unittest.TestCase):
    def findings(self, check, files):
        """What `check` says of the good tree with `files` put over it, as `file:line`."""
        with tempfile.TemporaryDirectory() as directory:
            for name, text in {**GOOD_TREE, **files}.items():
                path = Path(directory, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                path.chmod(0o755 if name == "tool" else 0o644)
            options = argparse.Namespace(jobs=1, build=directory)
            database = [{"directory": directory, "file": f, "command": f"g++ -std=c++20 -I{Path(directory).resolve()} -c {f}"}
                        for f in {**GOOD_TREE, **files} if f.endswith(".cpp")]
            Path(directory, "compile_commands.json").write_text(json.dumps(database))
            found = tidy.CHECKS[check](tidy.Tree(directory), options)
            return [f"{f.file}:{f.line}" for f in found]

    def assert_finds(self, check, file, line, text, **more):
        self.assertEqual(self.findings(check, {file: text, **more}), [f"{file}:{line}"])

    def assert_allows(self, check, file, text):
        self.assertEqual(self.findings(check, {file: text}), [])

    def test_good_tree_passes_every_check(self):
        for check in tidy.CHECKS:
            with self.subTest(check):
                self.assertEqual(self.findings(check, {".clang-tidy": "Checks: '-*,bugprone-use-after-move'\n"}), [])

    def test_room_that_includes_a_room_it_may_not_use(self):
        self.assert_finds("rooms", "proxy/mqtt/a.cpp", 2, '// Some file of mqtt.\n#include "policy/policy.hpp"\n')
        self.assert_finds("rooms", "proxy/net/a.cpp", 2, '// Some file of net.\n#include "proxy/mqtt/connect.hpp"\n')
        self.assert_allows("rooms", "proxy/inspect/a.cpp", '// Some file of inspect.\n#include "proxy/mqtt/connect.hpp"\n')

    def test_include_that_is_not_from_the_root(self):
        self.assert_finds("rooms", "proxy/wire/a.cpp", 2, '// Some file of wire.\n#include "worth.hpp"\n')

    def test_pure_room_with_clock_thread_io_or_system_header(self):
        for header in ("thread", "fstream", "sys/socket.h", "boost/asio.hpp", "ctime", "iostream"):
            with self.subTest(header):
                self.assert_finds("rooms", "proxy/mqtt/a.cpp", 2, f"// Some file of mqtt.\n#include <{header}>\n")

    def test_foreign_header_outside_its_place(self):
        self.assert_finds("rooms", "policy/judge.cpp", 2, "// Some file of policy.\n#include <toml++/toml.h>\n")
        self.assert_allows("rooms", "policy/parse.cpp", "// The parser of policy.\n#include <toml++/toml.h>\n")
        self.assert_finds("rooms", "proxy/gate/a.cpp", 2, "// Some file of gate.\n#include <boost/beast.hpp>\n")
        self.assert_finds("rooms", "proxy/net/a.cpp", 2, "// Some file of net.\n#include <spdlog/spdlog.h>\n")

    def test_room_that_nobody_knows(self):
        self.assert_finds("rooms", "proxy/attic/a.cpp", 1, "// Some file of no room.\n")

    def test_each_banned_call(self):
        for call in ("strcpy(a, b);", "std::sprintf(a, b);", "gets(a);", "int a = rand();", "srand(1);", 'system("ls");',
                     "std::this_thread::sleep_for(a);", "usleep(1);", "std::regex a;", "using namespace std;", "a = NULL;",
                     "localtime(&a);", "strtok(a, b);", "atoi(a);", "strerror(a);", "out << std::endl;", "std::stoi(a);",
                     "boost::asio::ssl::stream a;", 'std::cout << "a";', "alloca(9);"):
            with self.subTest(call):
                self.assert_finds("banned", "proxy/net/a.cpp", 2, f"// Some file of net.\n{call}\n")

    def test_clock_in_a_pure_room_only(self):
        self.assert_finds("banned", "policy/a.cpp", 2, "// Some file of policy.\nauto a = std::chrono::steady_clock::now();\n")
        self.assert_allows("banned", "proxy/net/a.cpp", "// Some file of net.\nauto a = std::chrono::steady_clock::now();\n")

    def test_banned_words_in_comments_and_literals_are_harmless(self):
        self.assert_allows("banned", "proxy/net/a.cpp", '// Never call rand() or system().\nauto a = "strcpy(x)"; /* NULL */\n')
        self.assert_allows("banned", "proxy/net/a.cpp", '// A raw literal, a digit separator.\nauto a = R"(gets(x) ")"; int b = 1\'000;\n')

    def test_names_that_only_end_like_banned_ones_are_harmless(self):
        self.assert_allows("banned", "proxy/net/a.cpp", "// Some file of net.\noperand(1); file.system(2); gmtime_r(&a, &b);\n")

    def test_test_without_a_claim(self):
        empty, claims = "TEST(A, DoesNothing) {\n  run();\n}\n", "TEST(A, ClaimsSomething) {\n  EXPECT_EQ(1, run());\n}\n"
        self.assert_finds("banned", "tests/unit/wire/a_test.cpp", 5, "// Some test of wire.\n" + claims + empty)
        self.assert_finds("banned", "tests/unit/wire/a_test.cpp", 2, "// Some test of wire.\n" + empty + claims)

    def test_source_that_no_list_names(self):
        self.assert_finds("orphans", "proxy/wire/forgotten.cpp", 1, "// Some file of wire.\n")
        self.assert_finds("orphans", "proxy/wire/orth.cpp", 1, "// Its name ends another's.\n")
        self.assert_finds("orphans", "proxy/wire/b.cpp", 1, "// Named in a comment.\n",
                          **{"proxy/CMakeLists.txt": "# wire/b.cpp\nadd_subdirectory(wire)\n"})
        self.assert_finds("orphans", "docs/a.cpp", 1, "// In a place where nothing is built.\n")
        self.assert_finds("orphans", "examples/a.cpp", 1, "// In the language of the rooms.\n")

    def test_source_of_c_is_held_to_order_too(self):
        self.assert_finds("orphans", "examples/a.c", 1, "// A device that nobody builds.\n")
        self.assert_finds("orphans", "proxy/a.c", 1, "// A room in another language.\n", **{"proxy/CMakeLists.txt": "a.c\n"})
        self.assert_finds("orphans", "examples/lonely.h", 1, "// Some header of C.\n")
        self.assert_finds("first-lines", "examples/a.c", 1, "int a;\n")
        self.assert_finds("format", "examples/a.c", 2, "// A device in disorder.\nint a  =  1;\n")
        self.assert_finds("banned", "examples/a.c", 2, "// A device with a copy.\nvoid f(char* a) { strcpy(a, b); }\n")
        self.assert_allows("banned", "examples/a.c", "// A device of C.\nint* a = NULL;\n")

    def test_header_that_nothing_includes(self):
        self.assert_finds("orphans", "proxy/wire/lonely.hpp", 1, "// Some header of wire.\n#pragma once\n")

    def test_first_line_that_says_nothing(self):
        self.assert_finds("first-lines", "proxy/wire/a.cpp", 1, '#include "proxy/wire/worth.hpp"\n')
        self.assert_finds("first-lines", "proxy/wire/a.cpp", 1, "// a.cpp\n")
        self.assert_finds("first-lines", "proxy/wire/a.cpp", 1, "")
        self.assert_finds("first-lines", "proxy/wire/a.hpp", 1, "// A header without its guard.\nint a();\n")

    def test_leftovers(self):
        for text in ("TO" + "DO: later", "// FIX" + "ME", "-----BEGIN EC PRIVATE " + "KEY-----", "-----BEGIN PRIVATE " + "KEY-----",
                     "see /wo" + "rk/main", "in /ro" + "ot/x", "/home/" + "someone/x", "https://registry." + "npmjs.org/mqtt", "blank "):
            with self.subTest(text):
                self.assert_finds("leftovers", "docs/a.md", 2, f"A document.\n{text}\n")
        self.assert_allows("leftovers", "docs/a.md", "A framework/library, $d/root/x, see network/roots; -----BEGIN CERTIFICATE-----\n")

    def test_document_that_has_drifted(self):
        shown = {"examples/home-gateway/policy.toml": "schema = 1\n", "policy/reason.hpp": "enum class Reason : int {\n  ip_denied,  // why\n  count_\n};\n"}
        readme = "# Name\n```toml\nschema = 1\n```\n`ip_denied` [docs](docs/a.md)\n"
        self.assertEqual(self.findings("documents", {**shown, "docs/a.md": "See [the readme](../README.md#name).\n", "README.md": readme}), [])
        self.assert_finds("documents", "README.md", 5, readme, **shown)
        shown["docs/a.md"] = "A document.\n"
        self.assert_finds("documents", "README.md", 1, readme.replace("schema = 1", "schema = 2"), **shown)
        self.assert_finds("documents", "README.md", 1, readme.replace("ip_denied", "ip_allowed"), **shown)

    def test_conformance_table(self):
        row = "| MQTT-3.3.2-2 | no wildcard | both | refuses | `Bad.IsRefused/plus` |\n"
        test = {"tests/unit/wire/worth_test.cpp": '// Tests of worth.\nTEST_P(Bad, IsRefused) { EXPECT_EQ("plus", a); }\n'}
        page = "docs/conformance.md"
        self.assertEqual(self.findings("conformance", {page: row, **test}), [])
        self.assertEqual(self.findings("conformance", {page: row + "## Another version\n" + row, **test}), [])
        self.assert_finds("conformance", page, 1, row.replace("IsRefused", "WasRefused"), **test)
        self.assert_finds("conformance", page, 1, row.replace("plus", "minus"), **test)
        self.assert_finds("conformance", page, 1, row.replace("`Bad.IsRefused/plus`", "one day"), **test)
        self.assert_finds("conformance", page, 1, row.replace("`Bad.IsRefused/plus`", ""), **test)
        self.assert_finds("conformance", page, 2, row + row, **test)
        cited = '// Says what a thing is worth, see [MQTT-3.3.2-2] and [MQTT-3.3.2-9].\n#pragma once\n'
        self.assert_finds("conformance", "proxy/wire/worth.hpp", 1, cited, **{page: row, **test})

    def test_scripts(self):
        good = "#!/usr/bin/env bash\n# Does this and that.\nset -euo pipefail\n"
        self.assertEqual(self.findings("scripts", {"tool": good}), [])
        self.assert_finds("scripts", "plain", 1, good)
        self.assert_finds("scripts", "tool", 2, good.replace("# Does this and that.\n", ""))
        self.assert_finds("scripts", "tool", 1, good.replace("set -euo pipefail\n", ""))
        self.assert_finds("scripts", "tool", 1, good + "if then\n")

    def test_header_that_does_not_compile_alone(self):
        self.assert_finds("headers", "proxy/wire/a.hpp", 1, "// A header that leans on others.\n#pragma once\nstd::string a();\n")

    def test_file_that_clang_format_would_change(self):
        self.assert_finds("format", "proxy/wire/a.cpp", 2, "// Some file of wire.\nint  a( ) ;\n")

    def test_file_is_looked_at_again_when_a_header_that_it_includes_changes(self):
        with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryDirectory() as build:
            options = argparse.Namespace(jobs=1, build=build)
            part, whole = Path(directory, "policy/part.hpp"), Path(directory, "policy/whole.hpp")
            part.parent.mkdir()
            whole.write_text('// A header made of another.\n#pragma once\n#include "policy/part.hpp"\nusing Whole = Part;\n')
            for name, expected in (("Part", []), ("Part", []), ("Other", ["policy/whole.hpp"]), ("Part", [])):
                part.write_text(f"// A header for others.\n#pragma once\nstruct {name} {{}};\n")
                found = tidy.CHECKS["headers"](tidy.Tree(directory), options)
                self.assertEqual([f.file for f in found], expected)

    def test_fault_that_clang_tidy_knows(self):
        moved = ("// Some file of wire.\n#include <string>\n#include <utility>\nvoid take(std::string);\n"
                 "std::size_t a(std::string s) {\n  take(std::move(s));\n  return s.size();\n}\n")
        self.assertEqual(self.findings("clang-tidy", {"proxy/wire/a.cpp": moved,
                                                      ".clang-tidy": "Checks: '-*,bugprone-use-after-move'\n"}), ["proxy/wire/a.cpp:7"])


if __name__ == "__main__":
    unittest.main()
