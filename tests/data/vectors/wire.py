# SPDX-License-Identifier: Apache-2.0
"""What docs/protocol.md section 1 defines, written anew: canonical msgpack, H, sign, keys.

Uses hashlib and `cryptography` only, nothing of the code under test.
"""
import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ZERO = bytes(32)


def u8(n):
    return struct.pack('>B', n)


def u16(n):
    return struct.pack('>H', n)


def u24(n):
    return struct.pack('>I', n)[1:]


def u32(n):
    return struct.pack('>I', n)


def u64(n):
    return struct.pack('>Q', n)


def H(tag, *parts):
    """SHA-256 over the tag's ASCII bytes and the parts."""
    digest = hashlib.sha256(tag.encode('ascii'))
    for part in parts:
        digest.update(part)
    return digest.digest()


def _length(n, fix, fix_max, codes):
    """The head of a str, bin, array or map in its shortest form."""
    if fix is not None and n <= fix_max:
        return u8(fix | n)
    for code, width, pack in codes:
        if n < 1 << width:
            return u8(code) + pack(n)
    raise ValueError('too long')


def pack(value):
    """Canonical msgpack of None, bool, int, str, bytes, list and dict."""
    if value is None:
        return b'\xc0'
    if isinstance(value, bool):
        return b'\xc3' if value else b'\xc2'
    if isinstance(value, int):
        if value < 0:
            if value >= -32:
                return struct.pack('>b', value)
            for code, width, form in ((0xd0, 7, '>b'), (0xd1, 15, '>h'), (0xd2, 31, '>i'),
                                      (0xd3, 63, '>q')):
                if value >= -(1 << width):
                    return u8(code) + struct.pack(form, value)
            raise ValueError('too small')
        if value < 128:
            return u8(value)
        for code, width, form in ((0xcc, 8, u8), (0xcd, 16, u16), (0xce, 32, u32), (0xcf, 64, u64)):
            if value < 1 << width:
                return u8(code) + form(value)
        raise ValueError('too large')
    if isinstance(value, str):
        raw = value.encode('utf-8')
        if b'\0' in raw:
            raise ValueError('NUL in a str')
        return _length(len(raw), 0xa0, 31, ((0xd9, 8, u8), (0xda, 16, u16), (0xdb, 32, u32))) + raw
    if isinstance(value, bytes):
        return _length(len(value), None, 0,
                       ((0xc4, 8, u8), (0xc5, 16, u16), (0xc6, 32, u32))) + value
    if isinstance(value, (list, tuple)):
        return _length(len(value), 0x90, 15,
                       ((0xdc, 16, u16), (0xdd, 32, u32))) + b''.join(map(pack, value))
    if isinstance(value, dict):
        pairs = sorted((key.encode('utf-8'), key) for key in value)
        return _length(len(value), 0x80, 15, ((0xde, 16, u16), (0xdf, 32, u32))) + b''.join(
            pack(key) + pack(value[key]) for _, key in pairs)
    raise TypeError(type(value))


def some(label, length=32):
    """Bytes that look random and are always the same."""
    out = b''
    while len(out) < length:
        out += hashlib.sha256(('hansa vectors ' + label).encode() + u32(len(out))).digest()
    return out[:length]


class Key:
    """An Ed25519 key from a seed that its name gives."""

    def __init__(self, name):
        self.name = name
        self.seed = some('key ' + name)
        self._key = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message):
        return self._key.sign(message)


def envelope(kind, body, signatures):
    """A control object, docs/protocol.md section 5. `signatures`: (key, signature) pairs."""
    return pack([kind, body, [list(pair) for pair in sorted(signatures)]])


def object_hash(kind, body):
    return H('hansa object 1', u8(kind), body)


def plain(value):
    """Fields as JSON: bytes become {"bin": hex}, so that they are told from text."""
    if isinstance(value, bytes):
        return {'bin': value.hex()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
