#!/usr/bin/env python3
"""Material's icons for Flutter, out of Debian's font of them.

Flutter gives its icons code points of its own, so that Debian's font shows an
alarm clock where a copy sign should be. Both know the icons by name: this writes
Debian's font with Flutter's code points. It has the filled style only, which then
stands for the others too.

usage: icon_font.py FONT.ttf NAMES.scss icons.dart OUTPUT.ttf
"""

import re
import struct
import sys
from pathlib import Path

# Flutter's other names for the same icon.
ALIASES = {"copy": "content_copy", "cut": "content_cut", "paste": "content_paste"}


def tables_of(font: bytes) -> dict[bytes, bytes]:
    count = struct.unpack_from(">H", font, 4)[0]
    tables = {}
    for i in range(count):
        tag, _, offset, length = struct.unpack_from(">4sLLL", font, 12 + 16 * i)
        tables[tag] = font[offset : offset + length]
    return tables


def glyphs_of(cmap: bytes) -> dict[int, int]:
    """The glyph of each code point, by the font's table of format 4."""
    count = struct.unpack_from(">H", cmap, 2)[0]
    for i in range(count):
        offset = struct.unpack_from(">L", cmap, 4 + 8 * i + 4)[0]
        if struct.unpack_from(">H", cmap, offset)[0] != 4:
            continue
        segments = struct.unpack_from(">H", cmap, offset + 6)[0] // 2
        at = offset + 14
        ends = struct.unpack_from(f">{segments}H", cmap, at)
        starts = struct.unpack_from(f">{segments}H", cmap, at + 2 * segments + 2)
        deltas = struct.unpack_from(f">{segments}H", cmap, at + 4 * segments + 2)
        ranges_at = at + 6 * segments + 2
        ranges = struct.unpack_from(f">{segments}H", cmap, ranges_at)
        glyphs = {}
        for s, (start, end) in enumerate(zip(starts, ends)):
            for code in range(start, min(end, 0xFFFE) + 1):
                glyph = code
                if ranges[s]:
                    where = ranges_at + 2 * s + ranges[s] + 2 * (code - start)
                    glyph = struct.unpack_from(">H", cmap, where)[0]
                    if not glyph:
                        continue
                glyphs[code] = (glyph + deltas[s]) & 0xFFFF
        return glyphs
    sys.exit("icon_font.py: the font has no table of code points that is known")


def cmap_of(glyphs: dict[int, int]) -> bytes:
    """A table of format 12: a group for each code point."""
    groups = b"".join(struct.pack(">LLL", c, c, g) for c, g in sorted(glyphs.items()))
    body = struct.pack(">HHLLL", 12, 0, 16 + len(groups), 0, len(groups) // 12) + groups
    return struct.pack(">HHHHL", 0, 1, 3, 10, 12) + body


def checksum(data: bytes) -> int:
    data += b"\0" * (-len(data) % 4)
    return sum(struct.unpack(f">{len(data) // 4}L", data)) & 0xFFFFFFFF


def font_of(tables: dict[bytes, bytes]) -> bytes:
    count = len(tables)
    power = count.bit_length() - 1
    head = struct.pack(">LHHHH", 0x10000, count, 16 << power, power, 16 * count - (16 << power))
    offset = 12 + 16 * count
    directory, body = b"", b""
    for tag, data in sorted(tables.items()):
        directory += struct.pack(">4sLLL", tag, checksum(data), offset + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    return head + directory + body


def main(font: str, names: str, icons: str, output: str) -> None:
    tables = tables_of(Path(font).read_bytes())
    old = glyphs_of(tables[b"cmap"])
    codes = {
        name: int(code, 16)
        for name, code in re.findall(r'"(\w+)": ([0-9a-f]+)', Path(names).read_text())
    }
    wanted = re.findall(
        r"static const IconData (\w+) = IconData\(\s*0x([0-9a-f]+)", Path(icons).read_text()
    )
    glyphs = {}
    for name, code in wanted:
        plain = re.sub(r"_(outlined|rounded|sharp)$", "", name)
        for candidate in (name, plain, ALIASES.get(plain)):
            glyph = old.get(codes.get(candidate, -1))
            if glyph:
                glyphs[int(code, 16)] = glyph
                break
    if len(glyphs) < len(wanted) // 2:
        sys.exit(f"icon_font.py: only {len(glyphs)} of {len(wanted)} icons are found")
    tables[b"cmap"] = cmap_of(glyphs)
    Path(output).write_bytes(font_of(tables))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__.split("\n\n")[-1].strip())
    main(*sys.argv[1:])
