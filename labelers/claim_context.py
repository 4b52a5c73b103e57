"""The words around an arithmetic claim: whether they assert it, and whether they change it."""

import re

BEFORE_LENGTH = 100
AFTER_LENGTH = 80

# Words close before a claim that change what its first number is ("half of 10 + 2 = 7") or name
# it ("day 1 + 2 = 30 pages").
_CHANGED_BY = re.compile(
    r"\b(?:half|third|quarter|fourth|fifth|tenth|twice|thrice|doubl\w+|tripl\w+|average|mean|median"
    r"|squared?|cubed?|roots?|times|minus|plus|less|divided|multiplied|percent|days?|weeks?|months?"
    r"|years?|hours?|steps?|questions?|numbers?|parts?|levels?|grades?|rooms?|groups?|rounds?"
    r"|log|ln|sin|cos|tan|sqrt|max|min)"
    r"\W+(?:\w+\W+){0,2}$|[0-9]\s+(?:[a-z]+\s+){1,2}of\s+$",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[;:?!\n]|[.,](?![0-9])|\b(?:then|so)\b", re.IGNORECASE)
# Somewhere before the claim in its own clause: supposed, or somebody else's.
_SUPPOSED = re.compile(
    r"\b(?:if|whether|unless|suppos\w+|assum\w+|imagin\w+|pretend\w*"
    r"|says|said|claims|claimed|thinks|thought|believes|believed|writes|wrote)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\b(?:not|never|cannot|wrong\w*|false\w*|incorrect\w*|mistake\w*|instead of|rather than)"
    r"|n['’]t)\W+(?:\w+\W+){0,2}\Z",
    re.IGNORECASE,
)
_LINK = (
    r"(?:is|are|was|be|which|that|this|it|would|must|can|could|should|does|do|did|has|to|a|an|but"
    r"|clearly|obviously|however|also|looks?|seems?)"
)
_WRONG = (
    r"(?:wrong|false|incorrect|untrue|impossible|absurd|nonsense|mistaken?|error|contradiction"
    r"|(?:not|cannot|never|\w+n['’]t)\W+(?:be\W+|a\W+)?(?:right|correct|true|equal|hold|possible))"
)
_REFUTED = re.compile(
    rf"[^.,;:?!\n]*\?|\W*(?:(?:[a-z]+\W+)?(?:{_LINK}\W+){{1,4}}|[a-z]+\s*\()?{_WRONG}\b"
    r"|\W*(?:no\s*[-,.!;:–—]|(?:no[ ,]+)?wait\b|oops\b|sorry\b|actually\b)",
    re.IGNORECASE,
)


def is_asserted(before: str, after: str) -> bool:
    """Whether a text that goes on with `after` says of itself that the claim is so.

    It does not where the claim is supposed, asked, denied, another's, or taken back at once.
    """
    clause = _CLAUSE_END.split(before)[-1]
    return not (_SUPPOSED.search(clause) or _DENIED.search(clause) or _REFUTED.match(after))


def changes_first_number(before: str) -> bool:
    return _CHANGED_BY.search(before[-60:]) is not None
