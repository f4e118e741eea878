"""Says which client does what on which deviation, as ``measured.toml``, ``messages.toml``, ``responses.toml`` and
``reported.toml`` have it: reads ``tables.jsonl``, which ``tools/clients/client_tables.py`` writes from them.

A client that is not named for a rule either went on as if nothing were wrong or was not asked; `asked` says which.
The file is package data, read like code: once, when somebody asks, and of a rule no more than its own tables. To
parse the others, which people write and read, takes longer than to check most streams.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set
from functools import cache
from typing import Any, NamedTuple

import msgspec


class Client(NamedTuple):
    """A client set-up: the package that reads the stream, and by what name people know this use of it.

    ``version`` is "" where it was not written down. ``apis`` are the names of the APIs in which it was measured or told
    of.
    """

    package: str
    version: str
    name: str
    apis: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} ({self.package} {self.version})" if self.version else self.name


class Asked(NamedTuple):
    """A form of a deviation that clients were asked: served to ``clients`` of them, as each of ``streams``.

    ``form`` is one of `Rule.variants`, or "" for the plain one. ``survey`` names the file: each asked clients of its
    own. ``apart`` says that the rule's findings tell the form. ``api`` is the API they were asked in.
    """

    form: str
    clients: int
    streams: tuple[str, ...]
    survey: str = ""
    apart: bool = False
    api: str = ""


class Break(NamedTuple):
    """What one client does on a deviation. ``client`` is a key of `clients`.

    ``harm``: "hangs", "raises", "silent-loss" (says nothing and ends with less) or "wrong" (ends with another answer
    than the one meant). ``conditions`` are the forms of the deviation on which it happens; () when it does on any.
    ``measured`` is False for what an issue tracker tells or the client's code shows. ``source`` are the streams it was
    seen on, or who tells of it. ``api`` is the API in which it does so. ``strict``: only where a tool of the request is
    strict (True), or where none is (False).
    """

    client: str
    version: str
    what: str
    harm: str
    conditions: tuple[str, ...] = ()
    measured: bool = True
    date: str = ""
    source: tuple[str, ...] = ()
    api: str = ""
    strict: bool | None = None

    @property
    def how(self) -> str:
        """What happens, on which forms, and who tells of it, in a phrase that follows the client's name."""
        where = "" if self.strict is None else f" where {'a' if self.strict else 'no'} tool is strict"
        when = f" when {', or when '.join(self.conditions)}" if self.conditions else ""
        told = "" if self.measured else f" (reported: {', '.join(self.source)})"
        return f"{self.what}{where}{when}{told}"


#: Names people use, and the beginnings of client ids they mean.
_ALIASES = {
    "openai-python": ("py-openai-raw", "py-openai-async", "py-openai-stream", "py-openai-v1", "openai-python"),
    "openai-node": ("js-openai-raw", "js-openai-stream", "js-openai-v4", "openai-node"),
    "openai-js": ("js-openai-raw", "js-openai-stream", "js-openai-v4", "openai-node"),
    "openai-agents": ("py-openai-agents", "js-openai-agents"),
    "ai-sdk": ("js-ai-sdk", "ai-sdk"),
    "vercel-ai": ("js-ai-sdk", "ai-sdk"),
    "langchain": ("py-langchain", "js-langchain", "langchain"),
    "anthropic-python": ("anthropic-py", "py-anthropic"),
    "anthropic-sdk-python": ("anthropic-py", "py-anthropic"),
    "anthropic-ts": ("anthropic-ts", "js-anthropic"),
    "anthropic-sdk-typescript": ("anthropic-ts", "js-anthropic"),
    "langchain-python": ("py-langchain", "langchain-py"),
    "langchain-js": ("js-langchain", "langchain-js"),
    "langchainjs": ("js-langchain", "langchain-js"),
    "huggingface": ("py-hf-hub", "js-hf-inference"),
    "huggingface-hub": ("py-hf-hub",),
}
_UNNAMED = "raises an error"
_LANGUAGES = ("py-", "js-", "rs-")
#: What is measured stands before what is told.
#: The surveys of APIs that have one of their own.
OWN = ("messages.toml", "responses.toml")
_MEASURED = ("measured.toml", *OWN)
_FILES = (*_MEASURED, "reported.toml")
#: What ``tables.jsonl`` is made of.
SOURCES = (*_FILES, "same.toml")


@cache
def clients() -> dict[str, Client]:
    """All clients by their id."""
    return {
        name: Client(**fields)._replace(apis=tuple(fields.get("apis", (_api(file),))))
        for file in _FILES
        for name, fields in _held(file, "clients").items()
    }


@cache
def clients_of(file: str) -> tuple[str, ...]:
    """The ids of the clients that one file tells of."""
    return tuple(_held(file, "clients"))


@cache
def table_version() -> str:
    """Names the measurements that are here: another when any of them is."""
    from hashlib import sha256  # deferred: most who load this ask for less

    digest = sha256()
    for file in _MEASURED:
        digest.update(_bytes_of(file))
    return digest.hexdigest()[:16]


@cache
def rule_names() -> tuple[str, ...]:
    """The rules that the data tells of, sorted."""
    return tuple(sorted({name for file, name in _lines() if file in _FILES} - {"api", "clients"}))


def apis_of(client: str) -> tuple[str, ...]:
    """The APIs in which it was measured what a client does; () for one only told of."""
    found = clients()[client]
    return tuple(api for api in found.apis if (api, client) not in _same()) if found.version else ()


def is_setup(client: str) -> bool:
    """Whether it is one of the set-ups that `streamlab clients measure` asks, under whatever name."""
    return client in clients_of(_MEASURED[0]) or client in _same().values()


def client_names() -> tuple[str, ...]:
    """The ids of all clients, sorted."""
    return tuple(sorted(clients()))


@cache
def asked(rule_name: str, api: str = "") -> tuple[Asked, ...]:
    """The forms of a rule's deviation that measured clients were asked, in an API or ("") in all of them."""
    return tuple(
        Asked(one.get("form", ""), one["clients"], tuple(one["streams"]), file, one.get("apart", False), spoken)
        for file in _MEASURED
        for one in _tables(file, rule_name).get("asked", ())
        if (spoken := one.get("api", _api(file))) == api or not api
    )


def breaks(
    rule_name: str, variants: Collection[str] | None = None, api: str = "", strict: bool | None = None
) -> tuple[Break, ...]:
    """Who breaks on a rule's deviation, measured clients first; () when nobody does or nobody was asked.

    ``variants`` are those of a finding (`Finding.variants`): only who breaks on one of them is named, and a condition
    that is met in all of them is left out. Where a finding has none although the rule tells forms apart, it is of
    another form: only who broke on the plain one is named. Without them everybody is named, conditions and all.
    ``api`` is that of a finding (`Finding.api`): a client that reads chat so may read Messages otherwise, so nobody is
    named who was asked in another one alone. Without it, all are. ``strict`` is that of a finding (`Finding.strict`):
    whether a tool is; where it is not known, who needs to know says so.
    """
    found = tuple(
        one if strict is None else one._replace(strict=None)
        for one in _breaks(rule_name)
        if (not api or one.api == api) and (strict is None or one.strict in (None, strict))
    )
    if variants is None or not (variants or _tells_apart(rule_name)):
        return found
    if not variants:
        plain = any(not one.form for one in asked(rule_name, api))
        return tuple(one for one in found if plain and not one.conditions)
    return tuple(_met(one, variants) for one in found if not one.conditions or set(one.conditions) & set(variants))


def _tells_apart(rule_name: str) -> bool:
    return any(one.apart for one in asked(rule_name))


def _met(one: Break, variants: Collection[str]) -> Break:
    """With those of its conditions that are met; without, where that goes without saying."""
    if set(variants) <= set(one.conditions):
        return one._replace(conditions=())
    return one._replace(conditions=tuple(condition for condition in one.conditions if condition in variants))


def is_harmless(rule_name: str) -> bool:
    """Whether the deviation was served to the measured clients and none minded; False when it was not."""
    return bool(asked(rule_name)) and not any(one.measured for one in _breaks(rule_name))


def hurts(
    rule_name: str,
    client_query: str,
    variants: Collection[str] | None = None,
    api: str = "",
    strict: bool | None = None,
) -> bool:
    """Whether a client people call ``client_query`` breaks on the deviation; the rest is as for `breaks`.

    A query is an alias ("openai-python", "ai-sdk", "langchain"), or the beginning of a client id, with or without
    its language ("py-litellm", "litellm"), of a package name ("@ai-sdk/openai"), or of the name that findings print
    ("Codex CLI"); case and "_" do not matter.
    """
    wanted = clients_called(client_query)
    return any(one.client in wanted for one in breaks(rule_name, variants, api, strict))


def clients_called(client_query: str) -> tuple[str, ...]:
    """The ids of the clients a query means, sorted; () when it means none. See `hurts`."""
    query = _plain(client_query)
    if not query:
        return ()
    found = [name for name in client_names() if _is_called(name, query)]
    elsewhere = {known for (_, name), known in _same().items() if name in found}
    replaced = {name for _, name in _same() if not apis_of(name)}
    return tuple(sorted(elsewhere.union(found) - replaced))


def setups_measured_as(names: Set[str]) -> set[str]:
    """The ids of the set-ups that have one of these names in the survey of an API's own, as its findings show it."""
    return {setup for (_, setup), name in _same().items() if name in names}


def _is_called(name: str, query: str) -> bool:
    begins = _ALIASES.get(query)
    if begins is not None:
        return name.startswith(begins)
    return (
        name.startswith(query)
        or (name.startswith(_LANGUAGES) and name[3:].startswith(query))
        or clients()[name].package.replace("_", "-").startswith(query)
        or _plain(clients()[name].name).startswith(query)
    )


def nearest_client(client_query: str) -> str | None:
    """The name most like one that no client answers to; None when none is like it."""
    from difflib import get_close_matches

    names = {_plain(one): one for key, client in clients().items() for one in (client.name, client.package, key)}
    near = get_close_matches(_plain(client_query), (*names, *_ALIASES), n=1)
    return names.get(near[0], near[0]) if near else None


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")


@cache
def _breaks(rule_name: str) -> tuple[Break, ...]:
    found = {file: tuple(_rows(_tables(file, rule_name), file)) for file in _FILES}
    for file in OWN:
        found[file] = tuple(one for one in found[file] if not _says_more(one, found[_MEASURED[0]], found[file]))
    told: dict[str, set[str]] = {}  # client -> the forms that the survey of the API's own tells of, "" for any
    for one in (one for file in OWN for one in found[file]):
        told.setdefault(one.client, set()).update(one.conditions or ("",))
    rest = (_untold(one, told.get(one.client)) for one in found[_MEASURED[0]])
    found[_MEASURED[0]] = tuple(one for one in rest if one is not None)
    return tuple(one for file in _FILES for one in found[file])


def _says_more(one: Break, measured: tuple[Break, ...], survey: tuple[Break, ...]) -> bool:
    """Whether a measured row says which error the client raises, on every form on which this one of the survey says
    that it does, and is left whole by the rest of the survey (`_untold`)."""
    if one.what != _UNNAMED:
        return False
    rest = [other for other in survey if other.client == one.client and other is not one]
    return any(
        (known.client, known.api, known.harm) == (one.client, one.api, one.harm)
        and (not known.conditions or (bool(one.conditions) and set(one.conditions) <= set(known.conditions)))
        and not any(not known.conditions or set(known.conditions) & set(other.conditions or ("",)) for other in rest)
        and all(other.conditions for other in rest)
        for known in measured
    )


def _untold(one: Break, told: Set[str] | None) -> Break | None:
    """What is left of a row for forms of which nothing was told; None for nothing."""
    if told is None:
        return one
    forms = tuple(form for form in one.conditions if form not in told)
    return one._replace(conditions=forms) if forms and "" not in told else None


def _rows(tables: dict[str, Any], file: str) -> Iterable[Break]:
    for group in tables.get("breaks", ()):
        conditions, source = tuple(group.get("forms", ())), tuple(group["source"])
        date, api = group.get("date", ""), group.get("api", _api(file))
        for client, version in group["clients"].items():
            what = group["how"], group["harm"], conditions, file in _MEASURED, date, source, api
            known = _same().get((api, client), client)
            if known != client and clients()[known].package != clients()[client].package:
                version = clients()[known].version  # the set-up's is that of the package it asks for chat
            yield Break(known, version, *what, group.get("strict"))


def _tables(file: str, rule_name: str) -> dict[str, Any]:
    """What a file says of one rule: ``asked`` and ``breaks``, each a list of tables."""
    found: dict[str, Any] = _held(file, rule_name) or {}
    return found


@cache
def _same() -> dict[tuple[str, str], str]:
    """By an API and the id of a set-up that was asked in it: its id in the survey of that API's own."""
    tables = {api: _held(file, api) for file, api in _lines() if file == "same.toml"}
    return {(api, name): known for api, table in tables.items() for name, known in table.items()}


@cache
def _api(file: str) -> str:
    """The name of the API in which a file's clients were asked, where it does not say another."""
    return str(_held(file, "api"))


def _held(file: str, name: str) -> Any:
    """What a file has under a name; None where it has nothing."""
    found = _lines().get((file, name))
    return msgspec.json.decode(found) if found is not None else None


@cache
def _lines() -> dict[tuple[str, str], str]:
    """By file and name, what stands there, as JSON."""
    parted = (line.split("\t", 2) for line in _bytes_of("tables.jsonl").decode().split("\n") if line)
    return {(file, name): value for file, name, value in parted}


def _bytes_of(file: str) -> bytes:
    """A file beside this module, from who loaded it: pkgutil.get_data does no more, and takes longer to load."""
    loader: Any = __spec__.loader
    found: bytes = loader.get_data(__file__.rpartition("table.")[0] + file)
    return found
