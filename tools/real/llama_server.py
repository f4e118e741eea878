"""llama.cpp's own HTTP server, from the wheel of xllamacpp: ``python tools/real/llama_server.py MODEL PORT``."""

from __future__ import annotations

import signal
import sys

import xllamacpp


def main() -> None:
    """Serve until the process is ended."""
    params = xllamacpp.CommonParams()
    params.model.path = sys.argv[1]
    params.hostnames = ["127.0.0.1"]
    params.port = int(sys.argv[2])
    params.n_ctx = 4096
    params.n_parallel = 2
    params.n_gpu_layers = 0
    params.warmup = False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.model_alias = {"table"}
    server = xllamacpp.Server(params)
    print(f"listening on {server.listening_address}", flush=True)
    signal.pause()


main()
