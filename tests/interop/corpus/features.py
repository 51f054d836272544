"""Documents of our own writer: forms, fields for signatures, annotations, attachments, size."""
import random

from recipes import recipe
from shapes import FONTS, shape
from writer import Writer

MIB = 1 << 20


def form(pdf, page, fields, entries="", indirect=True):
    """Adds an AcroForm to a document whose page is given, and writes its catalog."""
    listed = " ".join(f"{field} 0 R" for field in fields)
    acroform = f"<</Fields[{listed}]{entries}>>"
    if indirect:
        acroform = f" {pdf.put(acroform)} 0 R"
    pdf.catalog(f"/Pages {pdf.pages([page])} 0 R/AcroForm{acroform}")
    return pdf.bytes()


def widget(pdf, kind, name, rect, page, more=""):
    return pdf.put(f"<</Type/Annot/Subtype/Widget/FT/{kind}/T({name})/Rect[{rect}]/P {page} 0 R/F 4{more}>>")


def page_with(pdf, text, widgets, indirect=False):
    page = pdf.reserve()
    numbers = [make(page) for make in widgets]
    listed = "[" + " ".join(f"{number} 0 R" for number in numbers) + "]"
    annots = f" {pdf.put(listed)} 0 R" if indirect else listed
    contents = pdf.text(text)
    pdf.put(f"<</Type/Page/MediaBox[0 0 595 842]{FONTS}/Contents {contents} 0 R/Annots{annots}>>", page)
    return page, numbers


@shape("form-fields", "text field, check box, choice; DA and DR in an indirect AcroForm", quick=True)
def form_fields():
    pdf = Writer()
    page, fields = page_with(pdf, "Fill me in", [
        lambda page: widget(pdf, "Tx", "name", "72 600 300 620", page, "/DA(/F1 12 Tf 0 g)/V(Anna)"),
        lambda page: widget(pdf, "Btn", "agree", "72 560 90 578", page, "/V/Off/AS/Off"),
        lambda page: widget(pdf, "Ch", "country", "72 520 300 540", page, "/Opt[(IT)(DE)(FR)]/DA(/F1 12 Tf 0 g)/Ff 131072")])
    return form(pdf, page, fields, "/DA(/F1 12 Tf 0 g)/NeedAppearances true")


@shape("form-direct", "AcroForm and its Fields are direct objects of the catalog")
def form_direct():
    pdf = Writer()
    page, fields = page_with(pdf, "Direct form", [
        lambda page: widget(pdf, "Tx", "name", "72 600 300 620", page, "/DA(/F1 12 Tf 0 g)")])
    return form(pdf, page, fields, indirect=False)


@shape("form-indirect-fields", "the Fields array is an indirect object")
def form_indirect_fields():
    pdf = Writer()
    page, fields = page_with(pdf, "Indirect fields", [
        lambda page: widget(pdf, "Tx", "name", "72 600 300 620", page, "/DA(/F1 12 Tf 0 g)")])
    listed = pdf.put("[" + " ".join(f"{field} 0 R" for field in fields) + "]")
    acroform = pdf.put(f"<</Fields {listed} 0 R>>")
    pdf.catalog(f"/Pages {pdf.pages([page])} 0 R/AcroForm {acroform} 0 R")
    return pdf.bytes()


@shape("form-empty", "an AcroForm with no fields")
def form_empty():
    pdf = Writer()
    return form(pdf, pdf.page("Empty form"), [])


@shape("field-empty-signature", "an empty, visible signature field", field="Signer", quick=True)
def empty_signature():
    pdf = Writer()
    page, fields = page_with(pdf, "Sign below", [lambda page: widget(pdf, "Sig", "Signer", "72 100 272 160", page)])
    return form(pdf, page, fields)


@shape("field-empty-invisible", "an empty signature field of no size, SigFlags 1", field="Hidden", quick=True)
def empty_invisible():
    pdf = Writer()
    page, fields = page_with(pdf, "Sign somewhere", [lambda page: widget(pdf, "Sig", "Hidden", "0 0 0 0", page)])
    return form(pdf, page, fields, "/SigFlags 1")


@shape("field-two-empty", "two empty signature fields, Annots indirect", field="Tenant", quick=True)
def two_empty():
    pdf = Writer()
    page, fields = page_with(pdf, "Two parties", [
        lambda page: widget(pdf, "Sig", "Landlord", "72 100 272 160", page),
        lambda page: widget(pdf, "Sig", "Tenant", "300 100 500 160", page)], indirect=True)
    return form(pdf, page, fields)


@shape("field-hierarchical", "a signature field below a parent: contract.signature", field="contract.signature")
def hierarchical():
    pdf = Writer()
    parent = pdf.reserve()
    page, fields = page_with(pdf, "Nested names", [
        lambda page: widget(pdf, "Sig", "signature", "72 100 272 160", page, f"/Parent {parent} 0 R")])
    pdf.put(f"<</T(contract)/Kids[{fields[0]} 0 R]>>", parent)
    return form(pdf, page, [parent])


@shape("field-separate-widget", "the signature field and its widget are two objects", field="Apart",
       cannot_judge=["pdfsig"])  # Poppler 22.12 looks for the value in the widget
def separate_widget():
    pdf = Writer()
    field = pdf.reserve()
    page, widgets = page_with(pdf, "Field and widget apart", [lambda page: pdf.put(
        f"<</Type/Annot/Subtype/Widget/Rect[72 100 272 160]/P {page} 0 R/F 4/Parent {field} 0 R>>")])
    pdf.put(f"<</FT/Sig/T(Apart)/Kids[{widgets[0]} 0 R]>>", field)
    return form(pdf, page, [field])


@shape("field-unicode-name", "a signature field with a name in UTF-16", field="Unterschrift Müller")
def unicode_name():
    pdf = Writer()
    name = "<" + ("\ufeff" + "Unterschrift Müller").encode("utf-16-be").hex() + ">"
    page, fields = page_with(pdf, "Umlaut", [lambda page: pdf.put(
        f"<</Type/Annot/Subtype/Widget/FT/Sig/T{name}/Rect[72 100 272 160]/P {page} 0 R/F 4>>")])
    return form(pdf, page, fields)


@shape("annots-indirect", "links and notes in an indirect Annots array, no AcroForm", quick=True)
def annots_indirect():
    pdf = Writer()
    page, _ = page_with(pdf, "Notes", [
        lambda page: pdf.put("<</Type/Annot/Subtype/Link/Rect[72 600 200 620]/A<</S/URI/URI(http://localhost/)>>>>"),
        lambda page: pdf.put("<</Type/Annot/Subtype/Text/Rect[300 600 320 620]/Contents(Look here)/Open false>>")], indirect=True)
    pdf.catalog(f"/Pages {pdf.pages([page])} 0 R")
    return pdf.bytes()


@shape("annots-direct", "annotations as direct objects in the page")
def annots_direct():
    return Writer().simple("Direct annotation", font=FONTS + "/Annots[<</Type/Annot/Subtype/Text/Rect[9 9 29 29]/Contents(x)>>]").bytes()


@shape("catalog-furniture", "outlines, page labels, names, layers, an open action in JavaScript, viewer preferences, Lang")
def furniture():
    pdf = Writer()
    page = pdf.page("Furniture")
    layer, outline = pdf.put("<</Type/OCG/Name(Layer)>>"), pdf.reserve()
    entry = pdf.put(f"<</Title(Start)/Parent {outline} 0 R/Dest[{page} 0 R/Fit]>>")
    pdf.put(f"<</Type/Outlines/First {entry} 0 R/Last {entry} 0 R/Count 1>>", outline)
    pdf.catalog(f"/Pages {pdf.pages([page])} 0 R/Outlines {outline} 0 R/PageLabels<</Nums[0<</S/r>>]>>"
                f"/OCProperties<</OCGs[{layer} 0 R]/D<</Order[{layer} 0 R]>>>>/OpenAction<</S/JavaScript/JS(app.beep\\(\\))>>"
                "/ViewerPreferences<</DisplayDocTitle true>>/Lang(de-CH)/Names<</Dests<</Names[]>>>>")
    return pdf.bytes()


def attachment(pdf, name, data, compress):
    stream = pdf.stream(data, f"/Type/EmbeddedFile/Params<</Size {len(data)}>>", compress)
    return pdf.put(f"<</Type/Filespec/F({name})/UF({name})/EF<</F {stream} 0 R>>>>")


def with_attachments(files, compress=True):
    pdf = Writer()
    names = " ".join(f"({name}){attachment(pdf, name, data, compress)} 0 R" for name, data in files)
    pdf.simple("See the attachments", f"/Names<</EmbeddedFiles<</Names[{names}]>>>>/PageMode/UseAttachments")
    return pdf.bytes()


@shape("attachments", "three attached files", quick=True)
def attachments():
    return with_attachments([("a.txt", b"alpha " * 100), ("b.csv", b"1,2,3\n" * 1000), ("c.bin", bytes(range(256)) * 64)])


@recipe("large-100-mib-attachment", "own writer", "one attached file of 100 MiB that does not compress", large=True)
def large_attachment(_, path):
    path.write_bytes(with_attachments([("scan.bin", random.Random(1).randbytes(100 * MIB))], compress=False))


@recipe("large-100-mib-images", "own writer", "25 scanned pages, each an image of 4 MiB, with an xref stream", large=True)
def large_images(_, path):
    source, pdf, pages = random.Random(2), Writer(), []
    for number in range(25):
        image = pdf.stream(source.randbytes(4 * MIB), "/Type/XObject/Subtype/Image/Width 2048/Height 2048/BitsPerComponent 8"
                           "/ColorSpace/DeviceGray")
        contents = pdf.stream(b"q 595 0 0 842 0 0 cm /Im Do Q")
        pages.append(pdf.put(f"<</Type/Page/MediaBox[0 0 595 842]/Resources<</XObject<</Im {image} 0 R>>>>"
                             f"/Contents {contents} 0 R>>"))
    pdf.catalog(f"/Pages {pdf.pages(pages)} 0 R")
    path.write_bytes(pdf.bytes(xref="stream"))
