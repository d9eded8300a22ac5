"""In which encoding a file is written: by its byte order mark, by what its beginning can be, or as its user says."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from workers.csv_import.errors import BadFile

AUTO = "auto"
KNOWN = {
    "utf-8": "utf-8",
    "utf-16": "utf-16-le",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "cp949": "cp949",
    "euc-kr": "euc_kr",
    "latin-1": "latin-1",
}
"""The names that may be asked for, and Python's own. In each of them a line's end cannot be part of a character."""
UNDECODABLE = "\udcff"
"""What stands in a text for bytes that are no character; no decoded text holds it."""
_HANDLER = "seawall-csv"
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1a"))
_MUCH = 0.3
"""Of the bytes at one side of each pair: so many NULs make the text UTF-16."""
_BINARY = 0.05
"""So many control characters are in no text; in what is packed or drawn there are a tenth."""
_HANGUL = range(0xAC00, 0xD7A4)
_HIGH = 0xA1


class Encoding(NamedTuple):
    """How bytes become characters."""

    codec: str
    mark_bytes: int = 0
    """Of the byte order mark, which is no text."""

    @property
    def unit(self) -> int:
        """Bytes of the shortest character."""
        return 2 if self.codec.startswith("utf-16") else 1

    def newline(self, text: str) -> bytes:
        """Return a line's end as it stands in the file."""
        return text.encode(self.codec)

    def decode(self, data: bytes) -> str:
        """Return the text; each run of bytes that is none becomes `UNDECODABLE`."""
        try:
            return data.decode(self.codec)
        except UnicodeDecodeError:
            codecs.register_error(_HANDLER, _mark)
            return data.decode(self.codec, _HANDLER)


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return UNDECODABLE, error.end


def encoding_of(head: bytes, asked: str = AUTO) -> Encoding:
    """Return the encoding of a file that begins with *head*; raises `BadFile` where it is no text, or *asked* unknown.

    A mark is left out of the text whatever was asked for.
    """
    if asked not in (AUTO, *KNOWN):
        raise BadFile(f"the encoding {asked!r} is none of {', '.join((AUTO, *KNOWN))}")
    marked = next(((name, len(mark)) for mark, name in _MARKS if head.startswith(mark)), None)
    if asked == AUTO:
        found = Encoding(*marked) if marked else Encoding(_guess(head))
    else:
        codec = KNOWN[asked]
        if asked == "utf-16" and marked is None and _nuls(head[::2]) > _nuls(head[1::2]):
            codec = "utf-16-be"
        found = Encoding(*marked) if marked and (marked[0] == codec or asked == "utf-16") else Encoding(codec)
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if asked == AUTO and found.unit == 1 and controls > _BINARY * len(head):
        raise BadFile("this is no text: its beginning holds control characters, as binary files do")
    return found


def _nuls(data: bytes) -> int:
    return data.count(0)


def _guess(head: bytes) -> str:
    """Return the likeliest encoding of a text without a mark."""
    half = max(len(head) // 2, 1)
    for codec, at, other in (("utf-16-le", 1, 0), ("utf-16-be", 0, 1)):
        if _nuls(head[at::2]) > _MUCH * half and not _nuls(head[other::2]):
            return codec
    text = Encoding("utf-8").decode(_whole(head))
    flaws = text.count(UNDECODABLE)
    proper = len(text) - len(text.encode("ascii", "ignore")) - flaws
    if flaws <= proper:
        return "utf-8"
    return "cp949" if _is_korean(_whole(head)) else "latin-1"


def _whole(head: bytes) -> bytes:
    """Return *head* as far as its last line's end, so that it does not end in the midst of a character."""
    end = head.rfind(b"\n") + 1
    return head[:end] if end else head


def _is_korean(head: bytes) -> bool:
    """Tell whether *head* is CP949, and most of what is not ASCII in it Hangul of the ordinary rows of its table."""
    try:
        text = head.decode("cp949")
    except UnicodeDecodeError:
        return False
    others = [character for character in text if character > "\x7f"]
    hangul = sum(ord(one) in _HANGUL and min(one.encode("cp949")) >= _HIGH for one in others)
    return 2 * hangul >= len(others) > 0
