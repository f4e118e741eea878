"""A client that somebody chose: what it was measured to do on the findings of the exchange, and so what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamlab.clients.table import (
    Break,
    apis_of,
    asked,
    breaks,
    client_names,
    clients,
    clients_called,
    nearest_client,
)
from streamlab.rules.finding import Finding
from streamlab.tui.viewing.viewed import Viewed

if TYPE_CHECKING:
    from streamlab.rules.api import Api

#: After these nothing more reaches whoever uses the client.
_FINAL = frozenset({"raises", "hangs"})


class Fate(NamedTuple):
    """What the chosen client does at an event on a finding."""

    event: int
    finding: Finding
    what: Break


class ChosenClient:
    """``name`` is a client's id, None for one that reads as the official ones do."""

    def __init__(self) -> None:
        self.name: str | None = None

    def choose(self, query: str, api: Api | None) -> str:
        """Take the first client that people may mean, best one measured in the exchange's API; "" for none. What to
        tell them."""
        if not query.strip():
            self.name = None
            return "as the official clients read"
        name = api.name if api is not None else ""
        found = sorted(clients_called(query), key=lambda one: (name not in apis_of(one), not apis_of(one)))
        if not found:
            near = nearest_client(query)
            hint = f"did you mean {near}?" if near is not None else f"there are {', '.join(client_names()[:6])}, …"
            return f"no client is called so; {hint}"
        self.name = found[0]
        others = f"; also {', '.join(found[1:4])}" if len(found) > 1 else ""
        return f"{clients()[self.name]}{others}"

    def unmeasured(self, api: Api | None) -> str:
        """Why nothing can be said of the client in an API; "" where it was asked, or where the API is not known yet."""
        if self.name is None or api is None or api.name in apis_of(self.name):
            return ""
        return f"was measured in another API, not in {api}" if apis_of(self.name) else "was measured by nobody here"

    @property
    def said(self) -> str:
        """The client's name as people know it, with its version; "" for none."""
        return str(clients()[self.name]) if self.name is not None else ""

    def fates(self, viewed: Viewed, event: int) -> list[Fate]:
        """What it was measured to do on what came up to an event, in the order of the stream."""
        if self.name is None:
            return []
        found = [
            Fate(viewed.rows_of(one)[0], one, what)
            for one in viewed.findings
            for what in breaks(one.rule, one.variants, one.api, one.strict)
            if what.client == self.name and what.measured and viewed.rows_of(one)[0] <= event
        ]
        return sorted(found, key=lambda one: one.event)

    def not_asked(self, viewed: Viewed) -> int:
        """On how many of the findings nobody asked any client of the API."""
        return sum(not asked(one.rule, one.api) for one in viewed.findings)

    def event_held(self, viewed: Viewed, event: int) -> int:
        """The last event that reached it, up to ``event``: what ends it, it does not take."""
        final = next((one for one in self.fates(viewed, event) if one.what.harm in _FINAL), None)
        return event if final is None else min(event, max(-1, final.event - 1))
