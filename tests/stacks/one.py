# Tries one program of examples/, for `run`: a line for each case, then "N passed, N failed".
# SPDX-License-Identifier: MIT
import asyncio
import pathlib
import signal
import ssl
import sys
import time

sys.dont_write_bytecode = True

import client_cases  # noqa: E402
import server_cases  # noqa: E402
from ends import Missing, Skipped, take_many_descriptors  # noqa: E402
from programs import PROGRAMS, Server  # noqa: E402

LONGEST = 90  # seconds for one case


class Count:
    def __init__(self, program):
        self.program = program
        self.passed = self.failed = 0

    def of(self, name, why=None):
        name = " ".join(name.split())
        self.passed += why is None
        self.failed += why is not None
        print(f"ok    {self.program}: {name}" if why is None else f"FAIL  {self.program}: {name}\n      {why}", flush=True)

    async def try_case(self, name, act):
        try:
            await asyncio.wait_for(act(), LONGEST)
        except Missing:
            raise
        except Exception as error:  # a defect of a case is a failure of it
            self.of(name, f"{type(error).__name__}: {error}")
        else:
            self.of(name)


async def main(name, build, certificate):
    program, count, began = PROGRAMS[name], Count(name), time.monotonic()
    cases = server_cases if isinstance(program, Server) else client_cases
    task = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await cases.run(program, pathlib.Path(build), pathlib.Path(certificate), count)
    except Missing as error:
        count.of("it starts", error)
    except Skipped as why:
        print(f"skip  {name}: {why}")
    except asyncio.CancelledError:
        count.of("as a whole", "it was ended")
    print(f"      {name}: {time.monotonic() - began:.1f} s")
    print(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed else 0


if __name__ == "__main__":
    take_many_descriptors()
    sys.exit(asyncio.run(main(*sys.argv[1:])))
