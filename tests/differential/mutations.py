# Changes of bytes at random, and making a failing input smaller.
# SPDX-License-Identifier: MIT
import time


def mutated(random, data, places=(), words=()):
    """The bytes with a few changes. `places` are offsets where a change is likely to matter, `words` are bytes that may
    be put in."""
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        if not data:
            break
        at = random.randrange(len(data))
        if places and random.random() < 0.6:
            at = min(random.choice(places) + random.choice((0, 0, 0, 1, 1, 2, 3)), len(data) - 1)
        size = random.choice((1, 1, 1, 2, 3, random.randrange(1, 40)))
        change = random.randrange(8)
        if change <= 1:
            data[at] ^= 1 << random.randrange(8)
        elif change == 2:
            data[at] = random.randrange(256)
        elif change == 3:
            del data[at:at + size]
        elif change == 4:
            data[at:at] = random.choice(words) if words else random.randbytes(size)
        elif change == 5:
            data[at:at] = data[at:at + size]
        elif change == 6:
            del data[at:]
        else:
            other = random.randrange(len(data))
            data[at], data[other] = data[other], data[at]
    return bytes(data)


def smallest(data, fails, seconds=10):
    """A part of the bytes for which `fails` still holds; takes runs of bytes away as long as there is time."""
    until = time.monotonic() + seconds
    size = len(data) // 2
    while size:
        at = 0
        while at < len(data) and time.monotonic() < until:
            shorter = data[:at] + data[at + size:]
            if fails(shorter):
                data = shorter
            else:
                at += size
        size //= 2
    return data
