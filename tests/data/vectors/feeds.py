# SPDX-License-Identifier: Apache-2.0
"""Vectors of docs/protocol.md sections 2 to 4 and 6: ids, entries, heads, runs, attachments."""
import hashlib

import names
from wire import H, ZERO, pack, some, u8, u16, u24, u32, u64

ALERT, CALL, DOC, META = 1, 2, 3, 4
T0 = 1767225600000  # 2026-01-01T00:00:00Z


def header(kind, body, time=T0, expiry=0, flags=0, content=b'', topics=(), supersedes=None,
           attachments=(),
           references=None, more=()):
    return pack([kind, time, expiry, flags, len(body), content or some('content', 16),
                 list(topics), supersedes,
                 [list(a) for a in attachments], references, *more])


def header_hash(raw):
    return H('hansa header 1', raw)


def body_hash(salt, body):
    return H('hansa body 1', salt, body)


def entry_hash(feed_id, seq, prev, h_header, h_body):
    return H('hansa entry 1', feed_id, u64(seq), prev, h_header, h_body)


def whole(salt, head, body):
    return u8(0) + u16(len(head)) + u24(len(body)) + salt + head + body


def purged(salt, head, body):
    return u8(1) + u16(len(head)) + u24(0) + body_hash(salt, body) + head


class Feed:
    """A feed's chain; counts for the checkpoint rule."""

    def __init__(self, feed_id, seq=0, prev=ZERO):
        self.feed_id, self.seq, self.prev = feed_id, seq, prev
        self.n = self.b = 0

    def add(self, salt, head, body):
        self.seq += 1
        self.n += 1
        self.b += 38 + len(head) + len(body)
        self.prev = entry_hash(self.feed_id, self.seq, self.prev, header_hash(head),
                               body_hash(salt, body))
        return self.prev

    def due(self):
        return self.n >= 512 or self.b >= 524288

    def close(self, key, epoch, time, checkpoint=None):
        flags = 1 if (self.due() if checkpoint is None else checkpoint) else 0
        if flags:
            self.n = self.b = 0
        return head(key, self.feed_id, epoch, self.seq, self.prev, time, flags)


def head(key, feed_id, epoch, seq, hash_, time, flags):
    signed = feed_id + u32(epoch) + key.public + u64(seq) + hash_ + u64(time) + u8(flags)
    message = b'hansa head 1' + signed
    return {'feed_id': feed_id.hex(), 'epoch': epoch, 'node_key': key.public.hex(), 'seq': seq,
            'entry_hash': hash_.hex(), 'time': time, 'flags': flags, 'message': message.hex(),
            'bytes': (signed + key.sign(message)).hex()}


def headers():
    body = b'\x81\xa5title\xa3Eis'
    ref = [some('other feed'), 7, some('other entry')]
    good = [
        ('smallest', header(META, b'', time=0, content=bytes(16))),
        ('alert', header(ALERT, body, expiry=T0 + 86400000, flags=2, topics=['flood', 'povodeň'],
                         attachments=[[some('cap'), 2000, 1]])),
        ('all fields', header(DOC, bytes(300), flags=1, topics=['t%d' % i for i in range(16)],
                              supersedes=ref,
                              attachments=[[some('a'), 1 << 40, 0], [some('b'), 0, 255]],
                              references=[ref, ref])),
        ('topics of 31, 32 and 64 bytes',
         header(DOC, body, topics=['t' * 31, 't' * 32, 'ů' * 32])),
        ('integers at their edges',
         header(255, bytes(255), time=(1 << 63) - 1, expiry=1 << 32, flags=65535)),
        ('integers at further edges', header(256, bytes(256), time=127, expiry=128)),
        ('more elements than known', header(CALL, body, more=[{'later': [1, b'x', None]}, -5])),
        ('eighteen elements', header(65535, body, more=[None] * 8)),
        ('unknown kind', header(1024, bytes(262144))),
    ]
    smallest = good[0][1]
    bad = [
        ('empty', b''),
        ('nine elements', pack([4, 0, 0, 0, 0, bytes(16), [], None, []])),
        ('nineteen elements', header(META, b'', more=[None] * 9)),
        ('a byte left over', smallest + b'\xc0'),
        ('cut short', smallest[:-1]),
        ('kind not in its shortest form', b'\x9a\xcc\x04' + smallest[2:]),
        ('array16 where fixarray does', b'\xdc\x00\x0a' + smallest[1:]),
        ('kind too large', header(65536, b'')),
        ('time of 2^63', header(META, b'', time=1 << 63)),
        ('expiry of 2^63', header(META, b'', expiry=1 << 63)),
        ('supersedes and references not in shortest form',
         smallest[:-1] + b'\xdc\x00\x00'),
        ('nil twice', smallest[:-1] + b'\xc0\xc0'),
        ('attachment of two elements', header(META, b'', attachments=[[some('a'), 1]])),
        ('attachment flags of 256', header(META, b'', attachments=[[some('a'), 1, 256]])),
        ('topic in str8 though short', smallest.replace(b'\x90\xc0\x90', b'\x91\xd9\x01t\xc0\x90')),
        ('time in nine bytes though small',
         smallest[:2] + b'\xcf' + bytes(7) + b'\x01' + smallest[3:]),
        ('content_id in bin16', smallest.replace(b'\xc4\x10', b'\xc5\x00\x10')),
        ('content_id as str', smallest.replace(b'\xc4\x10', b'\xb0')),
        ('body_size too large', header(META, bytes(262145))),
        ('content_id of 15 bytes', header(META, b'', content=bytes(15))),
        ('seventeen topics', header(META, b'', topics=['t'] * 17)),
        ('empty topic', header(META, b'', topics=[''])),
        ('topic of 65 bytes', header(META, b'', topics=['t' * 65])),
        ('topic that is not UTF-8', smallest.replace(b'\x90\xc0\x90', b'\x91\xa1\xff\xc0\x90')),
        ('topic with a NUL', smallest.replace(b'\x90\xc0\x90', b'\x91\xa1\x00\xc0\x90')),
        ('supersedes seq 0', header(META, b'', supersedes=[ref[0], 0, ref[2]])),
        ('sixty-five attachments', header(META, b'', attachments=[[some('a'), 1, 0]] * 65)),
        ('attachment too large', header(META, b'', attachments=[[some('a'), (1 << 40) + 1, 0]])),
        ('seventeen references', header(META, b'', references=[ref] * 17)),
        ('float among the further elements',
         header(META, b'', more=[0])[:-1] + b'\xca\x00\x00\x00\x00'),
        ('map keys out of order', header(META, b'', more=[0])[:-1] + b'\x82\xa1b\x01\xa1a\x02'),
        ('map key twice', header(META, b'', more=[0])[:-1] + b'\x82\xa1a\x01\xa1a\x02'),
        ('too deep', header(META, b'', more=[0])[:-1] + b'\x91' * 17 + b'\xc0'),
        ('over 8,192 bytes', header(META, b'', more=[bytes(8192)])),
    ]
    return {'good': [{'name': n, 'header': h.hex(), 'header_hash': header_hash(h).hex()} for n,
                     h in good],
            'bad': [{'name': n, 'header': h.hex()} for n, h in bad]}


def entries():
    feed, out = Feed(names.feed_id('budapest', DOC)), []
    for name, body in (('first', b'\x80'), ('second', b'hello'), ('empty body', b''),
                       ('300 bytes', some('body', 300))):
        salt, head_ = some('salt ' + name, 16), header(DOC, body, topics=[name])
        prev = feed.prev
        feed.add(salt, head_, body)
        out.append({'name': name, 'feed_id': feed.feed_id.hex(), 'seq': feed.seq,
                    'prev': prev.hex(),
                    'salt': salt.hex(), 'header': head_.hex(), 'body': body.hex(),
                    'header_hash': header_hash(head_).hex(),
                    'body_hash': body_hash(salt, body).hex(),
                    'entry_hash': feed.prev.hex(), 'wire': whole(salt, head_, body).hex(),
                    'purged_wire': purged(salt, head_, body).hex(),
                    'cost': 38 + len(head_) + len(body)})
    return {'entries': out}


def _epoch(key, epoch, start=(0, ZERO), end=None, alert=False):
    return {'epoch': epoch, 'node_key': key.public.hex(), 'start_seq': start[0],
            'start_hash': start[1].hex(),
            'end_seq': end[0] if end else None, 'end_hash': end[1].hex() if end else None,
            'alert_lane': alert}


def _run(name, feed, rules, key, items, purge=(), epoch=1):
    """Appends the items, closes them; the run as JSON."""
    prev, first, wire = feed.prev, feed.seq + 1, b''
    hashes = []
    for i, (salt, head_, body) in enumerate(items):
        hashes.append(feed.add(salt, head_, body).hex())
        wire += (purged if i in purge else whole)(salt, head_, body)
    made = feed.close(key, epoch, T0 + feed.seq, True if rules['alert_lane'] else None)
    return {'name': name, 'rules': rules, 'first_seq': first, 'prev': prev.hex(),
            'entries': wire.hex(),
            'entry_hashes': hashes, 'head': made['bytes'], 'checkpoint': made['flags'] == 1,
            'since_checkpoint': [feed.n, feed.b]}


def numbered(i):
    """The item of a long run: as small as it gets, so that 512 of them stay readable in a file."""
    body = str(i).encode()
    return some('salt of %d' % i, 16), header(META, body, content=bytes(16)), body


def runs():
    """Chains of runs, each verified upon the tip that the one before left."""
    key, later = names.key('budapest node 1'), names.key('budapest node 2')
    doc = Feed(names.feed_id('budapest', DOC))
    items = [(some('salt doc %d' % i, 16), header(DOC, b'doc %d' % i),
              b'doc %d' % i) for i in range(6)]
    open_rules = _epoch(key, 1)
    chain = [_run('three docs', doc, open_rules, key, items[:3]),
             _run('the second of two purged', doc, open_rules, key, items[3:5], purge=(1,))]
    cut = (doc.seq, doc.prev)
    doc.n = doc.b = 0
    chain.append(_run('first of the second epoch', doc, _epoch(later, 2, cut), later, items[5:],
                      epoch=2))

    alert = Feed(names.feed_id('budapest', ALERT))
    rules = _epoch(key, 1, alert=True)
    alerts = [_run('alert %d' % i, alert, rules, key,
                   [(some('salt alert %d' % i, 16), header(ALERT, b'alert %d' % i),
                     b'alert %d' % i)])
              for i in range(1, 4)]

    return {'chains': [{'name': 'docs over two epochs', 'feed_id': doc.feed_id.hex(),
                        'runs': chain},
                       {'name': 'alerts', 'feed_id': alert.feed_id.hex(), 'runs': alerts}],
            'counted': _counted(key, open_rules), 'sized': _sized(key)}


def _counted(key, rules):
    meta = Feed(names.feed_id('budapest', META))
    return {'about': 'a checkpoint falls due by the number of entries: 511 of them, then one '
                     'more; each is salt, header, body = numbered(i) of feeds.py, i from 1',
            'feed_id': meta.feed_id.hex(),
            'runs': [_run('511 entries', meta, rules, key, [numbered(i) for i in range(1, 512)]),
                     _run('the checkpoint', meta, rules, key, [numbered(512)]),
                     _run('after it', meta, rules, key, [numbered(513)])]}


def _sized(key):
    """By bytes: bodies that are one byte over and over, to keep the file small."""
    feed, out = Feed(names.feed_id('budapest', CALL)), []
    prev = feed.prev
    for i, size in enumerate((262144, 261970, 20)):
        body = bytes([0x61 + i]) * size
        salt, head_ = some('salt sized %d' % i, 16), header(CALL, body)
        feed.add(salt, head_, body)
        out.append({'salt': salt.hex(), 'header': head_.hex(), 'body_byte': 0x61 + i,
                    'body_size': size,
                    'entry_hash': feed.prev.hex(), 'since_checkpoint': [feed.n, feed.b],
                    'due': feed.due()})
    return {'about': 'a checkpoint falls due by bytes, at the last entry',
            'feed_id': feed.feed_id.hex(),
            'first_seq': 1, 'prev': prev.hex(), 'rules': _epoch(key, 1), 'items': out,
            'head': feed.close(key, 1, T0)['bytes']}


def attachments():
    out = []
    for size in (0, 1, 262144, 262145, 524288):
        data = bytes(i * 7 & 255 for i in range(size))
        chunks = [hashlib.sha256(data[at:at + 262144]).digest() for at in range(0, size, 262144)]
        out.append({'size': size, 'chunk_hashes': [c.hex() for c in chunks],
                    'attachment_id': H('hansa attachment 1', u64(size), *chunks).hex()})
    return {'about': 'byte i of each attachment is (7 * i) mod 256', 'attachments': out}


def heads():
    key = names.key('budapest node 1')
    return {'heads': [head(key, names.feed_id('budapest', DOC), 1, 3, some('entry'), T0, 0),
                      head(key, names.feed_id('budapest', ALERT), 4294967295, (1 << 63) - 1,
                           some('entry'),
                           (1 << 63) - 1, 1)]}


def ids():
    cities = [{'city': c, 'city_key': names.key(c + ' city').public.hex(),
               'city_id': names.city_id(c).hex(),
               'feed_ids': {str(lane): names.feed_id(c, lane).hex() for lane in range(1,
                       5)}} for c in names.CITIES]
    return {'network_id': names.network_id().hex(), 'cities': cities}
