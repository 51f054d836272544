"""A PDF writer that does as it is told: for shapes that no library would write any more, but that come by mail.

    pdf = Writer()
    pages = pdf.pages([pdf.page("Hello")])
    pdf.catalog("/Pages %d 0 R" % pages)
    data = pdf.bytes()

Objects are bytes by number; nothing is checked.
"""
import zlib

FONT = "/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"


class Writer:
    def __init__(self, header=b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", first=1):
        self.header = header
        self.objects = {}       # number -> (generation, bytes)
        self.next = first
        self.root = None
        self.trailer = ""

    def reserve(self):
        self.next += 1
        return self.next - 1

    def put(self, body, number=None, generation=0):
        number = self.reserve() if number is None else number
        self.objects[number] = (generation, body if isinstance(body, bytes) else body.encode("latin-1"))
        return number

    def stream(self, data, entries="", compress=False, number=None):
        if compress:
            data, entries = zlib.compress(data), entries + "/Filter/FlateDecode"
        return self.put(f"<<{entries}/Length {len(data)}>>\nstream\n".encode() + data + b"\nendstream", number)

    def text(self, text, x=72, y=720, size=18):
        escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        return self.stream(f"BT /F1 {size} Tf {x} {y} Td ({escaped}) Tj ET".encode("latin-1"))

    def page(self, text="", entries="", box="[0 0 595 842]", font=FONT):
        """A page without its parent, which pages() adds. box, font: empty to leave them out."""
        box = f"/MediaBox{box}" if box else ""
        return self.put(f"<</Type/Page{box}{font}/Contents {self.text(text)} 0 R{entries}>>")

    def pages(self, kids, entries=""):
        number = self.reserve()
        for kid in kids:
            generation, body = self.objects[kid]
            self.objects[kid] = (generation, body[:-2] + b"/Parent %d 0 R>>" % number)
        listed = " ".join(f"{kid} 0 R" for kid in kids)
        count = sum(self._count(kid) for kid in kids)
        return self.put(f"<</Type/Pages/Kids[{listed}]/Count {count}{entries}>>", number)

    def _count(self, number):
        body = self.objects[number][1]
        return int(body.split(b"/Count ")[1].split(b"/")[0].split(b">")[0]) if b"/Type/Pages" in body else 1

    def catalog(self, entries):
        self.root = self.put(f"<</Type/Catalog{entries}>>")
        return self.root

    def simple(self, text, entries="", **page):
        """A document of one page."""
        self.catalog(f"/Pages {self.pages([self.page(text, **page)])} 0 R{entries}")
        return self

    def _bodies(self, start, eol):
        parts, offsets, position = [], {}, start
        for number, (generation, body) in sorted(self.objects.items()):
            part = b"%d %d obj" % (number, generation) + eol + body + eol + b"endobj" + eol
            offsets[number] = position
            position += len(part)
            parts.append(part)
        return b"".join(parts), offsets

    def _table(self, offsets, eol, first):
        """A classic table; in a first one, entry 0 heads the free list. Its lines have 20 bytes whatever eol is."""
        entries = {number: b"%010d %05d n" % (offset, self.objects[number][0]) for number, offset in offsets.items()}
        if first:
            entries[0] = b"%010d 65535 f" % 0
        end = (b" " + eol)[-2:]
        out, numbers = [b"xref" + eol], sorted(entries)
        while numbers:
            run = [numbers.pop(0)]
            while numbers and numbers[0] == run[-1] + 1:
                run.append(numbers.pop(0))
            out.append(b"%d %d" % (run[0], len(run)) + eol)
            out.extend(entries[number] + end for number in run)
        return b"".join(out)

    def bytes(self, before=b"", eol=b"\n", previous=None, xref="table", tail=None, startxref=None):
        """The file; behind before, with previous the offset of its last xref section, an incremental update of it.
        xref: "table" or "stream". tail: what stands behind the number of startxref, by default %%EOF in a line."""
        head = before or self.header.replace(b"\n", eol)
        body, offsets = self._bodies(len(head), eol)
        place = len(head) + len(body)
        size = max([self.next] + [number + 1 for number in self.objects])
        entries = f"/Size {size + (xref == 'stream')}/Root {self.root} 0 R{self.trailer}"
        if previous is not None:
            entries += f"/Prev {previous}"
        if xref == "table":
            section = self._table(offsets, eol, previous is None) + b"trailer" + eol + f"<<{entries}>>".encode() + eol
        else:
            section = self._xref_stream(offsets, place, size, entries)
        tail = eol + b"%%EOF" + eol if tail is None else tail
        return head + body + section + b"startxref" + eol + b"%d" % (place if startxref is None else startxref) + tail

    def _xref_stream(self, offsets, place, number, entries):
        offsets = {**offsets, number: place}
        rows = {one: b"\1" + offset.to_bytes(4, "big") + self.objects.get(one, (0,))[0].to_bytes(2, "big")
                for one, offset in offsets.items()}
        if "/Prev" not in entries:
            rows[0] = b"\0\0\0\0\0\xff\xff"
        index = " ".join(f"{one} 1" for one in sorted(rows))
        data = zlib.compress(b"".join(rows[one] for one in sorted(rows)))
        return (f"{number} 0 obj\n<</Type/XRef/W[1 4 2]/Index[{index}]{entries}/Filter/FlateDecode/Length {len(data)}>>\n"
                f"stream\n").encode() + data + b"\nendstream\nendobj\n"


def last_xref(data):
    return int(data[data.rindex(b"startxref") + 9:].split()[0])
