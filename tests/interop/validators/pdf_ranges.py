"""Signatures of a PDF by what ISO 32000 says of ByteRange alone, without a PDF library: each is a range with one hole, the hole
is the value of Contents."""
import dataclasses
import re

from asn1crypto import parser

BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
SUB_FILTER = re.compile(rb"/SubFilter\s*/([A-Za-z0-9.]+)")


class Malformed(ValueError):
    pass


@dataclasses.dataclass(frozen=True)
class EmbeddedSignature:
    ranges: tuple      # (start, length, start, length)
    cms: bytes         # DER
    sub_filter: str

    @property
    def end(self):
        return self.ranges[2] + self.ranges[3]

    def content(self, data):
        start, length, second, rest = self.ranges
        return data[start:start + length] + data[second:second + rest]


def embedded_signatures(data):
    """In the order of the revisions. Raises Malformed; signatures that were never filled (a range of zeros) are left out."""
    found = {}
    for match in BYTE_RANGE.finditer(data):
        ranges = tuple(int(number) for number in match.groups())
        start, length, second, rest = ranges
        if not any(ranges):
            continue
        if start != 0 or length >= second or second + rest > len(data):
            raise Malformed(f"ByteRange {ranges} in a file of {len(data)} bytes")
        hole = data[length:second]
        if hole[:1] != b"<" or hole[-1:] != b">":
            raise Malformed(f"the hole of ByteRange {ranges} is no hexadecimal string")
        try:
            der = bytes.fromhex(hole[1:-1].decode("ascii"))
            size = parser.peek(der)
        except ValueError as error:
            raise Malformed(f"Contents of ByteRange {ranges}: {error}") from error
        if der[size:].strip(b"\0"):
            raise Malformed(f"Contents of ByteRange {ranges}: more than zeros behind the CMS")
        # The dictionary around: from its object's beginning to Contents, and from there to the object's end.
        begin = max(data.rfind(b" obj", 0, min(match.start(), length)), 0)
        around = data[begin:length] + data[second:data.find(b"endobj", second)]
        sub_filter = SUB_FILTER.search(around)
        found[ranges] = EmbeddedSignature(ranges, der[:size], sub_filter.group(1).decode() if sub_filter else "")
    return sorted(found.values(), key=lambda signature: signature.end)
