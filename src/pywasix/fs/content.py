"""The content of a file in memory: pieces that are there, and holes that read as zeros and take no room."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pywasix.errors import SysError

_SHIFT = 16
PIECE = 1 << _SHIFT  # bytes; a smaller file has one piece of its own size
_WITHIN = PIECE - 1
_SMALL = 1 << 11  # bytes that are copied twice faster than once by way of two more objects
MOST = (1 << 63) - 1  # bytes of a file, Linux's off_t
OVERHEAD = 256  # bytes that a piece counts beside its content


class Content:
    """Bytes of a file.

    Args:
        take: is asked for so many more bytes before they are there; raises SysError when there are none. It is told
            of bytes given back with a negative number.
    """

    def __init__(self, take: Callable[[int], None]) -> None:
        self._take = take
        self._pieces: dict[int, bytearray] = {}
        self.size = 0

    @property
    def held(self) -> int:
        """Bytes that are there, holes left out."""
        return sum(map(len, self._pieces.values()))

    def read(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Fill the buffers from an offset on; returns how many bytes there were."""
        if len(buffers) == 1:  # the usual case, from a single piece, is written out
            buffer = buffers[0]
            size, start = len(buffer), offset & _WITHIN
            piece = self._pieces.get(offset >> _SHIFT)
            if piece is not None and start + size <= len(piece):
                if size == 1:
                    buffer[0] = piece[start]
                elif size <= _SMALL:
                    buffer[:] = piece[start : start + size]
                else:
                    with memoryview(piece) as view:  # a piece that is looked at cannot grow
                        buffer[:] = view[start : start + size]
                return size
        return self._read_pieces(buffers, offset)

    def _read_pieces(self, buffers: Sequence[memoryview], offset: int) -> int:
        done = 0
        for buffer in buffers:
            size = len(buffer)
            count = max(0, min(size, self.size - offset - done))
            self._read(buffer, count, offset + done)
            done += count
            if count < size:
                break
        return done

    def _read(self, buffer: memoryview, size: int, offset: int) -> None:
        at = 0
        while at < size:
            index, start = divmod(offset + at, PIECE)
            count = min(PIECE - start, size - at)
            with memoryview(self._pieces.get(index, b"")) as piece:
                found = max(0, min(count, len(piece) - start))
                buffer[at : at + found] = piece[start : start + found]
            if found < count:
                buffer[at + found : at + count] = bytes(count - found)
            at += count

    def write(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Store the buffers from an offset on; returns how many bytes found room, fewer than all only if some did."""
        if len(buffers) == 1:  # the usual cases, over what is in a piece and at its end, are written out
            data = buffers[0]
            size, start = len(data), offset & _WITHIN
            piece = self._pieces.get(offset >> _SHIFT)
            if piece is not None:
                held = len(piece)
                if start + size <= held:
                    if size == 1:
                        piece[start] = data[0]
                    else:
                        with memoryview(piece) as view:
                            view[start : start + size] = data
                    return size
                if start == held and start + size <= PIECE:
                    try:
                        self._take(size)
                    except SysError:
                        pass  # a part of it may find room
                    else:
                        piece += data
                        if offset + size > self.size:
                            self.size = offset + size
                        return size
        return self._write_pieces(buffers, offset)

    def _write_pieces(self, buffers: Sequence[memoryview], offset: int) -> int:
        done = 0
        for buffer in buffers:
            at = 0
            while at < len(buffer):
                count = min(PIECE - (offset + done) % PIECE, len(buffer) - at)
                try:
                    count = self._write_some(buffer[at : at + count], offset + done)
                except SysError:
                    if done:
                        return done
                    raise
                at += count
                done += count
        return done

    def _write_some(self, data: memoryview, offset: int) -> int:
        """Store what lies in one piece, or the largest half, quarter and so on that finds room."""
        count = len(data)
        while True:
            try:
                self._write(data[:count], offset)
            except SysError:
                if count == 1:
                    raise
                count //= 2
            else:
                return count

    def _write(self, data: memoryview, offset: int) -> None:
        """Store what lies in one piece."""
        index, start = divmod(offset, PIECE)
        end = start + len(data)
        piece = self._pieces.get(index)
        if piece is None:
            self._take(end + OVERHEAD)
            if start:
                piece = self._pieces[index] = bytearray(start)
                piece += data
            else:
                self._pieces[index] = bytearray(data)
        elif end <= len(piece):
            piece[start:end] = data
        else:
            self._take(end - len(piece))
            if start > len(piece):
                piece += bytes(start - len(piece))
            piece[start:] = data
        self.size = max(self.size, offset + len(data))

    def resize(self, size: int) -> None:
        """Cut it, or let it grow with a hole."""
        if size < self.size:
            last, keep = divmod(size, PIECE)
            for index in [index for index in self._pieces if index > last or (index == last and not keep)]:
                self._take(-len(self._pieces.pop(index)) - OVERHEAD)
            piece = self._pieces.get(last)
            if piece is not None and len(piece) > keep:
                self._take(keep - len(piece))
                del piece[keep:]
        self.size = size

    def fill(self, offset: int, size: int) -> None:
        """Let the holes of a part be zeros that are there. Takes the room for all of it first."""
        wanted: dict[int, int] = {}
        at, end = offset, offset + size
        while at < end:
            index, start = divmod(at, PIECE)
            stop = min(PIECE, start + end - at)
            if stop > len(self._pieces.get(index, b"")):
                wanted[index] = stop
            at += stop - start
        new = wanted.keys() - self._pieces.keys()
        room = sum(stop - len(self._pieces.get(index, b"")) for index, stop in wanted.items())
        self._take(room + OVERHEAD * len(new))
        for index, stop in wanted.items():
            piece = self._pieces.setdefault(index, bytearray())
            piece.extend(bytes(stop - len(piece)))
        self.size = max(self.size, end)
