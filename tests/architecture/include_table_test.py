"""The include table holds for this repository, and its checker catches what it is there to catch.

Arguments: the repository's root.
"""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import include_table  # noqa: E402

ROOT = pathlib.Path(sys.argv[1])
TABLE = """
layer base  | lib/base  |
layer store | lib/store | base
layer top   | app       | store base
layer tests | tests/*   | *
foreign lmdb.h | lib/store
foreign toml++/* | lib/base/config.cc
"""


class IncludeTable(unittest.TestCase):
    def offences(self, files, table=TABLE):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return include_table.check(pathlib.Path(folder), include_table.Table(table))[0]

    def assert_caught(self, words, files, table=TABLE):
        found = self.offences(files, table)
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])

    def test_holds_for_this_repository(self):
        table = include_table.Table((ROOT / "tests/architecture/layers.txt").read_text(encoding="utf-8"))
        offences, count = include_table.check(ROOT, table)
        self.assertEqual([], offences, "\n".join(offences))
        self.assertGreater(count, 100)

    def test_a_tree_that_keeps_to_the_table_passes(self):
        self.assertEqual([], self.offences({
            "lib/base/a.h": "#include <vector>\n#include <sys/stat.h>\n",
            "lib/base/config.cc": '#include <toml++/toml.h>\n#include "lib/base/a.h"\n',
            "lib/store/s.cc": '#include <lmdb.h>\n#include "lib/base/a.h"\n',
            "app/main.cc": '#include "lib/base/a.h"\n',
            "tests/app/t.cc": '#include "app/main.cc"\n',
            "build/generated.cc": '#include "anything"\n'}))

    def test_a_layer_that_looks_up_is_caught(self):
        self.assert_caught("base may not include layer store",
                           {"lib/base/a.h": '#include "lib/store/s.h"\n', "lib/store/s.h": ""})

    def test_product_code_that_includes_a_test_is_caught(self):
        self.assert_caught("may not include layer tests", {"app/a.cc": '#include "tests/app/t.h"\n', "tests/app/t.h": ""})

    def test_spacing_and_indentation_do_not_hide_an_include(self):
        self.assert_caught("may not include", {"lib/base/a.h": ' #  include  "lib/store/s.h"\n', "lib/store/s.h": ""})

    def test_a_foreign_header_outside_its_place_is_caught(self):
        self.assert_caught("<lmdb.h> is not for this place", {"app/a.cc": "#include <lmdb.h>\n"})

    def test_a_foreign_header_in_another_file_of_the_folder_is_caught(self):
        self.assert_caught("is not for this place", {"lib/base/other.cc": "#include <toml++/toml.h>\n"})

    def test_a_foreign_header_that_no_row_knows_is_caught(self):
        self.assert_caught("without a row", {"app/a.cc": "#include <boost/asio.hpp>\n"})

    def test_a_folder_without_a_row_is_caught(self):
        self.assert_caught("has no row", {"lib/base/deeper/a.cc": ""})

    def test_an_include_relative_to_its_own_folder_is_caught(self):
        self.assert_caught("as seen from the root", {"lib/base/a.cc": '#include "a.h"\n', "lib/base/a.h": ""})

    def test_two_files_that_include_each_other_are_caught(self):
        self.assert_caught("files include each other", {"lib/base/a.h": '#include "lib/base/b.h"\n',
                                                        "lib/base/b.h": '#include "lib/base/a.h"\n'})

    def test_a_circle_in_the_table_is_caught(self):
        self.assert_caught("the table has a circle", {"lib/a/a.h": ""}, "layer a | lib/a | b\nlayer b | lib/b | a\n")

    def test_a_table_that_names_an_unknown_layer_is_refused(self):
        with self.assertRaisesRegex(ValueError, "which is no layer"):
            include_table.Table("layer a | lib/a | typo\n")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
