#!/usr/bin/env python3
"""Writes contract.pdf beside this file: the one page that the demo signs.

Standard library only, standard fonts only, no dates of the moment: the same bytes each time.
"""
import pathlib

WIDTH, HEIGHT, MARGIN = 595, 842, 64

# Widths of Helvetica and Helvetica-Bold (Adobe's AFM, thousandths of the size) for the characters used here.
REGULAR = dict(zip(
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz",
    [278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278] + [556] * 10 +
    [278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722,
     778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500,
     556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500,
     500, 500]))

INK, SOFT, ACCENT, PALE = (0.13, 0.16, 0.22), (0.42, 0.46, 0.53), (0.06, 0.36, 0.42), (0.93, 0.96, 0.97)


class Page:
    def __init__(self):
        self.parts = []

    def box(self, x, y, width, height, colour):
        self.parts.append("%.3f %.3f %.3f rg %.1f %.1f %.1f %.1f re f" % (*colour, x, y, width, height))

    def line(self, x1, y1, x2, y2, colour=SOFT, width=0.6):
        self.parts.append("%.3f %.3f %.3f RG %.2f w %.1f %.1f m %.1f %.1f l S" % (*colour, width, x1, y1, x2, y2))

    def text(self, x, y, words, size=10.5, font="F1", colour=INK):
        escaped = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        self.parts.append("BT /%s %.1f Tf %.3f %.3f %.3f rg %.1f %.1f Td (%s) Tj ET" % (font, size, *colour, x, y, escaped))

    def paragraph(self, x, y, words, width, size=10.5, leading=15.5):
        line = ""
        for word in words.split():
            longer = (line + " " + word).strip()
            if sum(REGULAR[c] for c in longer) * size / 1000 > width:
                self.text(x, y, line, size)
                y, line = y - leading, word
            else:
                line = longer
        self.text(x, y, line, size)
        return y - leading


CLAUSES = [
    ("Subject", "The Lender grants the Borrower the use of one bicycle, city model, blue, frame number SG-2048-P256, "
                "together with its lock and two keys."),
    ("Term", "The loan begins on the day on which the last party signs and ends twelve months later. It may be "
             "renewed once, in writing, for as long again."),
    ("Care", "The Borrower keeps the bicycle in working order, locks it whenever it is left, and bears the cost of "
             "ordinary maintenance. Wear from ordinary use is the Lender's."),
    ("Return", "At the end of the term the Borrower returns the bicycle, lock and keys to the Lender's address, in the "
               "condition in which they were received."),
    ("Form", "This agreement is signed electronically. Each party receives a copy whose signature can be verified "
             "without the help of the other."),
]


def page_content():
    page = Page()
    page.box(0, HEIGHT - 118, WIDTH, 118, ACCENT)
    page.text(MARGIN, HEIGHT - 62, "Loan for use agreement", 25, "F2", (1, 1, 1))
    page.text(MARGIN, HEIGHT - 86, "Agreement no. 2048 / 256    -    sample document of the Sigillo quickstart", 10.5, "F1",
              (0.80, 0.90, 0.92))
    y = HEIGHT - 160
    column = (WIDTH - 2 * MARGIN - 20) / 2
    for x, role, name, place in [(MARGIN, "LENDER", "Ciclofficina Aurora S.r.l.", "Via dei Mille 12, Torino"),
                                 (MARGIN + column + 20, "BORROWER", "Giulia Esempio", "Corso Francia 40, Torino")]:
        page.box(x, y - 62, column, 72, PALE)
        page.text(x + 14, y - 8, role, 8, "F2", ACCENT)
        page.text(x + 14, y - 27, name, 12.5, "F2")
        page.text(x + 14, y - 45, place, 10, "F1", SOFT)
    y -= 104
    for number, (title, words) in enumerate(CLAUSES, 1):
        page.text(MARGIN, y, "%d" % number, 12, "F2", ACCENT)
        page.text(MARGIN + 24, y, title, 12, "F2")
        y = page.paragraph(MARGIN + 24, y - 18, words, WIDTH - 2 * MARGIN - 24) - 11
    y = 150
    for x, role in [(MARGIN, "For the Lender"), (MARGIN + column + 20, "The Borrower")]:
        page.line(x, y, x + column, y)
        page.text(x, y - 15, role, 9, "F1", SOFT)
    page.line(MARGIN, 62, WIDTH - MARGIN, 62, PALE, 1.2)
    page.text(MARGIN, 46, "Page 1 of 1.  The names and the bicycle are invented.", 8.5, "F1", SOFT)
    return "\n".join(page.parts).encode("ascii")


def pdf():
    content = page_content()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en) /ViewerPreferences << /DisplayDocTitle true >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources << /Font << /F1 5 0 R /F2 6 0 R "
        b">> >> >>" % (WIDTH, HEIGHT),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        b"<< /Title (Loan for use agreement) /Author (Sigillo quickstart) >>",
    ]
    out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    xref = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 7 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, xref)
    return bytes(out)


if __name__ == "__main__":
    pathlib.Path(__file__).with_name("contract.pdf").write_bytes(pdf())
