#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A switch of Ethernet frames that takes its time: what hosts.py puts between its hosts.

    wire.py PORT...          the interfaces that it joins, in its own network namespace
    wire.py --plain PORT     makes this interface send whole, summed packets of one MTU, then ends

A line of standard input, `delay MS`, sets how long every further frame is under way; `ready` on
standard output says that it switches. The reference kernel has no netem; this does its part, in
order, and loses nothing: loss, partitions and rates are nft's and tbf's, at the hosts.
"""
import collections
import ctypes
import fcntl
import os
import select
import socket
import struct
import sys
import time

ALL_PROTOCOLS = 3  # ETH_P_ALL, <linux/if_ether.h>
PACKET_OUTGOING = 4
MULTICAST = 1  # the bit of a MAC's first byte
FRAME_MAX = 65536
SIOCETHTOOL = 0x8946
IFREQ_BYTES = 40
# <linux/ethtool.h>: what would be left to the device
OFFLOADS = [
    0x17,  # ETHTOOL_STXCSUM: checksums
    0x1F,  # ETHTOOL_STSO: segments
    0x24,  # ETHTOOL_SGSO
    0x2C,  # ETHTOOL_SGRO
]


def plain(name):
    """A frame is copied by a program here: nothing may be left for a device to complete."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for command in OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("II", command, 0), 8)
            request = struct.pack("16sP", name.encode(), ctypes.addressof(value))
            fcntl.ioctl(control, SIOCETHTOOL, request.ljust(IFREQ_BYTES, b"\0"))


def port(name):
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    end.bind((name, 0))
    end.setblocking(False)
    return end


class Switch:
    def __init__(self, names):
        self.ports = [port(name) for name in names]
        self.delay_s = 0.0
        self.under_way = collections.deque()  # (due, frame, from), in order of due
        self.homes = {}  # MAC: the port behind which it was seen

    def take(self, source):
        """At most some frames at once, so that those under way are not late."""
        for _ in range(64):
            try:
                frame, address = source.recvfrom(FRAME_MAX)
            except BlockingIOError:
                return
            except OSError:  # the interface was set down
                return
            if address[2] == PACKET_OUTGOING or len(frame) < 14:
                continue
            self.homes[frame[6:12]] = source
            due = time.monotonic() + self.delay_s
            if self.under_way and self.under_way[-1][0] > due:
                due = self.under_way[-1][0]  # the delay was shortened: none overtakes another
            self.under_way.append((due, frame, source))

    def give(self):
        while self.under_way and self.under_way[0][0] <= time.monotonic():
            _, frame, source = self.under_way.popleft()
            home = None if frame[0] & MULTICAST else self.homes.get(frame[0:6])
            for sink in [home] if home else self.ports:
                if sink is source:
                    continue
                try:
                    sink.send(frame)
                except OSError:
                    pass  # set down, or its queue is full: as on any wire

    def run(self):
        print("ready", flush=True)
        poll = select.poll()
        by_number = {end.fileno(): end for end in self.ports}
        for number in by_number:
            poll.register(number, select.POLLIN)
        poll.register(0, select.POLLIN)
        while True:
            wait = -1
            if self.under_way:
                wait = max(0, 1000 * (self.under_way[0][0] - time.monotonic()))
            for number, events in poll.poll(wait):
                if number:
                    self.take(by_number[number])
                elif not self.command():
                    return
            self.give()

    def command(self):
        words = os.read(0, 4096).decode().split()
        if len(words) >= 2 and words[-2] == "delay":
            self.delay_s = float(words[-1]) / 1000
        return bool(words)


def main():
    if sys.argv[1:2] == ["--plain"]:
        plain(sys.argv[2])
    else:
        Switch(sys.argv[1:]).run()


if __name__ == "__main__":
    main()
