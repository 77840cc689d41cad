#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`./run demo --keep`: the cities go on running, and every line that it prints works as printed."""
import os
import pathlib
import re
import select
import subprocess
import sys

from harness import SOURCE, Failure, wait_until

DEMO_BOUND_S = 150
LINE_BOUND_S = 30
# {a word of the line: what its output has}
SAYS = {
    "cd": "", "status": "Budapest (budapest, HU)", "list alert": "pact/budapest/alert/",
    "list call": "", "show": "identifier:", "explain": "the signature is valid", "tail": "",
    "publish": "pact/budapest/alert/", "suspend": "prague is suspended in pact",
}


def shell(line, **options):
    return subprocess.Popen(["/bin/bash", "-c", line], cwd=SOURCE, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, start_new_session=True, **options)


def finished(line):
    process = shell(line)
    out, err = process.communicate(timeout=LINE_BOUND_S)
    if process.returncode:
        raise Failure(f"{line}: exit {process.returncode}: {err}")
    return out


def key_of(line):
    found = [key for key in SAYS if re.search(rf"(^|\s){key}(\s|$)", line)]
    assert len(found) == 1, f"{line}: {found}"
    return found[0]


def try_all(lines):
    """In their order; `tail` goes on, and shows what a later line publishes."""
    tail, done = None, {}
    for line in lines:
        key = key_of(line)
        if key == "tail":
            tail = shell("exec " + line)
            continue
        done[key] = finished(line)
        assert SAYS[key] in done[key], f"{line}: {done[key]}"
        if key == "publish":
            followed(tail, line, [done[key].split()[0]])
    tail.terminate()
    tail.communicate(timeout=LINE_BOUND_S)
    assert set(done) | {"tail"} == set(SAYS), set(SAYS) - set(done)


def followed(tail, line, published):
    """It shows one of what was published: it may have begun after the first."""
    for _ in range(LINE_BOUND_S):
        if select.select([tail.stdout], [], [], 1)[0]:
            seen = tail.stdout.readline()
            assert any(record_id in seen for record_id in published), f"tail: {seen}"
            return
        published.append(finished(line).split()[0])
    raise Failure("tail shows nothing of what is published")


def running(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"  # nobody waits for it here: whoever adopted it may be slow


def main():
    demo = subprocess.run([SOURCE / "tests" / "e2e" / "demo", "--keep"], cwd="/", text=True,
                          stdout=subprocess.PIPE, timeout=DEMO_BOUND_S, stdin=subprocess.DEVNULL)
    stop = re.search(r"^  stop: (kill ([\d ]+); rm -rf (\S+))$", demo.stdout, re.M)
    assert stop, demo.stdout
    try:
        assert demo.returncode == 0, demo.stdout
        assert all(running(pid) for pid in stop[2].split()), "a city ended with the demo"
        lines = re.findall(r"^  ((?:cd|HOME=|\S*/hansa) ?.*)$", demo.stdout, re.M)
        try_all(lines)
    finally:
        finished(stop[1])
    wait_until(lambda: not any(running(pid) for pid in stop[2].split()), 15, "the cities end")
    assert not os.path.exists(stop[3])
    return 0


if __name__ == "__main__":
    sys.exit(main())
