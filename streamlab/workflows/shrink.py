"""The smallest stream that still shows a finding, or on which a command that fails still fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streamlab.apis.registry import by_name, choose, family_of
from streamlab.errors import CouldNotRunError, UsageError
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.playback.shrinking import ExchangeShrinker
from streamlab.playback.variations import at_once
from streamlab.workflows.trial import Budget, CommandUnderTest, StoppedError, Told


def shows_rule(exchange: Exchange, rule: str) -> Callable[[Exchange], bool]:
    """Whether a stream still shows a finding, and is as readable as it was. Raises NotFoundError, UsageError."""
    choose((rule,), ())
    before = {finding.rule for finding in analyze(exchange).findings}
    if rule not in before:
        others = f"it has {', '.join(sorted(before))}" if before else "nothing is wrong with it"
        raise UsageError(f"this exchange has no finding {rule}; {others}")
    rules = by_name()
    unreadable = {name for name in rules if family_of(rules[name]) in ("sse", "json")} - before

    def holds(candidate: Exchange) -> bool:
        found = {finding.rule for finding in analyze(candidate).findings}
        return rule in found and not found & unreadable

    return holds


def fails_command(exchange: Exchange, under_test: CommandUnderTest) -> Callable[[Exchange], bool]:
    """Whether the command still fails as it does with the whole exchange: same exit code, same kind of complaint."""
    before = under_test.outcome(at_once(exchange))
    if not under_test.asked:
        raise CouldNotRunError("the command never asked the server that OPENAI_BASE_URL and ANTHROPIC_BASE_URL name")
    if before.code == 0:
        raise UsageError("the command succeeds on this exchange: there is no failure to keep")
    under_test.be_patient()

    def holds(candidate: Exchange) -> bool:
        after = under_test.outcome(at_once(candidate))
        return (after.code, after.complaint) == (before.code, before.complaint)

    return holds


def shrink(
    exchange: Exchange, holds: Callable[[Exchange], bool], budget: Budget, told: Told = lambda _: None
) -> Exchange:
    """The smallest exchange found within the budget for which ``holds`` is true. Ctrl-C stops it and keeps that."""

    def within_budget(candidate: Exchange) -> bool:
        budget.spend()
        return holds(candidate)

    level, shown = "", 0

    def tell(what: str, size: int) -> None:
        nonlocal level, shown
        if what != level or size <= 0.8 * shown:
            level, shown = what, size
            told(f"leaving out {what}: {size} bytes")

    shrinker = ExchangeShrinker(exchange, within_budget, tell)
    try:
        shrinker.run()
    except StoppedError:
        told("the budget is used up")
    except KeyboardInterrupt:
        budget.stopped = True
    return shrinker.best


def shrink_for(
    exchange: Exchange, budget: Budget, told: Told, rule: str | None, command: Sequence[str], timeout: float
) -> Exchange:
    """`shrink` for a rule or for a command, of which there must be one. Raises UsageError and what those raise."""
    if (rule is None) == (not command):
        raise UsageError("say what to keep: either --rule NAME, or -- and a command that fails")
    if rule is not None:
        smallest = shrink(exchange, shows_rule(exchange, rule), budget, told)
    else:
        with CommandUnderTest(command, timeout) as under_test:
            smallest = shrink(exchange, fails_command(exchange, under_test), budget, told)
    told(f"{len(exchange.body)} bytes became {len(smallest.body)}")
    return smallest
