#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/count: what it adds up, and that it never calls an empty or failed run good."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

COUNT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "count")


def count(logs, *options):
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, results in enumerate(logs):
            paths.append(os.path.join(folder, f"{number}.json"))
            with open(paths[-1], "w", encoding="utf-8") as log:
                for result in results:
                    log.write(json.dumps({"name": "t", "result": result}) + "\n")
        ran = subprocess.run([sys.executable, COUNT, *options, *paths], capture_output=True,
                             text=True, check=False)
    return ran.returncode, ran.stdout.splitlines()[-1]


class Count(unittest.TestCase):
    def test_adds_up_logs(self):
        self.assertEqual(count([["OK", "SKIP"], ["OK", "EXPECTEDFAIL"]]),
                         (0, "3 passed, 0 failed, 1 skipped"))

    def test_every_other_result_is_a_failure(self):
        for result in ("FAIL", "TIMEOUT", "ERROR", "UNEXPECTEDPASS", "INTERRUPT", "anything"):
            self.assertEqual(count([["OK", result]]), (1, "1 passed, 1 failed, 0 skipped"))

    def test_nothing_ran(self):
        self.assertEqual(count([]), (1, "0 passed, 0 failed, 0 skipped"))
        self.assertEqual(count([["SKIP"]]), (1, "0 passed, 0 failed, 1 skipped"))

    def test_a_build_that_broke_counts(self):
        self.assertEqual(count([["OK"]], "--broken", "2"), (1, "1 passed, 2 failed, 0 skipped"))


if __name__ == "__main__":
    unittest.main()
