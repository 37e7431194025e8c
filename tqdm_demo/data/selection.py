"""Which pictures of a set on disk are taken, and with whose look: the settings of a specification.

``include=PATTERN`` and ``exclude=PATTERN`` (shell patterns such as ``0001TP*``, for the path below
the folder of pictures or for its last part; both may be repeated), ``every=N`` (each N-th of what
is left, by name), ``filter=DOMAIN``. The filters ``painterly`` and ``conditions`` stand for seven
domains each, ``all`` for the plain pictures and these fourteen.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from tqdm_demo.data.specs import Spec
from tqdm_demo.streets.domains import CONDITIONS, DOMAINS, PAINTERLY

FILTER_GROUPS = {"painterly": PAINTERLY, "conditions": CONDITIONS}
_ALL = "all"
_SHOWN = 3


def select_names(spec: Spec, names: Sequence[str]) -> list[str]:
    """The names that a specification takes, sorted.

    Args:
        spec: of the set.
        names: of all its pictures, with ``/`` between folders.

    Raises:
        ValueError: ``every`` is no number from 1 on, or nothing is left.
    """
    include, exclude = spec.values("include"), spec.values("exclude")
    taken = [
        name
        for name in sorted(names)
        if (not include or _fits(name, include)) and not _fits(name, exclude)
    ]
    for text in spec.values("every"):
        if not text.isdecimal() or not int(text):
            raise ValueError(f"every={text} in {spec}: it takes a whole number from 1 on")
        taken = taken[:: int(text)]
    if names and not taken:
        shown = ", ".join(sorted(names)[:_SHOWN])
        raise ValueError(f"{spec} takes none of {len(names):,} pictures, such as {shown}")
    return taken


def split_filters(spec: Spec) -> list[tuple[Spec, str]]:
    """A specification for every domain whose look it asks for, with the domain; "" = as they are.

    Raises:
        ValueError: an unknown filter, or several.
    """
    asked = spec.values("filter")
    if not asked:
        return [(spec, "")]
    known = (_ALL, *FILTER_GROUPS, *DOMAINS)
    if len(asked) > 1 or asked[0] not in known:
        raise ValueError(f"filter={asked[-1]} in {spec}: it takes one of {', '.join(known)}")
    groups = FILTER_GROUPS if asked[0] == _ALL else {asked[0]: ()}
    domains = [d for name in groups for d in FILTER_GROUPS.get(name, (name,))]
    plain = [(spec.with_setting("filter", None), "")] if asked[0] == _ALL else []
    return plain + [(spec.with_setting("filter", domain), domain) for domain in domains]


def _fits(name: str, patterns: Sequence[str]) -> bool:
    last = name.rsplit("/", 1)[-1]
    return any(fnmatchcase(name, p) or fnmatchcase(last, p) for p in patterns)
