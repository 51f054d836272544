"""What a validator says of one document."""
import dataclasses
import typing

LEVELS = ("B-B", "B-T", "B-LT", "B-LTA")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """validator: openssl, pdfsig, qpdf, pyhanko or dss.
    ok: it accepts all signatures of the document (qpdf: the file is well formed), each of the level that was expected, where
        it knows levels.
    level: of the signatures in signing order, where it knows levels; None where it knows none. Entries may be None.
    indication: its own word, e.g. TOTAL-PASSED. reason: why not, or warnings.
    signatures: how many it saw."""
    validator: str
    ok: bool
    level: typing.Optional[tuple] = None
    indication: str = ""
    reason: str = ""
    signatures: int = 0


def held_to(verdict, expected):
    """The verdict, turned to a no when its levels are not the expected: one level for all, or a list of one for each."""
    if not verdict.ok or expected is None or verdict.level is None:
        return verdict
    if isinstance(expected, str):
        wanted = (expected,) * len(verdict.level)
    else:
        wanted = tuple(expected)
    for level in wanted:
        if level not in LEVELS:
            raise ValueError(f"no level: {level}")
    if verdict.level == wanted:
        return verdict
    return dataclasses.replace(verdict, ok=False, reason=f"level {verdict.level}, expected {wanted}; {verdict.reason}")
