"""Reads rows out of single pages of an SQLite file, whatever became of the tree they hung on. Pure.

Leaf of a table (file format, sections 1.6 and 2.1), on page 1 after the 100 bytes of the file's header:

    type u8 = 13, u16, cells u16, u16, u8 | place of each cell u16 ... | ... cell: size varint, rowid varint, record
    record: its header's size varint, type of each value varint ... | the values
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR = 13, 10, 2
_FILE_HEADER_BYTES = 100
_MOST_OVERFLOW_PAGES = 1000

Value = int | bytes | str | None
Fetch = Callable[[int], bytes | None]
"""Gives the image of a page; None if there is none to be trusted."""


def table_rows(image: bytes, page: int, fetch: Fetch) -> Iterator[tuple[int, tuple[Value, ...]]]:
    """Give rowid and values of each row on a leaf of a table, nothing for another page. What is illegible is left."""
    start = _FILE_HEADER_BYTES if page == 1 else 0
    if len(image) <= start + 8 or image[start] != TABLE_LEAF:
        return
    for place in _cells(image, start, 8):
        try:
            size, at = _varint(image, place)
            rowid, begin = _varint(image, at)
            record = _payload(image, begin, size, len(image) - 35, fetch)
            if record is not None:
                yield rowid, _values(record)
        except (IndexError, ValueError):
            continue


def index_rows(root: int, fetch: Fetch) -> list[tuple[Value, ...]] | None:
    """Give all records of a table without rowid, by its tree; None if any of it is not to be trusted."""
    found: list[tuple[Value, ...]] = []
    waiting, seen = [root], set[int]()
    try:
        while waiting:
            page = waiting.pop()
            image = fetch(page)
            if image is None or page in seen:
                return None
            seen.add(page)
            if image[0] == INDEX_INTERIOR:
                waiting.append(int.from_bytes(image[8:12]))
            elif image[0] != INDEX_LEAF:
                return None
            left = 4 if image[0] == INDEX_INTERIOR else 0
            for place in _cells(image, 0, 8 + left):
                if left:
                    waiting.append(int.from_bytes(image[place : place + left]))
                size, begin = _varint(image, place + left)
                record = _payload(image, begin, size, (len(image) - 12) * 64 // 255 - 23, fetch)
                if record is None:
                    return None
                found.append(_values(record))
    except (IndexError, ValueError):
        return None
    return found


def _cells(image: bytes, start: int, header: int) -> Iterator[int]:
    count = int.from_bytes(image[start + 3 : start + 5])
    for n in range(count):
        at = start + header + 2 * n
        place = int.from_bytes(image[at : at + 2])
        if 0 < place < len(image):
            yield place


def _payload(image: bytes, at: int, size: int, most_local: int, fetch: Fetch) -> bytes | None:
    """Give a payload, following it to the pages it overflows to (section 1.6)."""
    usable = len(image)
    if size <= most_local:
        return _exactly(image[at : at + size], size)
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    if local > most_local:
        local = least
    parts = [image[at : at + local]]
    left = size - local
    page = int.from_bytes(image[at + local : at + local + 4])
    for _ in range(_MOST_OVERFLOW_PAGES):
        if left <= 0:
            break
        overflow = fetch(page) if page else None
        if overflow is None:
            return None
        parts.append(overflow[4 : 4 + min(left, usable - 4)])
        left -= usable - 4
        page = int.from_bytes(overflow[:4])
    return _exactly(b"".join(parts), size)


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise ValueError("a cell runs off its page")
    return data


def _values(record: bytes) -> tuple[Value, ...]:
    end, at = _varint(record, 0)
    kinds: list[int] = []
    while at < end:
        kind, at = _varint(record, at)
        kinds.append(kind)
    values: list[Value] = []
    for kind in kinds:
        size = _WIDTHS[kind] if kind < len(_WIDTHS) else (kind - 12) // 2
        data = _exactly(record[at : at + size], size)
        at += size
        values.append(_value(kind, data))
    return tuple(values)


_WIDTHS = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)


def _value(kind: int, data: bytes) -> Value:
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind < 7:
        return int.from_bytes(data, signed=True)
    if kind < 12:
        raise ValueError("a number of a kind that no log holds")
    return data.decode() if kind % 2 else data


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(9):
        byte = data[at]
        at += 1
        if n == 8:
            return value << 8 | byte, at
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, at
