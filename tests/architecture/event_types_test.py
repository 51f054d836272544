"""Every type of event that the code writes into the audit log stands in appliance/audit/FORMAT.md, and nothing else does.

Arguments: the repository's root.
"""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv[1])
# A type is a literal where an event begins: recorder.event("a.b"), Event first("a.b", ...), and functions that are handed the
# type for it: factor_event(recorder, "a.b", ...), log_order(recorder, "a.b", ...), refusals.record("a.b", ...).
BEGINS = re.compile(r'\b(?:\w*event|Event(?:\s+\w+)?|log_order|record)\s*\(\s*(?:recorder\s*,\s*)?"([a-z]+\.[a-z_]+)"')
# Programs and files that read the log, or the log of somebody else.
READERS = ("appliance/audit/verify/", "appliance/sigillo-audit/", "appliance/sigilloctl/")


def written(root):
    """{type: the files that write it}"""
    found = {}
    for path in sorted((root / "appliance").rglob("*.cc")):
        name = path.relative_to(root).as_posix()
        if not name.startswith(READERS):
            for kind in BEGINS.findall(path.read_text(encoding="utf-8")):
                found.setdefault(kind, set()).add(name)
    return found


def described(text):
    """The types of the headings and of the first column of the table in part 2 of FORMAT.md."""
    part = text[text.index("## 2. Leaves"):text.index("## 3. In the store")]
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    alone = [line for line in part.splitlines() if re.fullmatch(r"`[a-z]+\.[a-z_]+`", line)]
    return {kind for row in rows + alone for kind in re.findall(r"`([a-z]+\.[a-z_]+)`", row)}


class EventTypes(unittest.TestCase):
    def test_the_code_writes_what_the_format_describes_and_nothing_else(self):
        code = written(ROOT)
        text = described((ROOT / "appliance/audit/FORMAT.md").read_text(encoding="utf-8"))
        self.assertEqual({}, {kind: files for kind, files in code.items() if kind not in text}, "not described")
        self.assertEqual(set(), text - set(code), "described, but written nowhere")
        self.assertGreater(len(text), 25)

    def test_each_way_to_begin_an_event_is_seen(self):
        for line in ('auto e = recorder.event("a.b");', 'Event first("a.b", now);', 'Event("a.b", now)',
                     'recorder.log(factor_event(recorder, "a.b", id))', 'refusals.record(\n    "a.b", id)',
                     'log_order(recorder, "a.b", order)'):
            self.assertEqual(["a.b"], BEGINS.findall(line), line)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
