"""What the corpus is made of: a list of recipes that the modules beside fill, each with what it should come to."""
import dataclasses
import typing

# Why a document is refused. A recipe names one; the product's own words may differ, their meaning may not.
REASONS = {
    "encrypted": "the document is encrypted, with a password or without",
    "certified": "an earlier signature forbids any change (DocMDP level 1)",
    "locked": "an earlier signature locks the fields that a further one would change (FieldMDP)",
    "not_pdf": "no PDF: no header where one must be, or no bytes at all",
    "structure": "the cross-reference table or the page tree cannot be read without guessing",
}
RECIPES = []


@dataclasses.dataclass(frozen=True)
class Recipe:
    name: str
    producer: str
    how: str
    make: typing.Callable      # (bench, path) -> None
    quick: bool
    refused: typing.Optional[str]
    facts: dict


def recipe(name, producer, how, *, quick=False, refused=None, **facts):
    """Registers the decorated function. facts go into the manifest: field="Name" (an empty signature field), signatures=n,
    qpdf="warnings", cannot_judge=[validators that cannot read the document when it is signed], ..."""
    if refused is not None and refused not in REASONS:
        raise ValueError(f"{name}: no reason: {refused}")

    def register(make):
        if any(one.name == name for one in RECIPES):
            raise ValueError(f"two recipes named {name}")
        RECIPES.append(Recipe(name, producer, how, make, quick, refused, facts))
        return make
    return register
