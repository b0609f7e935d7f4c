"""Holds docs/conformance.md to the sources: the tests that it names, and the statements that sources name."""
import re

PAGE = "docs/conformance.md"
STATEMENT = re.compile(r"MQTT-\d+\.\d+\.\d+-\d+|MQTT-3-8\.3-4")  # the last is one of 3.1.1's own misprints
# A test of the table, `Suite.Name`, or one row of it, `Suite.Name/row`.
NAMED_TEST = re.compile(r"`([A-Z]\w*)\.(\w+)(?:/(\w+))?`")


def tests_by_name(tree, test_case):
    """Where each `Suite.Name` stands; more than one file where suites of different rooms have one name."""
    places = {}
    for file in tree.sources(".cpp"):
        if file.startswith("tests/"):
            for suite, name in test_case.findall(tree.text(file)):
                places.setdefault(f"{suite}.{name}", []).append(file)
    return places


def complaints(tree, test_case):
    """What is wrong with the page, and with what sources say of it, as (file, line, message)."""
    if PAGE not in tree.files:
        return
    places = tests_by_name(tree, test_case)
    known, seen = set(), set()
    for number, line in enumerate(tree.text(PAGE).splitlines(), 1):
        if line.startswith("#"):
            seen = set()
        for suite, name, row in NAMED_TEST.findall(line):
            files = places.get(f"{suite}.{name}", [])
            if not files:
                yield PAGE, number, f"there is no test {suite}.{name}"
            elif row and not any(f'"{row}"' in tree.text(file) for file in files):
                yield PAGE, number, f"{suite}.{name} has no row '{row}'"
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| MQTT-"):
            continue
        if not STATEMENT.fullmatch(cells[0]) or cells[0] in seen:
            yield PAGE, number, f"{cells[0]} is no statement, or stands here twice"
        known.add(cells[0])
        seen.add(cells[0])
        if len(cells) != 5 or not all(cells):
            yield PAGE, number, f"{cells[0]}: five columns, and a proof or a reason in the last"
        elif cells[2] != "-" and "refuses" in cells[3] and not NAMED_TEST.search(cells[4]):
            yield PAGE, number, f"{cells[0]}: what is refused is proved by a test"
    for file in tree.sources():
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            for statement in re.findall(r"\[(MQTT-[^\]\s]+)\]", line):
                if statement not in known:
                    yield file, number, f"{statement} is not in {PAGE}"
