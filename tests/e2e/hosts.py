# SPDX-License-Identifier: Apache-2.0
"""Cities on hosts of their own: network namespaces, joined by veth pairs and one switch.

    with Workspace() as space, Hosts(8) as hosts:
        federation = Federation(space, names, on=hosts.on)
        hosts.delay(100)                              # ms under way, each direction
        hosts[0].rate("2mbit"); hosts[0].loss(5)      # what this host sends; what it receives
        hosts.part(hosts[:4], hosts[4:])              # nothing passes between the two
        hosts.heal()

Packets are real, and so is each host's TCP. Needs root (or the right to make namespaces), ip, tc
and nft: missing() says in one sentence what this machine lacks.
"""
import atexit
import os
import pathlib
import shutil
import signal
import subprocess
import sys

WIRE = pathlib.Path(__file__).resolve().parent / "wire.py"
SUBNET = "10.77.0"
SUBNET6 = "fd77::"
DEVICE = "eth0"
READY_BOUND_S = 10


def run(*words, text=None):
    done = subprocess.run(words, input=text, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def missing():
    """Why no hosts can be made here; None if they can."""
    for tool in ("ip", "tc", "nft"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    name = f"hansa-{os.getpid()}-try"
    try:
        run("ip", "netns", "add", name)
    except OSError as error:
        return f"no right to make a network namespace ({error})"
    try:
        run("ip", "-n", name, "link", "add", "name", "try0", "type", "veth", "peer",
            "name", "try1")
        run("tc", "-n", name, "qdisc", "add", "dev", "try0", "root", "tbf", "rate", "2mbit",
            "burst", "16k", "latency", "400ms")
        run("ip", "netns", "exec", name, "nft", "-f", "-", text=LOSS.format(percent=5))
    except OSError as error:
        return f"this kernel lacks what the hosts need ({error})"
    finally:
        run("ip", "netns", "del", name)
    return None


LOSS = """
table inet loss {{
 chain input {{
  type filter hook input priority 0; policy accept;
  numgen random mod 100 < {percent} drop
 }}
}}
"""
# Neither what these send nor what they are sent.
DEAF = """
table inet partition {{
 chain input {{
  type filter hook input priority 0; policy accept;
  ip saddr {{ {v4} }} drop
  ip6 saddr {{ {v6} }} drop
 }}
}}
"""


class Host:
    def __init__(self, hosts, number):
        self.hosts = hosts
        self.number = number
        self.name = f"{hosts.prefix}-{number}"
        self.address = f"{SUBNET}.{number}"
        self.address6 = f"{SUBNET6}{number}"
        self.port = f"h{number}"  # the switch's end

    def make(self):
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", "name", DEVICE, "netns", self.name, "type", "veth", "peer", "name",
            self.port, "netns", self.hosts.switch_name)
        ip = ("ip", "-n", self.name)
        run(*ip, "link", "set", "lo", "up")
        run(*self.prefix(), sys.executable, str(WIRE), "--plain", DEVICE)
        run(*ip, "addr", "add", f"{self.address}/24", "dev", DEVICE)
        run(*ip, "addr", "add", f"{self.address6}/64", "dev", DEVICE, "nodad")
        run(*ip, "link", "set", DEVICE, "up")
        run("ip", "-n", self.hosts.switch_name, "link", "set", self.port, "up")

    def prefix(self):
        """What a command is put behind to run on this host."""
        return ("ip", "netns", "exec", self.name)

    def _rules(self, table, text):
        # One transaction: made first, so that deleting it never fails.
        run(*self.prefix(), "nft", "-f", "-",
            text=f"add table inet {table}\ndelete table inet {table}\n{text}")

    def rate(self, rate):
        """tc's words, such as 2mbit; None: as fast as it goes."""
        if rate:
            run("tc", "-n", self.name, "qdisc", "replace", "dev", DEVICE, "root", "tbf", "rate",
                rate, "burst", "16k", "latency", "200ms")
        else:
            run("tc", "-n", self.name, "qdisc", "del", "dev", DEVICE, "root")

    def loss(self, percent):
        """Of what it receives."""
        self._rules("loss", LOSS.format(percent=percent) if percent else "")

    def deaf(self, others):
        """Drops what comes from these hosts; what it sends them goes on."""
        self._rules("partition", DEAF.format(
            v4=", ".join(host.address for host in others),
            v6=", ".join(host.address6 for host in others)) if others else "")

    def link(self, up):
        """Its cable is in, or out."""
        run("ip", "-n", self.hosts.switch_name, "link", "set", self.port, "up" if up else "down")


class Hosts:
    def __init__(self, count):
        self.prefix = f"hansa-{os.getpid()}"
        self.switch_name = f"{self.prefix}-switch"
        self.hosts = [Host(self, number + 1) for number in range(count)]
        self.switch = None
        atexit.register(self.close)
        run("ip", "netns", "add", self.switch_name)
        for host in self.hosts:
            host.make()
        self.switch = subprocess.Popen(
            ["ip", "netns", "exec", self.switch_name, sys.executable, str(WIRE),
             *[host.port for host in self.hosts]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.switch.stdout.readline().strip() != "ready":
            raise OSError("the switch did not start")

    def __getitem__(self, key):
        return self.hosts[key]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def on(self, number, city):
        """Puts a city on its host: Federation's `on`."""
        host = self.hosts[number]
        city.prefix = host.prefix()
        city.listen = f"{host.address}:0"

    def delay(self, milliseconds):
        self.switch.stdin.write(f"delay {milliseconds}\n")
        self.switch.stdin.flush()

    def part(self, some, others):
        for host in some:
            host.deaf(others)
        for host in others:
            host.deaf(some)

    def heal(self):
        for host in self.hosts:
            host.deaf([])

    def close(self):
        if self.switch:
            self.switch.send_signal(signal.SIGTERM)
            self.switch.wait(READY_BOUND_S)
            self.switch = None
        for name in [host.name for host in self.hosts] + [self.switch_name]:
            if os.path.exists(f"/run/netns/{name}"):
                run("ip", "netns", "del", name)
