"""Documents of programs that are quick to install: qpdf, Ghostscript, Cairo, ReportLab, Poppler, MuPDF, img2pdf, librsvg."""

from recipes import recipe

GS = ["gs", "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite"]


def qpdf(name, how, *options, source="reportlab-report", **more):
    @recipe(f"qpdf-{name}", "qpdf", how, **more)
    def make(bench, path):
        bench.run("qpdf", *options, bench.base(source), path)


qpdf("object-streams", "object streams and xref stream", "--object-streams=generate", quick=True)
qpdf("linearized", "linearized", "--linearize", quick=True)
qpdf("linearized-object-streams", "linearized, with object streams", "--linearize", "--object-streams=generate", quick=True)
qpdf("uncompressed", "streams uncompressed", "--stream-data=uncompress", "--object-streams=disable", quick=True)
qpdf("qdf", "QDF form", "--qdf")
qpdf("newline-before-endstream", "a newline before each endstream", "--newline-before-endstream")
qpdf("min-version-2.0", "at least version 2.0", "--min-version=2.0")
qpdf("force-version-1.3", "called version 1.3 whatever is in it", "--force-version=1.3", "--object-streams=disable")
qpdf("first-page", "page 1 of 6, split off", "--pages", ".", "1", "--")
qpdf("rotated", "all pages rotated by 90", "--rotate=90:1-z")
qpdf("flattened", "form fields flattened into the page", "--flatten-annotations=all", source="reportlab-form")
qpdf("encrypted-rc4-40", "RC4 with 40 bits, no user password", "--allow-weak-crypto", "--encrypt", "", "owner", "40", "--",
     refused="encrypted")
qpdf("encrypted-aes-128", "AES-128, no user password", "--encrypt", "", "owner", "128", "--use-aes=y", "--", refused="encrypted",
     quick=True)
qpdf("encrypted-aes-256", "AES-256, no user password", "--encrypt", "", "owner", "256", "--", refused="encrypted", quick=True)
qpdf("encrypted-user-password", "AES-256 with a user password", "--encrypt", "user", "owner", "256", "--", refused="encrypted",
     qpdf="errors", quick=True)


@recipe("qpdf-merged", "qpdf", "pages of four producers in one file", quick=True)
def merged(bench, path):
    sources = [bench.base(name) for name in ("cairo-vector", "reportlab-report", "gs-1.4", "shape-rotated")]
    bench.run("qpdf", "--empty", "--pages", *sources, "--", path)


@recipe("qpdf-overlay", "qpdf", "a stamp laid over each page")
def overlay(bench, path):
    bench.run("qpdf", bench.base("reportlab-report"), "--overlay", bench.base("shape-minimal"), "--repeat=1", "--", path)


@recipe("qpdf-attachment", "qpdf", "a file attached with --add-attachment, linearized", quick=True)
def qpdf_attachment(bench, path):
    bench.run("qpdf", "--add-attachment", __file__, "--", "--linearize", bench.base("cairo-vector"), path)


def ghostscript(name, how, *options, source="reportlab-report", **more):
    @recipe(f"gs-{name}", "Ghostscript", how, **more)
    def make(bench, path):
        bench.run(*GS, *options, f"-sOutputFile={path}", bench.base(source))


for version in ("1.4", "1.5", "1.6", "1.7"):
    ghostscript(version, f"rewritten as PDF {version}", f"-dCompatibilityLevel={version}", quick=version in ("1.4", "1.7"))
ghostscript("screen", "images and fonts reduced", "-dPDFSETTINGS=/screen")
ghostscript("pdfa-2b", "PDF/A-2b", "-dPDFA=2", "-dPDFACompatibilityPolicy=1", "-sColorConversionStrategy=RGB", quick=True)
ghostscript("pdfa-1b", "PDF/A-1b", "-dPDFA=1", "-dPDFACompatibilityPolicy=1", "-sColorConversionStrategy=RGB",
            "-dCompatibilityLevel=1.4")


@recipe("gs-postscript", "Ghostscript", "from PostScript written by hand (ps2pdf)", quick=True)
def postscript(bench, path):
    source = bench.scratch / "hand.ps"
    source.write_text("%!PS\n/Times-Roman findfont 24 scalefont setfont\n3 { 72 700 moveto (By hand) show showpage } repeat\n",
                      encoding="ascii")
    bench.run("ps2pdf", source, path)


def draw_with_cairo(path, links):
    import cairo
    surface = cairo.PDFSurface(str(path), 595, 842)
    context = cairo.Context(surface)
    for number, (width, height) in enumerate(((595, 842), (842, 595), (300, 300))):
        surface.set_size(width, height)
        gradient = cairo.LinearGradient(0, 0, width, height)
        gradient.add_color_stop_rgba(0, 0.2, 0.4, 0.8, 1)
        gradient.add_color_stop_rgba(1, 1, 1, 1, 0.3)
        context.set_source(gradient)
        context.rectangle(20, 20, width - 40, height - 40)
        context.fill()
        context.set_source_rgb(0, 0, 0)
        context.select_font_face("DejaVu Sans")
        context.set_font_size(24)
        if links:
            context.tag_begin("Link", "uri='http://localhost/'")
        context.move_to(40, 80)
        context.show_text(f"Seite {number + 1}: Žluťoučký Ελληνικά Русский")
        if links:
            context.tag_end("Link")
        surface.add_outline(0, f"Page {number + 1}", f"page={number + 1}", 0)
        context.show_page()
    surface.finish()


@recipe("cairo-vector", "Cairo", "paths, gradients, text, outline, several page sizes", quick=True)
def cairo_vector(_, path):
    draw_with_cairo(path, False)


@recipe("cairo-links", "Cairo", "with links: Cairo 1.16 gives the unused object 4 an offset at which another begins", quick=True,
        qpdf="warnings")
def cairo_links(_, path):
    draw_with_cairo(path, True)


@recipe("cairo-1.4", "Cairo", "restricted to PDF 1.4")
def cairo_14(_, path):
    import cairo
    surface = cairo.PDFSurface(str(path), 420, 595)
    surface.restrict_to_version(cairo.PDF_VERSION_1_4)
    context = cairo.Context(surface)
    context.set_font_size(30)
    context.move_to(50, 100)
    context.show_text("Cairo 1.4")
    surface.finish()


@recipe("rsvg", "librsvg", "an SVG drawing as PDF", quick=True)
def rsvg(bench, path):
    source = bench.scratch / "drawing.svg"
    source.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><circle cx="200" cy="150" r="100" '
                      'fill="teal" fill-opacity=".5"/><text x="120" y="160" font-size="30">drawing</text></svg>', encoding="ascii")
    bench.run("rsvg-convert", "-f", "pdf", "-o", path, source)


@recipe("reportlab-report", "ReportLab", "six pages, outline, an embedded TrueType font, an image", quick=True)
def report(bench, path):
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen import canvas
    pdfmetrics.registerFont(TTFont("Sans", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"))
    pdf = canvas.Canvas(str(path), pagesize=A4)
    pdf.setTitle("Annual report")
    for number in range(1, 7):
        pdf.setFont("Sans", 14)
        pdf.drawString(72, 760, f"Chapter {number}: Übergrößenträger, Ελλάδα, Россия")
        pdf.drawImage(str(bench.picture()), 72, 400, 300, 200)
        pdf.bookmarkPage(f"c{number}")
        pdf.addOutlineEntry(f"Chapter {number}", f"c{number}", 0)
        pdf.showPage()
    pdf.save()


@recipe("reportlab-form", "ReportLab", "AcroForm with text, check box, radio, choice", quick=True)
def reportlab_form(_, path):
    from reportlab.pdfgen import canvas
    pdf = canvas.Canvas(str(path))
    form = pdf.acroForm
    pdf.drawString(72, 780, "Application")
    form.textfield(name="name", x=72, y=740, width=200, height=20, value="Anna")
    form.checkbox(name="agree", x=72, y=700, size=16, checked=True)
    for number, value in enumerate("abc"):
        form.radio(name="grade", value=value, selected=value == "b", x=72 + 30 * number, y=660, size=16)
    form.choice(name="country", value="Italy", options=["Italy", "Germany"], x=72, y=620, width=120, height=20)
    pdf.showPage()
    pdf.save()


@recipe("reportlab-2000-pages", "ReportLab", "2,000 pages with text, compressed", quick=False)
def reportlab_2000(_, path):
    from reportlab.pdfgen import canvas
    pdf = canvas.Canvas(str(path), pageCompression=1)
    for number in range(2000):
        for line in range(40):
            pdf.drawString(72, 780 - 18 * line, f"Page {number}, line {line}")
        pdf.showPage()
    pdf.save()


@recipe("img2pdf-jpeg", "img2pdf", "one scanned JPEG, nothing else", quick=True)
def img2pdf_jpeg(bench, path):
    bench.run("img2pdf", bench.picture(), "-o", path)


@recipe("img2pdf-png", "img2pdf", "a PNG with 16 bits, page size A4")
def img2pdf_png(bench, path):
    from PIL import Image
    source = bench.scratch / "grey.png"
    Image.linear_gradient("L").resize((600, 400)).convert("I;16").save(source)
    bench.run("img2pdf", "--pagesize", "A4", source, "-o", path)


@recipe("poppler-unite", "Poppler", "pdfunite of two documents; its trailer has a wrong Size", quick=True, qpdf="warnings")
def unite(bench, path):
    bench.run("pdfunite", bench.base("cairo-vector"), bench.base("reportlab-report"), path)


@recipe("poppler-separate", "Poppler", "page 2, by pdfseparate")
def separate(bench, path):
    bench.run("pdfseparate", "-f", "2", "-l", "2", bench.base("reportlab-report"), path)


@recipe("poppler-cairo", "Poppler", "redrawn by pdftocairo")
def pdftocairo(bench, path):
    bench.run("pdftocairo", "-pdf", bench.base("reportlab-report"), path)


@recipe("mutool-clean", "MuPDF", "cleaned, renumbered, compressed (clean -gggz)", quick=True)
def mutool_clean(bench, path):
    bench.run("mutool", "clean", "-gggz", bench.base("reportlab-report"), path)


@recipe("mutool-sanitized", "MuPDF", "content streams rewritten (clean -sd)")
def mutool_sanitized(bench, path):
    bench.run("mutool", "clean", "-sd", bench.base("cairo-vector"), path)


@recipe("mutool-merge", "MuPDF", "two documents merged")
def mutool_merge(bench, path):
    bench.run("mutool", "merge", "-o", path, bench.base("cairo-vector"), bench.base("reportlab-form"))


@recipe("mutool-create", "MuPDF", "made from a content stream")
def mutool_create(bench, path):
    source = bench.scratch / "page.txt"
    source.write_text("%%MediaBox 0 0 500 800\n%%Font Tm Times-Roman\nBT /Tm 24 Tf 72 700 Td (By mutool) Tj ET\n", encoding="ascii")
    bench.run("mutool", "create", "-o", path, source)


@recipe("pikepdf-metadata", "pikepdf", "XMP metadata added, object streams", quick=True)
def pikepdf_metadata(bench, path):
    import pikepdf
    with pikepdf.open(bench.base("cairo-vector")) as pdf:
        with pdf.open_metadata() as metadata:
            metadata["dc:title"] = "Contract"
        pdf.attachments["note.txt"] = pikepdf.AttachedFileSpec(pdf, b"attached", filename="note.txt")
        pdf.save(path, object_stream_mode=pikepdf.ObjectStreamMode.generate)


