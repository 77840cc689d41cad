# SPDX-License-Identifier: Apache-2.0
"""A small SOCKS5 proxy (RFC 1928, RFC 1929) on loopback that writes down what it is asked for."""
import socket
import socketserver
import struct
import threading


class _Handler(socketserver.BaseRequestHandler):
    def take(self, count):
        data = b""
        while len(data) < count:
            more = self.request.recv(count - len(data))
            if not more:
                raise ConnectionError("closed in the middle of a message")
            data += more
        return data

    def login(self):
        proxy = self.server.proxy
        _, count = self.take(2)
        methods = self.take(count)
        wanted = 2 if proxy.login else 0
        if wanted not in methods:
            self.request.sendall(b"\x05\xff")
            return False
        self.request.sendall(bytes([5, wanted]))
        if not proxy.login:
            return True
        _, length = self.take(2)
        user = self.take(length)
        password = self.take(self.take(1)[0])
        right = (user.decode(), password.decode()) == proxy.login
        self.request.sendall(bytes([1, 0 if right else 1]))
        return right

    def asked(self):
        _, _, _, kind = self.take(4)
        if kind == 3:
            host = self.take(self.take(1)[0]).decode()
        else:
            host = socket.inet_ntop(socket.AF_INET6 if kind == 4 else socket.AF_INET,
                                    self.take(16 if kind == 4 else 4))
        return kind, host, struct.unpack(">H", self.take(2))[0]

    def handle(self):
        proxy = self.server.proxy
        try:
            if not self.login():
                return
            kind, host, port = self.asked()
            with proxy.lock:
                proxy.requests.append((kind, host, port))
            where = proxy.names.get(host) if kind == 3 else host
            if where is None:
                self.request.sendall(b"\x05\x04\x00\x01" + bytes(6))
                return
            with socket.create_connection((where, port), timeout=5) as out:
                out.settimeout(None)
                with proxy.lock:
                    proxy.made.add(out.getsockname()[1])
                self.request.sendall(b"\x05\x00\x00\x01" + bytes(6))
                other = threading.Thread(target=_pour, args=(out, self.request), daemon=True)
                other.start()
                _pour(self.request, out)
                other.join()
        except OSError:
            pass


def _pour(source, to):
    try:
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class Socks5Server:
    """`names`: {name: address}; `login`: (user, password) or None. `requests`: (ATYP, host, port)
    as they came; `made`: local ports of the connections made for them."""

    def __init__(self, names, login=None):
        self.names, self.login = names, login
        self.requests, self.made, self.lock = [], set(), threading.Lock()
        self.server = _Server(("127.0.0.1", 0), _Handler)
        self.server.proxy = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
