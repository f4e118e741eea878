"""What somebody gets who is sent a capture: every seed system's as a bundle and as a page.

``python benchmarks/sharing_bench.py [bundles|pages]``. *bundles*: each is checked and replayed, by the streamlab that
``STREAMLAB`` names (an installed one; default: this checkout) in an empty folder; the openai client meets the same as
it does in the capture itself. *pages*: each is opened in a Chromium (``STREAMLAB_CHROMIUM``; needs ``playwright``) at
400 and 1,400 px, light and dark: nothing is fetched, nothing is said on the console, nothing sticks out, axe
(``STREAMLAB_AXE``, the path of axe.min.js) finds nothing, and the bundle that is saved from it is whole. Pictures go to
``STREAMLAB_PICTURES``. Exits 1 where that is not so.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from streamlab.judging.analyzer import analyze
from streamlab.playback.matching import Match
from streamlab.report.documents import dump
from streamlab.report.json import report_json
from streamlab.sharing.wanted import ALL_KNOWN
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.storage.targets import find
from streamlab.workflows.bundling import write_bundle
from streamlab.workflows.cards import card
from streamlab.workflows.replay import BackgroundReplay, playables

SEEDS = sorted(
    one for one in (Path(__file__).parents[1] / "corpus" / "seed-systems").iterdir() if (one / "exchange.json").exists()
)


#: The streamlab that is asked about a bundle, as somebody who is sent one has it.
STREAMLAB = [os.environ["STREAMLAB"]] if "STREAMLAB" in os.environ else [sys.executable, "-P", "-m", "streamlab"]


def outcome(base_url: str) -> str:
    """What openai-python comes to on a replay: the text and calls it holds at the end, or what it raises."""
    from openai import OpenAI

    client = OpenAI(base_url=base_url, api_key="none", max_retries=0)
    text, calls = "", []
    try:
        asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
        for chunk in client.chat.completions.create(**asked):
            for choice in chunk.choices or ():
                text += (choice.delta and choice.delta.content) or ""
                calls += [str(one) for one in (choice.delta and choice.delta.tool_calls) or ()]
    except Exception as error:
        return f"{text} {calls} {type(error).__name__}: {error}"
    return f"{text} {calls}"


def replayed(slab: Path) -> str:
    """The outcome on ``streamlab replay``, in the folder of the bundle."""
    command = [*STREAMLAB, "replay", slab.name, "--listen", "127.0.0.1:0", "--speed", "0", "--match", "any"]
    with subprocess.Popen(command, cwd=slab.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                told = re.search(rb"http://127\.0\.0\.1:\d+/\S*", line)
                if told is not None:
                    return outcome(told[0].decode())
        finally:
            process.send_signal(signal.SIGINT)
    return "it never listened"


def checked(slab: Path) -> list[object]:
    """What ``streamlab check`` finds, in the folder of the bundle."""
    command = [*STREAMLAB, "check", slab.name, "--json", "--fail-on", "never"]
    answer = json.loads(subprocess.run(command, cwd=slab.parent, capture_output=True, check=True).stdout)
    (exchange,) = answer["exchanges"]
    return exchange["findings"]  # type: ignore[no-any-return]


def bundles() -> int:
    wrong = 0
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            slab = Path(folder) / "bug.slab"
            write_bundle([str(seed)], slab, ALL_KNOWN)
            once = slab.read_bytes()
            write_bundle([str(seed)], slab, ALL_KNOWN)
            with BackgroundReplay(playables([str(seed)]), speed=0, match=Match.ANY) as replay:
                met = outcome(replay.base_url)
            came = report_json("", None, analyze(read_exchange_dir(seed)))["findings"]
            differs = {
                "bytes": slab.read_bytes() != once,
                "findings": checked(slab) != json.loads(dump(came)),
                "outcome": replayed(slab) != met,
                "other files": [one.name for one in slab.parent.iterdir()] != [slab.name],
            }
            if any(differs.values()):
                wrong += 1
                print("DIFFERENT", seed.name, [what for what, one in differs.items() if one], flush=True)
    print(f"{len(SEEDS)} seed captures bundled, checked and replayed by {STREAMLAB[0]}: {wrong} differ")
    return wrong


def pages() -> int:
    from playwright.sync_api import sync_playwright

    axe = Path(os.environ["STREAMLAB_AXE"]).read_text(encoding="utf-8")
    pictures = os.environ.get("STREAMLAB_PICTURES")
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=os.environ.get("STREAMLAB_CHROMIUM"), args=["--no-sandbox"])
        for seed in SEEDS:
            page = Path(folder) / f"{seed.name}.html"
            page.write_text(card(read_exchange_dir(seed), "html", seed.name, redacted=True), encoding="utf-8")
            for width, scheme in ((400, "light"), (400, "dark"), (1400, "light"), (1400, "dark")):
                picture = Path(pictures) / f"{seed.name}-{width}-{scheme}.png" if pictures else None
                said = look(browser, page, width, scheme, axe, picture)
                if said:
                    wrong += 1
                    print("PAGE", seed.name, width, scheme, said, flush=True)
        browser.close()
    print(f"{len(SEEDS)} pages at two widths, light and dark: {wrong} with something to complain of")
    return wrong


def look(browser: object, page: Path, width: int, scheme: str, axe: str, picture: Path | None = None) -> list[str]:
    """What is wrong with a page, in a line each. Its own policy stays in force: what it forbids is on the console."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[attr-defined]
    tab, said = context.new_page(), []
    tab.on("console", lambda message: said.append(f"console: {message.text}"))
    tab.on("pageerror", lambda error: said.append(f"error: {error}"))
    ours = page.as_uri()
    tab.on("request", lambda asked: said.append(f"asks for {asked.url[:60]}") if asked.url != ours else None)
    tab.goto(ours)
    if picture is not None:
        tab.screenshot(path=picture, full_page=True)
    for button in tab.query_selector_all("button"):
        button.click()
    if _hangs_over(tab, width):
        said.append("sticks out")
    tab.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    if _hangs_over(tab, width):
        said.append("sticks out, opened")
    tab.evaluate(axe)
    said += [f"axe: {one['id']}: {one['nodes'][0]['target']}" for one in tab.evaluate("axe.run()")["violations"]]
    with tab.expect_download() as saved:
        tab.click("a[download]")
    if not verified(Path(saved.value.path()), page.parent):
        said.append("the bundle that is saved from it is another, or none")
    tab.emulate_media(media="print")
    if _hangs_over(tab, width):
        said.append("sticks out, printed")
    context.close()
    return said


def verified(saved: Path, folder: Path) -> bool:
    """Whether what a page lets one save is a whole bundle of the seed it shows."""
    slab = folder / "saved.slab"
    slab.write_bytes(saved.read_bytes())
    found = [one.read() for one in find(str(slab))]
    return len(found) == 1 and bool(found[0].body or found[0].head)


def _hangs_over(tab: object, width: int) -> bool:
    return bool(tab.evaluate("document.documentElement.scrollWidth") > width)  # type: ignore[attr-defined]


if __name__ == "__main__":
    chosen = sys.argv[1:] or ["bundles"]
    sys.exit(int(sum({"bundles": bundles, "pages": pages}[name]() for name in chosen) > 0))
