"""Documents of the programs that people write in: LibreOffice, TeX, Chromium, and enscript, pdftk, groff. Only in the whole
corpus: their packages are large (packages-full.list)."""
import csv

from recipes import recipe

PDFA = {"1b": 1, "2b": 2, "3b": 3}


def libreoffice(name, module, how, source, options="", **more):
    """source: (file name, bytes); options: of the export filter, as LibreOffice writes them in JSON."""
    @recipe(f"libreoffice-{name}", "LibreOffice", how, **more)
    def make(bench, path):
        file = bench.scratch / f"{name}-{source[0]}"
        file.write_bytes(source[1])
        target = "pdf" + (f":{module}_pdf_Export:{options}" if options else "")
        bench.run("soffice", "--headless", f"-env:UserInstallation=file://{bench.scratch}/libreoffice", "--convert-to", target,
                  "--outdir", bench.scratch, file, seconds=180)
        bench.take(file.with_suffix(".pdf"), path)


def choice(**values):
    kinds = {bool: "boolean", int: "long"}
    return "{" + ",".join(f'"{key}":{{"type":"{kinds[type(value)]}","value":"{str(value).lower()}"}}'
                          for key, value in values.items()) + "}"


LETTER = ("letter.html", ("<html><head><meta charset='utf-8'><title>Letter</title></head><body><h1>Grüße aus Łódź</h1>"
                          + "<p>Lorem ipsum dolor sit amet, consectetur adipiscing elit.</p>" * 60
                          + "<table border=1><tr><td>1</td><td>2</td></tr></table></body></html>").encode())
FORM = ("form.html", b"<html><body><form>Name <input type='text' name='n' value='Anna'> <input type='checkbox' name='c'>"
                     b"<select name='s'><option>one<option>two</select></form></body></html>")
SHEET = ("sheet.csv", "\n".join(",".join(str(row * column) for column in range(8)) for row in range(200)).encode())
SLIDES = ("slides.fodp", b"""<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" office:version="1.3"
 office:mimetype="application/vnd.oasis.opendocument.presentation"><office:body><office:presentation>
 <draw:page draw:name="one"><draw:frame svg:x="2cm" svg:y="2cm" svg:width="20cm" svg:height="4cm"><draw:text-box>
 <text:p>First slide</text:p></draw:text-box></draw:frame></draw:page>
 <draw:page draw:name="two"><draw:frame svg:x="2cm" svg:y="2cm" svg:width="20cm" svg:height="4cm"><draw:text-box>
 <text:p>Second slide</text:p></draw:text-box></draw:frame></draw:page>
 </office:presentation></office:body></office:document>""")

libreoffice("writer", "writer_web", "a letter of several pages", LETTER)
libreoffice("calc", "calc", "a sheet of 200 rows", SHEET)
libreoffice("impress", "impress", "two slides", SLIDES)
for level, number in PDFA.items():
    libreoffice(f"pdfa-{level}", "writer_web", f"PDF/A-{level}", LETTER, choice(SelectPdfVersion=number))
libreoffice("tagged", "writer_web", "tagged, PDF/UA, with outline", LETTER, choice(UseTaggedPDF=True, PDFUACompliance=True,
                                                                                  ExportBookmarks=True))
libreoffice("form", "writer_web", "form controls exported as AcroForm", FORM, choice(ExportFormFields=True))
libreoffice("pdf-1.6", "writer_web", "PDF 1.6, object streams where LibreOffice has them", LETTER, choice(SelectPdfVersion=16))
libreoffice("calc-landscape", "calc", "a sheet of 60 columns over many pages",
            ("wide.csv", "\n".join(",".join(f"{row}/{column}" for column in range(60)) for row in range(120)).encode()))


def tex(name, program, how, body, preamble="", **more):
    @recipe(f"tex-{name}", program, how, **more)
    def make(bench, path):
        source = bench.scratch / f"tex-{name}.tex"
        source.write_text("\\documentclass{article}\n" + preamble + "\n\\begin{document}\n" + body + "\n\\end{document}\n",
                          encoding="utf-8")
        for _ in range(2):
            bench.run(program, "-interaction=nonstopmode", "-halt-on-error", f"-output-directory={bench.scratch}", source,
                      seconds=180)
        bench.take(source.with_suffix(".pdf"), path)


ARTICLE = "\\section{One}\nText with $e^{i\\pi}=-1$.\n\\newpage\\section{Two}\nMore."
tex("article", "pdflatex", "an article with object streams", ARTICLE)
tex("article-1.4", "pdflatex", "PDF 1.4, nothing compressed", ARTICLE, "\\pdfminorversion=4\\pdfobjcompresslevel=0\\pdfcompresslevel=0")
tex("hyperref", "pdflatex", "links, outlines, named destinations", "\\tableofcontents " + ARTICLE, "\\usepackage{hyperref}")
tex("form", "pdflatex", "a form of hyperref's",
    "\\begin{Form}\\TextField[name=t]{Name} \\PushButton[name=b,onclick={app.beep()}]{Press} \\ChoiceMenu[name=m]{Pick}{a,b}\\end{Form}",
    "\\usepackage{hyperref}")
tex("xelatex", "xelatex", "xdvipdfmx, OpenType fonts", "Ελληνικά, кириллица. " + ARTICLE,
    "\\usepackage{fontspec}\\setmainfont{DejaVu Sans}")
tex("lualatex", "lualatex", "LuaTeX, OpenType fonts", "Łódź. " + ARTICLE, "\\usepackage{fontspec}\\setmainfont{DejaVu Sans}")
tex("200-pages", "pdflatex", "200 pages", "\\newcount\\n\\loop\\ifnum\\n<200 Page \\the\\n\\newpage\\advance\\n by 1\\repeat")


def chromium(name, how, page, *options):
    @recipe(f"chromium-{name}", "Chromium", how)
    def make(bench, path):
        source = bench.scratch / f"chromium-{name}.html"
        source.write_text("<!doctype html><meta charset=utf-8>" + page, encoding="utf-8")
        bench.run("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                  "--disable-background-networking", "--disable-component-update", "--disable-sync",
                  f"--user-data-dir={bench.scratch}/chromium", *options, f"--print-to-pdf={path}", source.as_uri(), seconds=120)


chromium("page", "a long page", "<title>Invoice</title><h1>Invoice</h1>" + "<p>Position 1 · 20 €</p>" * 200)
chromium("tagged", "tagged, with outline", "<h1>One</h1><p>text</p><h2>Two</h2><p lang=el>Ελληνικά</p>",
         "--export-tagged-pdf", "--generate-pdf-document-outline")
chromium("svg", "drawings, transparency, a web form, no header", "<svg width=400 height=400><rect width=300 height=300 fill=red "
         "opacity=.4 /></svg><form><input value=x><textarea>y</textarea></form>", "--no-pdf-header-footer")


@recipe("enscript", "enscript and ps2pdf", "a listing in two columns")
def enscript(bench, path):
    listing, ps = bench.scratch / "listing.csv", bench.scratch / "listing.ps"
    with listing.open("w", encoding="ascii", newline="") as file:
        csv.writer(file).writerows([[row, row * row] for row in range(500)])
    bench.run("enscript", "-q", "-2r", "-o", ps, listing)
    bench.run("ps2pdf", ps, path)


@recipe("groff", "groff", "groff's own PDF device")
def groff(bench, path):
    source = bench.scratch / "page.roff"
    source.write_text(".sp 3\n.ft B\nA manual page\n.ft\n.sp\nwith text.\n", encoding="ascii")
    bench.run("groff", "-Tpdf", source, stdout=path)


@recipe("pdftk-cat", "pdftk", "pages reordered by pdftk (iText)")
def pdftk_cat(bench, path):
    bench.run("pdftk", bench.base("reportlab-report"), "cat", "end-1", "output", path)


@recipe("pdftk-filled", "pdftk", "form fields filled by pdftk")
def pdftk_filled(bench, path):
    fdf = bench.scratch / "fill.fdf"
    fdf.write_text("%FDF-1.2\n1 0 obj\n<</FDF<</Fields[<</T(name)/V(Berta)>>]>>>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n",
                   encoding="ascii")
    bench.run("pdftk", bench.base("reportlab-form"), "fill_form", fdf, "output", path)
