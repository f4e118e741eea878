"""What the Python drivers of clients share: they take a job, use a client on it, and say what it made of the stream.

    driver.py BASE_URL [--api chat] [--tools a,b]     one JSON line on stdout
    driver.py --worker                                jobs as JSON lines on stdin, an answer each

A job: ``{"id", "base_url", "api", "tools": [NAME...], "strict": [NAME...], "limit_s"}``; ``strict`` are those of the
tools that are. The first line of a worker says ``ready`` and ``version``. An answer: what the client held at the end
(``text``, ``reasoning``, ``tool_calls``, ``finish_reason``, ``usage``), how many chunks it handed on (``n_chunks``),
and how it ended: ``ok``, ``hung``, or ``error_type``, ``error``, ``error_in`` ("library", or "driver": the loop that
its documentation shows), ``error_at``. ``ok`` is null, with ``skipped``, where the client has no such API.

A driver defines ``run(job, out)``: it uses the client exactly as its documentation shows and fills ``out`` as it goes.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import sys
import threading
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT = float(os.environ.get("CLIENT_TIMEOUT", "10"))
PROMPT = "What is the weather in Paris, and what time is it there?"
MODEL = "replay-model"
KEY = "sk-replay-not-a-key"
#: How often a client asks again: never where its reading is measured, as it is shipped where users want to know.
RETRIES = {} if os.environ.get("CLIENT_RETRIES") == "shipped" else {"max_retries": 0}

for k in list(os.environ):
    if k.lower() in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ.pop(k)
os.environ.setdefault("NO_PROXY", "*")


class ClientReported(Exception):  # noqa: N818 - the name is in the results
    """The client told the application about the failure by other means than an exception (error event, stop reason)"""


class Skip(Exception):  # noqa: N818
    """This client has no such API."""


def tool_schema(strict=False):
    s = {"type": "object", "properties": {}, "additionalProperties": not strict}
    if strict:
        s["required"] = []
    return s


def openai_tools(job):
    """The tools of a job as chat completions have them."""
    strict = job.get("strict") or ()
    return [
        {
            "type": "function",
            "function": {
                "name": n,
                "description": n,
                "parameters": tool_schema(n in strict),
                **({"strict": True} if n in strict else {}),
            },
        }
        for n in job["tools"]
    ]


def responses_tools(job):
    """The same as Responses have them."""
    return [{"type": "function", **one["function"]} for one in openai_tools(job)]


def as_args(a):
    return a if isinstance(a, str) or a is None else json.dumps(a, ensure_ascii=False, default=repr)


def norm_usage(u):
    if u is None:
        return None
    if not isinstance(u, dict):
        u = u.model_dump() if hasattr(u, "model_dump") else dict(getattr(u, "__dict__", {}))
    names = {
        "prompt_tokens": ("prompt_tokens", "input_tokens"),
        "completion_tokens": ("completion_tokens", "output_tokens"),
        "total_tokens": ("total_tokens",),
    }
    r = {name: next((u[k] for k in keys if u.get(k) is not None), None) for name, keys in names.items()}
    return r if any(v is not None for v in r.values()) else None


def jsonable(o):
    if isinstance(o, (str, int, float, bool)) or o is None:
        return o
    if isinstance(o, dict):
        return {str(k): jsonable(v) for k, v in o.items()}
    if isinstance(o, (list, tuple)):
        return [jsonable(v) for v in o]
    return repr(o)


def where(exc) -> str:
    """Who raised, the library or the driver; frames of the standard library count for their caller.

    An exception that a package defines is the library's, also when it comes out of compiled code.
    """
    if isinstance(exc, ClientReported):
        return "library"
    mod = type(exc).__module__.split(".")[0]
    if mod not in ("builtins", "json", "__main__", "common", "asyncio", "concurrent"):
        return "library"
    std = os.path.dirname(os.path.abspath(os.__file__))
    tb, last = exc.__traceback__, None
    while tb:
        f = os.path.abspath(tb.tb_frame.f_code.co_filename)
        if not (f.startswith(std) and "site-packages" not in f) and not f.startswith("<"):
            last = f
        tb = tb.tb_next
    return "driver" if last and last.startswith(HERE) and "common.py" not in last else "library"


FIELDS = (
    *("client", "version", "ok", "text", "reasoning", "tool_calls", "finish_reason", "usage", "n_chunks"),
    *("error_type", "error", "error_in", "error_at", "extra"),
)


def _run(run, job, out):
    """The client at work, in a thread of its own; what it raises is noted."""
    try:
        run(job, out)
        out["ok"] = True
    except Skip as e:
        out["skipped"] = str(e)
    except BaseException as e:
        out["ok"] = False
        out["error_type"] = type(e).__module__.split(".")[0] + "." + type(e).__name__
        message = str(e) or repr(e)
        if sys.version_info >= (3, 11) and isinstance(e, BaseExceptionGroup):
            message += " | " + "; ".join(map(repr, e.exceptions))
        out["error"], out["error_in"] = message[:500], where(e)
        frames = traceback.extract_tb(e.__traceback__)
        at = frames[-1] if frames else None
        out["error_at"] = at and f"{os.path.basename(at.filename)}:{at.lineno} {at.name}"
        if os.environ.get("CLIENT_TRACE"):
            traceback.print_exc()


def _asked(run, job, out):
    """What became of one job, and whether the client hangs."""
    thread = threading.Thread(target=_run, args=(run, job, out), daemon=True)
    thread.start()
    thread.join(job.get("limit_s") or TIMEOUT)
    if out.get("skipped"):
        return _skipped(out, out["skipped"]), False
    hung = thread.is_alive()
    result = {name: out.get(name) for name in FIELDS} | {"hung": hung, "ok": bool(out.get("ok")) and not hung}
    if hung:
        result |= {"error_type": "hang", "error": f"no end after {job.get('limit_s') or TIMEOUT:g} s"}
    for name in ("text", "reasoning"):
        said = result[name]
        result[name] = said if isinstance(said, str) else json.dumps(jsonable(said)) if said is not None else ""
    result["tool_calls"] = jsonable(result["tool_calls"] or [])
    result["usage"] = norm_usage(result["usage"])
    result["finish_reason"] = jsonable(result["finish_reason"])
    return result, hung


def _skipped(out, why):
    return {"client": out["client"], "version": out["version"], "ok": None, "skipped": why}


def _versions(packages):
    found = []
    for package in packages:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{package} ?")
    return ", ".join(found)


def main(client, dist, run, apis=("chat",), warm=(), tools=True):
    """Answer one job from the command line, or jobs from stdin. Whatever a library prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    os.dup2(2, 1)
    for module in warm:  # what loading costs must not count against the client's time
        try:
            importlib.import_module(module)
        except Exception as e:
            print("could not load", module, repr(e), file=sys.stderr)
    asked = _arguments()
    version = _versions([dist] if isinstance(dist, str) else dist)

    def emit(value):
        answers.write(json.dumps(value) + "\n")  # ASCII alone: a lone surrogate keeps the line valid
        answers.flush()

    def answer(job):
        out = {"client": asked.client or client, "version": version, "n_chunks": 0, "text": "", "reasoning": ""}
        out |= {"tool_calls": [], "finish_reason": None, "usage": None}
        api = job.get("api") or "chat"
        job["api"] = {"chat.completions": "chat", "anthropic.messages": "messages"}.get(api, api)
        if job["api"] not in apis:
            result, hung = _skipped(out, f"api {job['api']}"), False
        elif job.get("tools") and not tools:
            result, hung = _skipped(out, "client has no tool calls"), False
        else:
            result, hung = _asked(run, job, out)
        emit(result | ({"id": job["id"]} if "id" in job else {}))
        return hung

    if not asked.worker:
        answer({"base_url": asked.base_url, "api": asked.api, "tools": [one for one in asked.tools.split(",") if one]})
        os._exit(0)
    emit({"ready": client, "version": version, "apis": list(apis)})
    for line in filter(None, map(str.strip, sys.stdin)):
        if answer(json.loads(line)):
            os._exit(3)  # a thread that hangs would disturb later jobs: the runner starts the driver anew
    os._exit(0)


def _arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url", nargs="?")
    parser.add_argument("--api", default="chat")
    parser.add_argument("--tools", default="")
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--client", default=None)
    return parser.parse_known_args()[0]
