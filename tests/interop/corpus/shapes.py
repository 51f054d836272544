"""Documents of our own writer: page geometry, page trees, line ends, cross-reference tables, damage."""
from recipes import recipe
from writer import Writer, last_xref

WRITER = "own writer"
FONTS = "/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>>>>>"


def shape(name, how, **more):
    """A recipe whose function returns the file's bytes."""
    def register(make):
        recipe(name, WRITER, how, **more)(lambda bench, path: path.write_bytes(make()))
        return make
    return register


@shape("shape-minimal", "classic xref table, one page, no AcroForm, no Info", quick=True)
def minimal():
    return Writer().simple("A short contract").bytes()


@shape("shape-no-final-newline", "the file ends with the F of %%EOF", quick=True)
def no_final_newline():
    return Writer().simple("No newline at the end").bytes(tail=b"\n%%EOF")


@shape("shape-comments-after-eof", "comments and blank lines behind %%EOF", quick=True)
def comments_after_eof():
    return Writer().simple("More after the end").bytes() + b"\n\n% printed by a mail gateway\n%\n\n"


@shape("shape-cr", "lines end with a carriage return alone")
def cr():
    return Writer().simple("Carriage returns").bytes(eol=b"\r")


@shape("shape-crlf", "lines end with CR LF", quick=True)
def crlf():
    return Writer().simple("Windows line ends").bytes(eol=b"\r\n")


@shape("shape-pdf-1.3", "header of PDF 1.3")
def old_version():
    return Writer(b"%PDF-1.3\n").simple("An old one").bytes()


@shape("shape-pdf-2.0", "header of PDF 2.0")
def version_2():
    return Writer(b"%PDF-2.0\n%\xe2\xe3\xcf\xd3\n").simple("PDF two").bytes()


@shape("shape-version-in-catalog", "header 1.4, /Version/1.7 in the catalog")
def version_in_catalog():
    return Writer(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n").simple("Catalog says 1.7", "/Version/1.7").bytes()


@shape("shape-negative-origin", "MediaBox from (-200,-300)", quick=True)
def negative_origin():
    return Writer().simple("Origin in the middle", box="[-200 -300 395 542]").bytes()


@shape("shape-user-unit", "UserUnit 2.5, a page of 3 metres", quick=True)
def user_unit():
    return Writer(b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n").simple("Plan", box="[0 0 3400 2400]", font="/UserUnit 2.5" + FONTS).bytes()


@shape("shape-real-box", "MediaBox of reals, corners swapped", quick=True)
def real_box():
    return Writer().simple("Corners swapped", box="[595.276 841.89 0.0 -.001]").bytes()


@shape("shape-indirect-box", "MediaBox and Rotate are indirect objects")
def indirect_box():
    pdf = Writer()
    box, rotate = pdf.put("[0 0 595 842]"), pdf.put("90")
    return pdf.simple("Indirect box", box=f" {box} 0 R", font=f"/Rotate {rotate} 0 R{FONTS}").bytes()


@shape("shape-rotated", "four pages, rotated by 0, 90, 180, 270 and one by -90", quick=True)
def rotated():
    pdf = Writer()
    pages = [pdf.page(f"Rotated by {angle}", f"/Rotate {angle}") for angle in (0, 90, 180, 270, -90)]
    pdf.catalog(f"/Pages {pdf.pages(pages)} 0 R")
    return pdf.bytes()


@shape("shape-cropped", "CropBox well inside the MediaBox, rotated too", quick=True)
def cropped():
    pdf = Writer()
    pages = [pdf.page("Cropped", f"/CropBox[100 200 400 600]/Rotate {angle}") for angle in (0, 90)]
    pdf.catalog(f"/Pages {pdf.pages(pages)} 0 R")
    return pdf.bytes()


@shape("shape-inherited", "MediaBox, CropBox, Rotate and Resources come from three levels of the page tree", quick=True)
def inherited():
    pdf = Writer()
    leaves = [pdf.pages([pdf.page(f"Leaf {i} {j}", box="", font="") for j in range(3)], f"/Rotate {90 * i}") for i in range(3)]
    middle = pdf.pages(leaves, "/CropBox[20 20 500 800]")
    pdf.catalog(f"/Pages {pdf.pages([middle], f'/MediaBox[0 0 595 842]{FONTS}')} 0 R")
    return pdf.bytes()


@shape("shape-no-media-box", "no MediaBox anywhere", qpdf="sound")
def no_media_box():
    return Writer().simple("No size given", box="").bytes()


@shape("shape-generations", "objects with generation numbers above 0")
def generations():
    pdf = Writer().simple("Generations")
    note = pdf.put("<</Note(seventh life)>>", generation=7)
    generation, root = pdf.objects[pdf.root]
    pdf.objects[pdf.root] = (generation, root[:-2] + b"/PieceInfo<</X %d 7 R>>>>" % note)
    return pdf.bytes()


@shape("shape-sparse-numbers", "object numbers up to 1,000,000, several subsections")
def sparse_numbers():
    pdf = Writer()
    page = pdf.page("Sparse")
    pdf.next = 500_000
    pages = pdf.pages([page])
    pdf.next = 999_999
    pdf.catalog(f"/Pages {pages} 0 R")
    return pdf.bytes()


@shape("shape-three-revisions", "two incremental updates, each with a changed page, classic tables", quick=True)
def three_revisions():
    data = Writer().simple("First draft").bytes()
    for text in ("Second draft", "Third draft"):
        update = Writer(first=5)
        update.root = 4
        update.put("<</Length 42>>\nstream\n" + f"BT /F1 18 Tf 72 700 Td ({text:14}) Tj ET"[:42].ljust(42) + "\nendstream", number=1)
        data = update.bytes(before=data, previous=last_xref(data))
    return data


@shape("shape-xref-stream", "xref stream, no object streams", quick=True)
def xref_stream():
    return Writer().simple("Cross-reference stream").bytes(xref="stream")


@shape("shape-xref-stream-updates", "xref stream, then an update with an xref stream", quick=True)
def xref_stream_updates():
    data = Writer().simple("Stream").bytes(xref="stream")
    update = Writer(first=8)
    update.root = 4
    update.put("<</Producer(an update)>>")
    update.trailer = "/Info 8 0 R"
    return update.bytes(before=data, previous=last_xref(data), xref="stream")


@shape("shape-mixed-updates", "classic table, then an update with an xref stream: forbidden, but met")
def mixed_updates():
    data = Writer().simple("Mixed").bytes()
    update = Writer(first=6)
    update.root = 4
    update.put("<</Producer(an update)>>")
    update.trailer = "/Info 6 0 R"
    return update.bytes(before=data, previous=last_xref(data), xref="stream")


@shape("shape-hybrid", "hybrid-reference file: a classic table with /XRefStm, an object that only the stream knows", quick=True)
def hybrid():
    pdf = Writer().simple("Hybrid")
    head = pdf.bytes()
    body = head[:last_xref(head)]
    hidden, place = b"7 0 obj\n<</Note(only in the stream)>>\nendobj\n", len(body)
    stream_at = place + len(hidden)
    rows = b"\1" + place.to_bytes(4, "big") + b"\0\0"
    stream = (b"6 0 obj\n<</Type/XRef/W[1 4 2]/Index[7 1]/Size 8/Length %d>>\nstream\n" % len(rows)) + rows + b"\nendstream\nendobj\n"
    whole = body + hidden + stream
    table = head[last_xref(head):head.rindex(b"trailer")]
    return whole + table + (b"trailer\n<</Size 8/Root %d 0 R/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n"
                            % (pdf.root, stream_at, len(whole)))


@shape("shape-2000-pages", "2,000 pages in one flat Kids array", quick=True)
def pages_2000():
    pdf = Writer()
    pdf.catalog(f"/Pages {pdf.pages([pdf.page(f'Page {number}') for number in range(1, 2001)])} 0 R")
    return pdf.bytes()


@shape("shape-contents-array", "page contents as an array of three streams", quick=True)
def contents_array():
    pdf = Writer()
    parts = " ".join(f"{pdf.text(text, y=y)} 0 R" for text, y in (("One", 720), ("Two", 700), ("Three", 680)))
    page = pdf.put(f"<</Type/Page/MediaBox[0 0 595 842]{FONTS}/Contents[{parts}]>>")
    pdf.catalog(f"/Pages {pdf.pages([page])} 0 R")
    return pdf.bytes()


@shape("shape-odd-spacing", "comments, tabs and empty lines inside objects", quick=False)
def odd_spacing():
    pdf = Writer().simple("Odd spacing")
    generation, root = pdf.objects[pdf.root]
    pdf.objects[pdf.root] = (generation, root.replace(b"/Type/Catalog", b"% the root\n/Type\t/Catalog\n\n/La#6eg (it)  "))
    return pdf.bytes()


@shape("damaged-stream-length", "a stream whose Length is too small", qpdf="warnings", cannot_judge=["pyhanko"],
       quick=True)
def stream_length():
    return Writer().simple("Wrong length").bytes().replace(b"/Length 4", b"/Length 2", 1)


@shape("damaged-page-count", "Count says 7, there are 2 pages")
def page_count():
    pdf = Writer()
    pdf.catalog(f"/Pages {pdf.pages([pdf.page('One'), pdf.page('Two')])} 0 R")
    return pdf.bytes().replace(b"/Count 2", b"/Count 7")


@shape("damaged-startxref", "startxref points into the page", refused="structure", qpdf="warnings", quick=True)
def wrong_startxref():
    return Writer().simple("Wrong startxref").bytes(startxref=60)


@shape("damaged-truncated", "cut off in the middle", refused="structure", qpdf="errors", quick=True)
def truncated():
    data = Writer().simple("Cut off").bytes()
    return data[:len(data) * 2 // 3]


@shape("damaged-no-pages", "a page tree without pages", refused="structure", quick=True)
def no_pages():
    pdf = Writer()
    pdf.catalog(f"/Pages {pdf.pages([])} 0 R")
    return pdf.bytes()


@shape("damaged-root-is-no-catalog", "Root points to the page's contents", refused="structure", qpdf="errors")
def no_catalog():
    pdf = Writer().simple("No catalog")
    pdf.root = 1
    return pdf.bytes()


@shape("damaged-junk-before-header", "600 bytes of a mail header in front", refused="not_pdf")
def junk_before():
    return b"Received: from example\r\n" * 25 + Writer().simple("Junk in front").bytes()


@shape("other-text", "a text file named .pdf", refused="not_pdf", qpdf="errors", quick=True)
def text():
    return b"This is a letter, and no PDF.\n" * 100


@shape("other-empty", "no bytes at all", refused="not_pdf", qpdf="errors", quick=True)
def empty():
    return b""
