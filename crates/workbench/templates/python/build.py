"""Makes `policy.wasm` of `policy.py`; installs what that takes on the first run."""

import os
import pathlib
import subprocess
import sys
import venv

home = pathlib.Path(".venv")
programs = home / ("Scripts" if os.name == "nt" else "bin")
if not home.exists():
    venv.create(home, with_pip=True)
    install = ["-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"]
    subprocess.run([programs / "python", *install], check=True)

# A policy has no clock, no randomness and no files: `--stub-wasi` takes every import away.
build = ["-d", "wit", "-w", "policy", "componentize", "--stub-wasi", "policy", "-o", "policy.wasm"]
sys.exit(subprocess.run([programs / "componentize-py", *build]).returncode)
