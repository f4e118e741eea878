"""Stand-in servers: small servers on loopback that behave on the wire as real systems do, faults included.

::

    async with serve_standin("glm4") as standin:
        standin.base_url                      # "http://127.0.0.1:34567/v1"

    with standin_in_thread("oneapi", upstream=other.base_url, version="v0.6.6") as standin:
        ...

`NAMES` says what there is; `scenarios` lists what each can show, and `serve_scenario` starts what one needs, the server
behind a gateway included. Ids, dates and answers are the same in every run.
"""

from __future__ import annotations

from streamlab.standins.base import Scenario as Scenario
from streamlab.standins.running import NAMES as NAMES
from streamlab.standins.running import Standin as Standin
from streamlab.standins.running import in_thread as in_thread
from streamlab.standins.running import scenarios as scenarios
from streamlab.standins.running import serve_scenario as serve_scenario
from streamlab.standins.running import serve_standin as serve_standin
from streamlab.standins.running import standin_in_thread as standin_in_thread

__all__ = [
    "NAMES",
    "Scenario",
    "Standin",
    "in_thread",
    "scenarios",
    "serve_scenario",
    "serve_standin",
    "standin_in_thread",
]
