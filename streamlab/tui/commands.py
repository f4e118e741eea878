"""The command palette: every action of the screen in front as ``noun: action``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from streamlab.tui.keys import keys_of

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.widget import Widget

    from streamlab.tui.app import Workbench


class Command(NamedTuple):
    """One entry. ``action`` is run on the screen (or, with the prefix ``app.``, on the app)."""

    name: str
    action: str
    what: str


EVERYWHERE = (
    Command("screen: save a picture", "app.picture", "an SVG of what is on the screen"),
    Command("screen: theme", "app.switch_theme", "light or dark"),
    Command("help: this part", "app.help", "what the focused part shows"),
    Command("help: all keys", "app.all_keys", "every key of this screen"),
    Command("workbench: quit", "app.leave", "what was deleted goes for good"),
)
ON_LIST = (
    Command("exchange: open", "open", "the one under the cursor"),
    Command("exchange: mark", "mark", "mark it, or take the mark away"),
    Command("exchange: note", "note", "write a note"),
    Command("exchange: delete", "delete", "until you leave, u brings it back"),
    Command("exchange: bring back", "undo", "the one deleted last"),
    Command("exchange: export a fixture", "export", "ready for pytest"),
    Command("exchange: share", "share", "a bundle and a page without secrets; shows what is masked first"),
    Command("exchange: share without what was said", "share('text')", "the same, with filler for what was said"),
    Command("exchange: copy as curl", "copy_curl", "the request, on the clipboard"),
    Command("exchange: compare", "compare", "with another one: choose it with c"),
    Command("list: filter", "filter", "by model, ending, rule, words, …"),
    Command("list: clear the filter", "clear_filter", "everything again"),
    Command("list: sort by the next column", "sort(1)", "newest, model, status, …"),
    Command("list: sort by the column before", "sort(-1)", "newest, model, status, …"),
)
ON_EXCHANGE = (
    Command("finding: next", "finding(1)", "the worst first"),
    Command("finding: previous", "finding(-1)", "the other way round"),
    Command("finding: explain the rule", "rule", "what OpenAI does, who breaks, how it is mended"),
    Command("stall: next", "stall(1)", "the next long wait"),
    Command("stall: previous", "stall(-1)", "the long wait before"),
    Command("event: go to a number", "go_to", "counted from 0"),
    Command("event: search", "search", "in the bytes, from here on"),
    Command("event: search on", "search_on(1)", "for the same text"),
    Command("event: mark", "mark", "mark it, or take the mark away"),
    Command("event: note", "note", "write a note"),
    Command("pane: timeline", "pane('timeline')", "every event as a row"),
    Command("pane: diff", "pane('diff')", "beside what OpenAI, or Anthropic, would have sent"),
    Command("pane: bytes", "pane('bytes')", "with everything invisible shown"),
    Command("pane: client state", "pane('client')", "what a client holds here"),
    Command("client: whose view", "client", "what a client you name was measured to do"),
    Command("pane: findings", "pane('findings')", "all of them, the worst first"),
    Command("play: start or hold", "play", "in real time from here on"),
    Command("play: faster", "faster(1)", "up to 50 times"),
    Command("play: slower", "faster(-1)", "down to a tenth"),
    Command("play: step", "step(1)", "one event on"),
    Command("play: step back", "step(-1)", "one event back"),
    Command("play: break on findings", "break_on('findings')", "on or off"),
    Command("play: break on a gap", "break_on('gap')", "of so many milliseconds"),
    Command("play: break at an event", "break_on('event')", "by its number"),
    Command("exchange: next", "neighbour(1)", "the one below in the list"),
    Command("exchange: previous", "neighbour(-1)", "the one above in the list"),
    Command("exchange: export a fixture", "export", "ready for pytest"),
    Command("exchange: write normalized", "normalize", "the mended stream as a file"),
    Command("exchange: replay from here", "replay", "a server that plays it back; again to stop"),
    Command("exchange: share", "share", "a bundle and a page without secrets; shows what is masked first"),
    Command("exchange: share without what was said", "share('text')", "the same, with filler for what was said"),
    Command("exchange: copy as curl", "copy_curl", "the request, on the clipboard"),
    Command("exchange: compare with normalized", "compare_normalized", "before and after"),
    Command("timeline: zoom in", "zoom(-1)", "down to a millisecond"),
    Command("timeline: zoom out", "zoom(1)", "up to the whole stream"),
    Command("timeline: whole stream", "zoom(0)", "on the axis, or what is on the screen"),
    Command("timeline: begin", "begin", "at the first event, or at the request"),
)


def commands_for(screen: object) -> tuple[Command, ...]:
    """The entries for a screen."""
    from streamlab.tui.screens.exchange import ExchangeScreen
    from streamlab.tui.screens.exchanges import ExchangesScreen

    own: tuple[Command, ...] = ()
    if isinstance(screen, ExchangesScreen):
        own = ON_LIST
    elif isinstance(screen, ExchangeScreen):
        own = ON_EXCHANGE
    return own + EVERYWHERE


def _parts(screen: Screen[Any]) -> list[Widget]:
    """The parts of a screen that keys go to."""
    return [one for one in screen.query("*") if one.can_focus]


class WorkbenchCommands(Provider):
    """Gives the palette its entries."""

    def _keys(self, command: Command) -> str:
        """The keys that do the same; "" where there are none."""
        action = command.action.removeprefix("app.")
        parts = (self.app,) if action != command.action else (self.focused, self.screen, *_parts(self.screen))
        return next((keys for one in parts if one is not None and (keys := keys_of(one, action))), "")

    def _shown(self, command: Command, name: Content) -> Content:
        keys = self._keys(command)
        return name + Content.styled(f"   {keys}", "dim") if keys else name

    def _run(self, command: Command) -> Callable[[], object]:
        return partial(cast("Workbench", self.app).run_command, self.screen, command.action)

    async def discover(self) -> Hits:
        """All of them, before anything was typed."""
        for command in commands_for(self.screen):
            shown = self._shown(command, Content(command.name))
            yield DiscoveryHit(shown, self._run(command), text=command.name, help=command.what)

    async def search(self, query: str) -> Hits:
        """Those that match."""
        matcher = self.matcher(query)
        for command in commands_for(self.screen):
            score = matcher.match(f"{command.name} {command.what}")
            if score > 0:
                shown = self._shown(command, matcher.highlight(command.name))
                yield Hit(score, shown, self._run(command), text=command.name, help=command.what)
