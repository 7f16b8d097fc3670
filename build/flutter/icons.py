#!/usr/bin/env python3
"""Draws the app's icon, a speech bubble that smiles, in every size that the
runners in example_app want (half a minute). usage: icons.py
"""

import json
import struct
import zlib
from math import hypot, sqrt
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "example_app"
GREEN = (0x2F, 0x6A, 0x58)
WHITE = (0xFF, 0xFF, 0xFF)


def rounded(x, y, left, top, right, bottom, radius):
    """The distance of a point to a rounded rectangle; negative: inside."""
    dx = abs(x - (left + right) / 2) - (right - left) / 2 + radius
    dy = abs(y - (top + bottom) / 2) - (bottom - top) / 2 + radius
    return hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - radius


def tail(x, y):
    """The same for the bubble's tail, a triangle."""
    points = ((40, 62), (58, 62), (41, 79))
    inside = -1e9
    for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1]):
        side = ((y - ay) * (bx - ax) - (x - ax) * (by - ay)) / hypot(bx - ax, by - ay)
        inside = max(inside, -side)
    return inside


def smile(x, y):
    """The same for the smile, the lower quarter of a ring with round ends."""
    x, y = abs(x - 54), y - 47
    if x > y:
        return hypot(x - 13.5 / sqrt(2), y - 13.5 / sqrt(2)) - 1.9
    return abs(hypot(x, y) - 13.5) - 1.9


def face(x, y):
    eyes = min(hypot(x - 45, y - 45), hypot(x - 63, y - 45)) - 3.1
    return min(eyes, smile(x, y))


def draw(size, corner, scale, ground):
    """PNG of size² pixels. The picture is 108 units wide, as Android's icons are,
    and scaled about its middle. corner: radius of the ground in units, None: no
    ground; ground: whether pixels outside it are transparent."""
    unit = 108 / size

    def cover(distance):
        return min(max(0.5 - distance / unit, 0.0), 1.0)

    rows = []
    for row in range(size):
        line = bytearray([0])
        for column in range(size):
            x, y = (column + 0.5) * unit, (row + 0.5) * unit
            back = 1.0 if corner is None else cover(rounded(x, y, 4, 4, 104, 104, corner))
            x, y = 54 + (x - 54) / scale, 54 + (y - 54) / scale
            bubble = cover(scale * min(rounded(x, y, 28, 29, 80, 68, 11), tail(x, y)))
            dark = cover(scale * face(x, y))
            color = [w * bubble + g * (1 - bubble) for w, g in zip(WHITE, GREEN)]
            color = [g * dark + c * (1 - dark) for g, c in zip(GREEN, color)]
            line += bytes(round(c) for c in color)
            if ground:
                line.append(round(back * 255))
        rows.append(bytes(line))
    return png(size, b"".join(rows), 6 if ground else 2)


def png(size, rows, kind):
    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", size, size, 8, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def files():
    """Path and contents of each file."""
    for density, size in (("m", 48), ("h", 72), ("xh", 96), ("xxh", 144), ("xxxh", 192)):
        path = f"android/app/src/main/res/mipmap-{density}dpi/ic_launcher.png"
        yield path, draw(size, 24, 1.25, True)
    info = {"author": "xcode", "version": 1}

    icons = "ios/Runner/Assets.xcassets/AppIcon.appiconset"
    yield f"{icons}/icon.png", draw(1024, None, 1.4, False)
    image = {"filename": "icon.png", "idiom": "universal", "platform": "ios", "size": "1024x1024"}
    yield f"{icons}/Contents.json", contents([image], info)

    launch = "ios/Runner/Assets.xcassets/LaunchImage.imageset"
    images = []
    for scale in (1, 2, 3):
        name = "launch.png" if scale == 1 else f"launch@{scale}x.png"
        yield f"{launch}/{name}", draw(96 * scale, 26, 1.3, True)
        images.append({"filename": name, "idiom": "universal", "scale": f"{scale}x"})
    yield f"{launch}/Contents.json", contents(images, info)

    icons = "macos/Runner/Assets.xcassets/AppIcon.appiconset"
    images = []
    for size in (16, 32, 64, 128, 256, 512, 1024):
        yield f"{icons}/icon_{size}.png", draw(size, 24, 1.25, True)
    for points in (16, 32, 128, 256, 512):
        for scale in (1, 2):
            images.append(
                {
                    "filename": f"icon_{points * scale}.png",
                    "idiom": "mac",
                    "scale": f"{scale}x",
                    "size": f"{points}x{points}",
                }
            )
    yield f"{icons}/Contents.json", contents(images, info)
    for system in ("ios", "macos"):
        yield f"{system}/Runner/Assets.xcassets/Contents.json", json.dumps({"info": info}, indent=2).encode() + b"\n"


def contents(images, info):
    return json.dumps({"images": images, "info": info}, indent=2).encode() + b"\n"


for file, written in files():
    (APP / file).parent.mkdir(parents=True, exist_ok=True)
    (APP / file).write_bytes(written)
