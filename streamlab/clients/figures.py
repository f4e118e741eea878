"""Fills in how many of the measured clients a deviation harms: prose names the question, the data the figure.

``{clients: WHAT}`` in a rule's docstring becomes "20 of 33", ``{count: WHAT}`` becomes "20". WHAT is ``any``, ``none``
(who went on as if nothing were wrong), a harm (``raises``), or words of what happens (``other text``); ``not`` turns
it round, `` when FORM`` asks of one form of the deviation alone.
"""

from __future__ import annotations

import re

from streamlab.clients.table import OWN, Break, asked, breaks, clients_of, is_setup

#: A line that ends within a place ends behind it.
_PLACE = re.compile(r"\{(clients|count):\s([^}]+)\}( ?)")


def filled_in(text: str, rule_name: str) -> str:
    """The text with its figures. Raises ValueError where the data has no such rule or form."""

    def figure(place: re.Match[str]) -> str:
        count, of = _count(" ".join(place[2].split()), rule_name)
        figures = f"{count} of {of}" if place[1] == "clients" else str(count)
        return figures + ("\n" if place[3] and "\n" in place[0] else place[3])

    return _PLACE.sub(figure, text)


def _count(question: str, rule_name: str) -> tuple[int, int]:
    """How many clients, and of how many that were asked."""
    what, _, form = question.partition(" when ")
    forms = [one for one in asked(rule_name) if not form or one.form == form]
    if not forms:
        raise ValueError(f"no client was asked about {rule_name}{' when ' * bool(form)}{form}")
    largest = {one.api: one for one in sorted(forms, key=lambda one: one.clients)}
    turned = what.removeprefix("not ")
    found = {
        (one.client, one.api)
        for one in breaks(rule_name, strict=True)  # as they were counted: each once, on the tools of its driver
        if one.measured
        and (asking := largest.get(one.api)) is not None
        and (one.client in clients_of(asking.survey) if asking.survey in OWN else is_setup(one.client))
        and _fits(one, turned)
        and (not form or not one.conditions or form in one.conditions)
    }
    of = sum(one.clients for one in largest.values())
    return (of - len(found) if (turned != what) != (turned == "none") else len(found)), of


def _fits(one: Break, what: str) -> bool:
    return what in ("any", "none", one.harm) or what in one.what
