#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/tidy: each rule finds its bad sample, and finds nothing in a good tree."""
import importlib.util
from importlib.machinery import SourceFileLoader
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TIDY = os.path.normpath(os.path.join(HERE, "..", "..", "tidy"))
LOADER = SourceFileLoader("tidy", TIDY)
tidy = importlib.util.module_from_spec(importlib.util.spec_from_loader("tidy", LOADER))
LOADER.exec_module(tidy)

BUILD = "# SPDX-License-Identifier: Apache-2.0\n"
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
GOOD = {
    "meson.build": BUILD,
    "lib/base/meson.build": BUILD + "base_sources = files(\n  'ring.c',\n)\n",
    "lib/base/ring.h": SPDX + "#pragma once\n\nint ring_push(int value);\n",
    "lib/base/ring.c": SPDX + '#include "base/ring.h"\n\n#include <string.h>\n\n'
                       "int ring_push(int value)\n{\n\treturn value;\n}\n",
    "tests/unit/base/meson.build": BUILD + "foreach t : ['ring']\n",
    "tests/unit/base/test_ring.c": SPDX + '#include "base/ring.h"\n',
    "run": "#!/usr/bin/env bash\n# SPDX-License-Identifier: Apache-2.0\ntrue\n",
}


def findings(changes):
    """The (rule, path, line)s found in the good tree with some files added or replaced."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**GOOD, **changes}.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as sample:
                sample.write(text)
        _, found = tidy.check(root)
    return {(rule, path, line) for path, line, rule, _ in found}


def with_line(line):
    """ring.c with one more line, its line 9, inside the function."""
    return {"lib/base/ring.c": GOOD["lib/base/ring.c"][:-2] + "\t" + line + "\n}\n"}


BAD = {
    "file_size": ("lib/base/ring.c", 801, {
        "lib/base/ring.c": GOOD["lib/base/ring.c"] + "\n" * 800}),
    "function_size": ("lib/base/ring.c", 7, {
        "lib/base/ring.c": GOOD["lib/base/ring.c"][:-2] + "\t;\n" * 70 + "}\n"}),
    "columns": ("lib/base/ring.c", 9, with_line("/* " + "x" * 95 + " */")),
    "whitespace": ("lib/base/ring.c", 9, with_line("; ")),
    "licence": ("run", 1, {"run": "#!/usr/bin/env bash\ntrue\n"}),
    "pragma_once": ("lib/base/ring.h", 1, {"lib/base/ring.h": SPDX + "/* #pragma once */\n"}),
    "include_direction": ("lib/base/ring.h", 3, {
        "lib/base/ring.h": SPDX + '#pragma once\n#include "proto/link.h"\n',
        "proto/link.h": SPDX + '#pragma once\n#include "base/ring.h"\n'}),
    "include_form": ("lib/base/ring.h", 3, {
        "lib/base/ring.h": SPDX + '#pragma once\n#include "other.h"\n'}),
    "daemon_only": ("lib/base/ring.c", 9, with_line("time(NULL);")),
    "banned_call": ("lib/base/ring.c", 9, with_line("strcpy(a, b);")),
    "leftover": ("run", 3, {"run": GOOD["run"].replace("true", "# TODO the rest")}),
    "machine_path": ("run", 3, {"run": GOOD["run"].replace("true", "ls /" + "work/main")}),
    "private_header": ("daemon/main.c", 2, {
        "daemon/meson.build": GOOD["meson.build"] + "files('main.c')\n",
        "daemon/main.c": SPDX + '#include "base/ring_private.h"\n',
        "lib/base/ring_private.h": SPDX + "#pragma once\n"}),
    "dead_source": ("lib/base/dead.c", 1, {
        "lib/base/dead.c": SPDX,
        "lib/base/meson.build": GOOD["lib/base/meson.build"] + "# 'dead.c'\n"}),
    "dead_header": ("lib/base/dead.h", 1, {"lib/base/dead.h": SPDX + "#pragma once\n"}),
}


def run_tidy(root):
    return subprocess.run([sys.executable, TIDY, "--root", root], capture_output=True, text=True,
                          check=False)


class Tidy(unittest.TestCase):
    def test_good_tree(self):
        self.assertEqual(findings({}), set())

    def test_every_rule_has_a_sample(self):
        self.assertEqual(set(BAD), {rule.__name__ for rule in tidy.RULES})

    def test_each_rule_finds_its_sample_and_nothing_else(self):
        for rule, (path, line, changes) in BAD.items():
            with self.subTest(rule=rule):
                self.assertEqual(findings(changes), {(rule, path, line)})

    def test_every_banned_call(self):
        for name in tidy.BANNED_CALLS:
            with self.subTest(name=name):
                self.assertEqual(findings(with_line(f"x = {name}(y);")),
                                 {("banned_call", "lib/base/ring.c", 9)})

    def test_every_clock_and_socket(self):
        for name in tidy.CLOCK_CALLS:
            with self.subTest(name=name):
                self.assertEqual(findings(with_line(f"{name}(y);")),
                                 {("daemon_only", "lib/base/ring.c", 9)})
        for header in ("uv.h", "sys/socket.h", "netinet/in.h", "netinet/tcp.h", "curl/curl.h"):
            with self.subTest(header=header):
                changes = {"lib/base/ring.h": SPDX + f"#pragma once\n#include <{header}>\n"}
                self.assertEqual(findings(changes), {("daemon_only", "lib/base/ring.h", 3)})

    def test_the_daemon_may(self):
        self.assertEqual(findings({
            "daemon/meson.build": GOOD["meson.build"] + "files('main.c')\n",
            "daemon/main.c": SPDX + '#include <uv.h>\n#include "base/ring.h"\nint x = time(0);\n',
        }), set())

    def test_comments_texts_and_longer_names_are_no_calls(self):
        for line in ("/* strcpy(a, b) */", 'say("strcpy(a)");', "my_strcpy(a);", "o->time(a);",
                     "static_assert(1, \"\");", "assert_int_equal(a, b);"):
            with self.subTest(line=line):
                self.assertEqual(findings(with_line(line)), set())

    def test_floors_within_lib(self):
        meson = GOOD["lib/base/meson.build"].replace("base", "feed").replace("ring", "run")
        for folder, allowed in (("crypto", True), ("feed", True), ("store", False)):
            with self.subTest(folder=folder):
                found = findings({
                    "lib/feed/meson.build": meson,
                    "lib/feed/run.c": SPDX + f'#include "{folder}/thing.h"\n',
                    f"lib/{folder}/thing.h": SPDX + "#pragma once\n",
                })
                self.assertEqual(found, set() if allowed else
                                 {("include_direction", "lib/feed/run.c", 2)})

    def test_data_of_others_is_left_alone(self):
        samples = {"tests/data/page.html": "TODO", "tests/data/x.js": "x  \n"}
        self.assertEqual(findings(samples), set())

    def test_exit_code_and_line(self):
        with tempfile.TemporaryDirectory() as root:
            with open(os.path.join(root, "bad.sh"), "w", encoding="utf-8") as sample:
                sample.write("true\n")
            ran = run_tidy(root)
            self.assertEqual(ran.returncode, 1)
            self.assertRegex(ran.stdout, r"^bad\.sh:1: licence: put the line")
        with tempfile.TemporaryDirectory() as root:
            ran = run_tidy(root)
            self.assertEqual(ran.returncode, 1, "an empty tree is a mistake, not a success")


if __name__ == "__main__":
    unittest.main()
