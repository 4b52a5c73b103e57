"""Tells, before any renderer sees it, whether a formula can be drawn within bounded work.

math-core 0.9 parses recursively, and some thousand levels overflow the stack and end the process.
It also looks for the partner of every opening bracket and, where there is none, parses what
follows a second time: n brackets left open cost 2**n. Neither can be caught once begun.

Both measures here err on the side of refusal: every command counts as holding all that follows it
in its group or table cell, and a bracket counts as closed only where nothing could take its
partner for an argument.
"""

import re
from dataclasses import dataclass

LONGEST = 10_000
"""Characters."""
DEEPEST = 200
"""Groups, environments, brackets and commands inside one another."""
MOST_OPEN_BRACKETS = 6

_TOKEN = re.compile(
    r"""
      (?P<comment>%[^\n]*)
    | \\(?P<group>left|begin)(?![A-Za-z])(?:(?<=left)\s*DELIMITER)?
    | \\(?P<close_group>right|end)(?![A-Za-z])(?:(?<=right)\s*DELIMITER)?
    | \\(?:middle|[bB]igg?m?)(?![A-Za-z])\s*DELIMITER
    | \\(?P<bracket_command>l(?:[aA]ngle?|[bB]race|brack|[vV]ert|floor|ceil|group|paren|moustache)
        |llbracket|llangle|llcorner|llparenthesis|ulcorner|mathopen|\{)(?![A-Za-z])
    | \\(?P<bracketing>(?:p?mod|pod|[bB]ra|[kK]et|[bB]raket|[sS]et)(?![A-Za-z])(?!\s*\{))
    | \\(?P<partner_command>r(?:[aA]ngle?|[bB]race|brack|[vV]ert|floor|ceil|group|paren|moustache)
        |rrbracket|rrangle|lrcorner|rrparenthesis|urcorner|\})(?![A-Za-z])
    | (?P<row>\\\\|\\cr(?![A-Za-z])|&)
    | \\(?P<command>[A-Za-z]+)
    | \\.
    | (?P<brace>\{) | (?P<close_brace>\})
    | (?P<bracket>[(\[⟨⟦⟪⌈⌊⎰⟮⦃⦅⌜⌞]) | (?P<partner>[)\]⟩⟧⟫⌉⌋⎱⟯⦄⦆⌝⌟])
    | (?P<script>[\^_])
    | \S
    """.replace("DELIMITER", r"(?:\\(?:[A-Za-z]+|[^A-Za-z])|[^{}\\\s])"),
    re.VERBOSE | re.DOTALL,
)
# Commands that take more than one argument; any other is counted as taking one.
_ARGUMENTS = {
    **dict.fromkeys(["frac", "dfrac", "tfrac", "cfrac", "binom", "dbinom", "tbinom"], 2),
    **dict.fromkeys(["overset", "underset", "stackrel", "textcolor", "cancelto"], 2),
    **dict.fromkeys(["sideset", "prescript", "overunderset", "mathchoice", "genfrac"], 6),
}
# What these change lasts to the end of the group, so a partner after them is out of sight.
_LASTING = re.compile(r"(?:display|text|script|scriptscript)style|color|over|atop|choose|brac[ek]")
# Names of symbols, which take no argument.
_SYMBOL = re.compile(
    r"(?:var)?(?:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma"
    r"|tau|phi|chi|psi|omega)|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega|infty|circ|prime"
    r"|[lcvd]?dots|degree|ell|quad|pm|mp|cdot|times|star|ast"
)


@dataclass(slots=True)
class _Group:
    """What is open at one place: the kind of its opening mark, and the counts of the two rules."""

    kind: str
    held: int = 1
    brackets: int = 0
    unclosed: int = 0
    worst_cell: int = 0
    awaited: int = 0
    """How many of the tokens to come may be arguments of the command before them."""
    lasting: bool = False

    def end_cell(self) -> None:
        self.worst_cell = max(self.worst_cell, self.unclosed + self.brackets)
        self.brackets = self.unclosed = self.awaited = 0
        self.lasting = False


def is_drawable(source: str) -> bool:
    """Whether `source` is short, shallow and balanced enough for a renderer."""
    if len(source) > LONGEST:
        return False
    groups = [_Group("")]
    depth = 1
    for token in _TOKEN.finditer(source):
        depth += _advance(groups, token)
        if depth > DEEPEST:
            return False
    while len(groups) > 1:
        _leave(groups)
    groups[0].end_cell()
    return groups[0].worst_cell <= MOST_OPEN_BRACKETS


def _advance(groups: list[_Group], token: re.Match[str]) -> int:
    """Take one token into account; return by how much the depth changes."""
    group, kind = groups[-1], token.lastgroup
    match kind:
        case "comment":
            return 0
        case "brace" | "group":
            groups.append(_Group("}" if kind == "brace" else token["group"]))
            return 1
        case "close_brace" | "close_group":
            closed = "}" if kind == "close_brace" else _PARTNERS[token["close_group"]]
            return -_leave(groups) if group.kind == closed else 0
        case "row":
            return _end_cell(group)
        case "command":
            arguments = _arguments(token["command"])
            group.awaited = max(group.awaited - 1, 0) + arguments
            group.lasting |= _LASTING.fullmatch(token["command"]) is not None
            group.held += arguments > 0
            return arguments > 0
        case "script":
            group.awaited += 1
            return 0
        case "bracket" | "bracket_command" | "bracketing":
            group.brackets += 1
            group.held += 1
            group.awaited = max(group.awaited - 1, 0)
            return 1
        case "partner" | "partner_command":
            return -_close_bracket(group)
    group.awaited = max(group.awaited - 1, 0)
    return 0


_PARTNERS = {"right": "left", "end": "begin"}


def _arguments(command: str) -> int:
    return 0 if _SYMBOL.fullmatch(command) else _ARGUMENTS.get(command, 1)


def _close_bracket(group: _Group) -> int:
    """Take a closing bracket into account; return how many levels end with it."""
    if group.awaited:
        group.awaited -= 1
        return 0
    if not group.brackets or group.lasting:
        return 0
    group.brackets -= 1
    group.held -= 1
    return 1


def _end_cell(group: _Group) -> int:
    """End a table cell, where there is one: what it held ends with it."""
    if group.kind != "begin":
        return 0
    ended = group.held - 1
    group.held = 1
    group.end_cell()
    return -ended


def _leave(groups: list[_Group]) -> int:
    """Close the innermost group; return how many levels end with it."""
    group = groups.pop()
    group.end_cell()
    groups[-1].unclosed += group.worst_cell
    groups[-1].awaited = max(groups[-1].awaited - 1, 0)
    return group.held
