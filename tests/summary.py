#!/usr/bin/env python3
"""usage: tests/summary.py JUNIT.xml

Prints what failed, with its output, to the standard error, and for tests/run one line each, tab-separated: `passed N`,
`skipped NAME`, `failed NAME`.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as file:
        # Tests may print what XML can't hold.
        text = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd]", "?", file.read())
    passed = 0
    for case in ElementTree.fromstring(text).iter("testcase"):
        name = case.get("name")
        if case.find("failure") is not None or case.get("status") == "fail":
            print(f"failed\t{name}")
            print(f"\n-- {name}\n{(case.findtext('system-out') or '').rstrip()}\n", file=sys.stderr)
        elif case.get("status") == "run":
            passed += 1
        else:
            print(f"skipped\t{name}")
    print(f"passed\t{passed}")


if __name__ == "__main__":
    main()
