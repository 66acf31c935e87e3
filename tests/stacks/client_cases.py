# What each client of examples/ must do, against servers of python3-websockets and of the examples.
# SPDX-License-Identifier: MIT
from ends import Missing


async def run(program, build, certificate, count):
    path = build / "examples" / program.path
    if not path.exists():
        raise Missing(f"{path} was not built")
