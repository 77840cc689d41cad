#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The blocks of docs/admin.md that a newcomer pastes do what it says; what is installed fits."""
import os
import re
import shutil
import signal
import subprocess
import sys

from harness import BUILD, SOURCE, Workspace

BOUND_S = 60


def blocks():
    text = (SOURCE / "docs" / "admin.md").read_text()
    found = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    assert len(found) == 3, len(found)
    return "\n".join(found)


def three_cities_by_hand(space):
    folder = space.path / "hansa"
    folder.mkdir()
    for name in ("config", "tests", "README.md", "LICENSE"):
        (folder / name).symlink_to(SOURCE / name)
    (folder / "build").symlink_to(BUILD)
    script = "set -e\n" + blocks()
    process = subprocess.Popen(["bash", "-c", script], cwd=folder, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        out, err = process.communicate(timeout=BOUND_S)
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)  # its daemons, if it failed before its end
        except ProcessLookupError:
            pass
    assert process.returncode == 0, f"{process.returncode}\n{out}\n{err}"
    assert out.count(": good") == 3, out
    assert len(re.findall(r" is confirmed in pact, by amendment ", out)) == 2, out
    for city in ("budapest", "bratislava", "prague"):
        assert re.search(rf"^{city} .* active ", out, re.M), out
    assert "pact/bratislava/doc/1" in out and "VERIFIED" in out and "live" in out, out
    assert (folder / "trial" / "LICENSE").read_bytes() == (SOURCE / "LICENSE").read_bytes()


def installed(space):
    """The unit starts the hansad that is installed, and the guide's other files are there."""
    root = space.path / "root"
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root],
                   check=True, capture_output=True, timeout=BOUND_S)
    unit = next(root.rglob("hansad.service")).read_text()
    programs = re.findall(r"^Exec(?:Start|StartPre)=(\S+)", unit, re.M)
    assert len(programs) == 2, unit
    for program in programs:
        assert os.access(f"{root}{program}", os.X_OK), program
    prefix = next(root.rglob("hansad.service")).parents[3]
    for path in ("bin/hansa", "share/man/man1/hansa.1", "share/man/man8/hansad.8",
                 "share/hansa/mappings/eu-horizon.yaml"):
        assert (prefix / path).exists(), path


def commands_exist():
    """Each `hansa COMMAND` and `./run VERB` that the guide and the README name is there."""
    text = (SOURCE / "docs" / "admin.md").read_text() + (SOURCE / "README.md").read_text()
    usage = subprocess.run([BUILD / "hansa", "--help"], capture_output=True, text=True, check=True)
    verbs = set(re.findall(r"^  ([a-z]+)", usage.stdout, re.M))
    named = set(re.findall(r"`hansa ([a-z]+)", text))
    assert len(named) > 8 and not named - verbs, named - verbs
    usage = subprocess.run([SOURCE / "run", "help"], capture_output=True, text=True, check=True)
    verbs = set(re.findall(r"^  ([a-z]+)", usage.stdout, re.M))
    named = set(re.findall(r"\./run ([a-z]+)", text))
    assert len(named) > 3 and not named - verbs, named - verbs


def main():
    if not shutil.which("meson"):
        print("skipped: no meson to install with")
        return 77
    commands_exist()
    with Workspace() as space:
        installed(space)
        three_cities_by_hand(space)
    return 0


if __name__ == "__main__":
    sys.exit(main())
