# SPDX-License-Identifier: Apache-2.0
"""Vectors of docs/protocol.md section 8: digests, signed statements, a frame of each type."""
import feeds
import names
from feeds import T0
from wire import H, ZERO, pack, plain, some, u32, u64


def ranges(tag_items):
    """256 range hashes over items that sort by their first bytes."""
    out = []
    for i in range(256):
        mine = sorted(item for item in tag_items if item[0] == i)
        out.append(H('hansa range 1', *mine) if mine else ZERO)
    return out


def bits(numbers):
    """Bit i of byte i/8, most significant first."""
    out = bytearray(32)
    for i in numbers:
        out[i // 8] |= 0x80 >> i % 8
    return bytes(out)


def digest(chain):
    feeds_ = [(names.feed_id(c, lane), 10 * lane + n, some('digest %s %d' % (c, lane)))
              for n, c in enumerate(names.CITIES) for lane in range(1, 5)]
    # Two more that share a first byte, so that the order within a range shows.
    feeds_ += [(b'\x07' + some('range', 31), 3, some('r3')),
               (b'\x07' + some('other', 31), 1, some('r1'))]
    objects = [some('object %d' % i) for i in range(9)] + [b'\x09' + some('o', 31),
            b'\x09' + some('p', 31)]
    feed_ranges = ranges([f + u64(seq) + h for f, seq, h in feeds_])
    object_ranges = ranges(objects)
    number, hash_ = chain[-1]['number'], bytes.fromhex(chain[-1]['amendment_hash'])
    one = H('hansa digest 1', names.network_id(), u64(number), hash_, *object_ranges, *feed_ranges)
    empty = H('hansa digest 1', names.network_id(), u64(0),
              bytes.fromhex(chain[0]['amendment_hash']), ZERO * 512)
    used = lambda rs: {str(i): r.hex() for i, r in enumerate(rs) if r != ZERO}
    return {'network_id': names.network_id().hex(), 'amendment_number': number,
            'amendment_hash': hash_.hex(),
            'feeds': [{'feed_id': f.hex(), 'seq': s, 'entry_hash': h.hex()} for f, s, h in feeds_],
            'objects': [o.hex() for o in objects], 'feed_ranges': used(feed_ranges),
            'object_ranges': used(object_ranges),
            'digest': one.hex(), 'digest_of_genesis_alone': empty.hex(),
            'ranges_frame_feeds': b''.join(r[:8] for r in feed_ranges).hex(),
            'want_7_and_255': bits([7, 255]).hex()}


def rolling():
    at, out = bytes(8), []
    items = [names.feed_id('budapest', 1) + u64(1) + some('one'), some('an object'),
             names.feed_id('warszawa', 3) + u64(77) + some('two')]
    for item in items:
        at = H('hansa arrival 1', at, item)[:8]
        out.append({'item': item.hex(), 'rolling': at.hex()})
    return {'arrivals': out}


def blind():
    a, b = names.key('budapest node 1').public, names.key('warszawa node 1').public
    return {'network_id': names.network_id().hex(), 'receiver': a.hex(), 'sender': b.hex(),
            'blind': H('hansa blind 1', names.network_id(), a, b)[:16].hex()}


def hold():
    key = names.key('warszawa node 1')
    lanes = [(3, some('l1')), (0, ZERO), (900, some('l3')), (1, some('l4'))]
    nonce = some('hold nonce', 16)
    held = b''.join(u64(seq) + hash_ for seq, hash_ in lanes)
    statement = (b'hansa hold 1' + names.network_id() + names.city_id('warszawa') + u32(1)
                 + key.public + names.city_id('budapest') + nonce + u64(T0) + held)
    return {'network_id': names.network_id().hex(), 'holder': names.city_id('warszawa').hex(),
            'epoch': 1,
            'node_key': key.public.hex(), 'subject': names.city_id('budapest').hex(),
            'nonce': nonce.hex(), 'time': T0,
            'lanes': [{'seq': s, 'entry_hash': h.hex()} for s, h in lanes],
            'statement': statement.hex(),
            'signature': key.sign(statement).hex()}


def twin():
    key, nonce, instance = names.key('budapest node 1'), some('twin nonce'), some('instance', 16)
    message = b'hansa twin 1' + nonce + instance
    return {'node_key': key.public.hex(), 'nonce': nonce.hex(), 'instance': instance.hex(),
            'message': message.hex(),
            'signature': key.sign(message).hex()}


def beacon():
    key, out = names.key('budapest node 1'), []
    held_ = sorted([names.feed_id(c, 1), 5 + i] for i, c in enumerate(names.CITIES[1:]))
    for heads, number, held in (([], 0, []),
                                ([[1, 3, some('h1')], [3, 9000, some('h3')]], 6, held_)):
        body = pack([1, names.network_id(), names.city_id('budapest'), 1, T0, heads, number, held])
        message = b'hansa beacon 1' + H('hansa beacon body 1', body)
        out.append({'node_key': key.public.hex(), 'network_id': names.network_id().hex(),
                    'city_id': names.city_id('budapest').hex(), 'epoch': 1, 'time': T0,
                    'heads': [{'lane': l, 'seq': s, 'entry_hash': h.hex()} for l, s, h in heads],
                    'amendment_number': number,
                    'held': [{'feed_id': f.hex(), 'seq': s} for f, s in held],
                    'body': body.hex(), 'message': message.hex(),
                    'signature': key.sign(message).hex()})
    return {'beacons': out}


def zstd_frame(content):
    """A Zstandard frame (RFC 8878) by hand: raw blocks, and one for each longer row of one byte."""
    blocks, raw, at = [], b'', 0
    while at < len(content):
        end = at
        while end < len(content) and content[end] == content[at]:
            end += 1
        if end - at > 7:
            blocks += [(0, len(raw), raw)] if raw else []
            blocks.append((1, end - at, content[at:at + 1]))
            raw = b''
        else:
            raw += content[at:end]
        at = end
    blocks += [(0, len(raw), raw)] if raw else []
    out = bytes.fromhex('28b52ffd') + (
        b'\x20' + bytes([len(content)]) if len(content) < 256 else
        b'\x60' + (len(content) - 256).to_bytes(2, 'little'))
    for number, (kind, size, data) in enumerate(blocks):
        last = number == len(blocks) - 1
        out += (size << 3 | kind << 1 | last).to_bytes(3, 'little') + data
    return out


def frames(made):
    """`made`: the other files' contents, whose objects the frames carry."""
    net, doc, alert = names.network_id(), names.feed_id('budapest', 3), names.feed_id('budapest', 1)
    x = bytes.fromhex
    run, push = made['runs']['chains'][0]['runs'][0], made['runs']['chains'][1]['runs'][1]
    hash_, roll, epoch8 = some('entry hash'), some('roll', 8), some('store epoch', 8)
    attachment, instance, nonce = some('attachment'), some('instance', 16), some('nonce 16', 16)
    join_, hold_, twin_ = made['join'], made['hold'], made['twin']
    beacon_ = made['beacon']['beacons'][1]
    record = made['charter']['joined_record']['envelope']
    listed = [
        ('HELLO', [1, [1, 2], instance, T0, epoch8, 'hansa 0.1.0',
                   [[net, 6, x(made['digest']['digest']), 1000, roll,
                     [some('their epoch', 8), 70000, some('r2', 8)]],
                    [some('second network'), 0, some('second digest'), 0, bytes(8), None]]]),
        ('HELLO without networks', [1, [1], instance, T0, epoch8, '', []]),
        ('HELLO of who takes compressed runs', [1, [1], instance, T0, epoch8, '', [], 1]),
        ('WHO', [2, [[x(made['blind']['blind']), 6]]]),
        ('OBJECT', [3, net, x(record)]),
        ('OBJECT, the first part of a large one', [3, net, some('part', 100), 20000]),
        ('ANNOUNCE', [4, net, [[doc, 3, hash_], [alert, 70000, hash_]], [some('object')],
                      [1001, roll]]),
        ('ANNOUNCE without a mark', [4, net, [], [], None]),
        ('RANGES', [5, net, bytes(2048), x(made['digest']['ranges_frame_feeds'])]),
        ('RANGE_WANT', [6, net, bytes(32), bits([7, 255])]),
        ('OBJECT_WANT', [7, net, [some('object'), some('object 2')]]),
        ('PULL', [8, 4 << 20, [[doc, 4], [names.feed_id('warszawa', 3), 1]]]),
        ('CREDIT', [9, 8 << 20, 16384]),
        ('RUN inline', [10, 1, doc, run['first_seq'], x(run['head']), None, 0, x(run['entries'])]),
        ('RUN pushed', [10, 2, alert, push['first_seq'], x(push['head']), x(push['prev']), 1,
                        x(push['entries'])]),
        ('RUN compressed', [10, 5, doc, run['first_seq'], x(run['head']), None, 4,
                            zstd_frame(some('entries', 40) + 150 * b'z'), 190]),
        ('RUN compressed, in fragments', [10, 6, doc, 1, x(run['head']), None, 4, None, 794661]),
        ('RUN in fragments', [10, 3, doc, 1, x(run['head']), None, 0, None]),
        ('FRAGMENT', [11, 3, 0, False, some('fragment', 300)]),
        ('FRAGMENT, the last', [11, 3, 300, True, some('last', 5)]),
        ('PULL_END', [12, doc, 4, 0]),
        ('HELD', [13, alert, 2, hash_]),
        ('ACK', [14, net, 1001]),
        ('PING', [15, 123456789012]),
        ('PONG', [16, 123456789012, T0]),
        ('PAUSED', [17, 1, 'The disk is full.']),
        ('RESUMED', [18]),
        ('ATTACHMENT_PULL', [19, 4 << 20, alert, 2, attachment, 0, True]),
        ('ATTACHMENT', [20, 4, attachment, 262145, 0, True]),
        ('ATTACHMENT_END', [21, attachment, 1]),
        ('HOLD_ASK', [22, net, names.city_id('budapest'), nonce, 8]),
        ('HOLD', [23, x(hold_['statement']), x(hold_['signature'])]),
        ('TWIN_NOTICE', [24, instance]),
        ('TWIN_CHALLENGE', [25, some('challenge')]),
        ('TWIN_PROOF', [26, x(twin_['nonce']), x(twin_['instance']), x(twin_['signature'])]),
        ('BEACON', [27, x(beacon_['body']), x(beacon_['signature'])]),
        ('BYE', [28, 1, 'chain']),
        ('OBJECT_GONE', [29, net, [some('object 2')]]),
        ('BEACON_WANT', [30, net, 700, [some('city 1')[:8], some('city 2')[:8]]]),
        ('BEACON_OFFER', [31, net, 701, [[some('city 1')[:8], 2, 1790000000000]]]),
        ('FORK_ASK', [32, doc, 700]),
        ('FORK_BRANCH', [33, doc, 700, hash_, some('pairs', 128), x(run['head'])]),
        ('FORK_BRANCH, not held', [33, doc, 700, bytes(32), b'', b'']),
        ('JOIN', [40, x(join_['proof']), 'bratislava', 'Bratislava', 'SK', x(record),
                  ['198.51.100.9:7411']]),
        ('JOINED', [41, net]),
        ('JOIN_REFUSED', [42, 1, 'The invitation has expired.']),
        ('JOIN_END', [43, 6, hash_]),
        ('of a later version', [64, {'new': True}, [1, 2]]),
    ]
    out = []
    for name, fields in listed:
        payload = pack(fields)
        out.append({'name': name, 'type': fields[0], 'frame': (u32(len(payload)) + payload).hex(),
                    'fields': plain(fields) if fields[0] != 64 else None})
    return {'about': 'frame: the u32 length and the bytes; in fields, {"bin": hex} is a bin',
            'frames': out}
