# The ends of a connection as the cases see them: commands go in, events come out (see peer.cpp).
# SPDX-License-Identifier: MIT
import contextlib
import http.server
import json
import os
import pathlib
import queue
import shutil
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
FROM_NPM = HERE.parent.parent / "build/npm/node_modules"  # where tools/test installs what package.json names
PATIENCE = 10  # seconds for any one event
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")} | {
    "NODE_PATH": f"/usr/share/nodejs:{FROM_NPM}", "PYTHONDONTWRITEBYTECODE": "1"}


class Failure(Exception):
    """A case did not go as it should."""


class Missing(Failure):
    """A program is not there or does not start, so that no case of its group can be tried."""


class End:
    """The functions by which a case uses either end."""

    def __init__(self, name):
        self.name = name

    def expect(self, event, **members):
        """Takes the next event, which must be this one with these members."""
        found = self.next_event()
        if found is None:
            raise Failure(f"{self.name}: no event in {PATIENCE} s, instead of {event}")
        wrong = {key: found.get(key) for key, value in members.items() if found.get(key) != value}
        if found["event"] != event or wrong:
            raise Failure(f"{self.name}: {found}, instead of {event} {members}")
        return found


class Lazy:
    """An end that is started when it is first used, and again when it is used after it was stopped."""

    def __init__(self, start):
        self._start = start
        self._end = None

    def start(self):
        if self._end is None:
            try:
                self._end = self._start()
            except (Failure, OSError) as error:
                raise Missing(str(error)) from error
        return self._end

    def __getattr__(self, name):
        return getattr(self.start(), name)

    def stop(self):
        end, self._end = self._end, None
        return end.stop() if end else ""


class Program(End):
    """A process that the test started. One that `obeys` ends with its input."""

    def __init__(self, name, command, listens=False, obeys=True):
        super().__init__(name)
        self.obeys = obeys
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            env=ENVIRONMENT)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.port = self._read_port() if listens else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _read_port(self):
        try:
            line = self.line()
            if not (line or "").startswith("listening on 127.0.0.1:"):
                raise Failure(f"it does not say where it listens, but {line!r}")
            return int(line.rpartition(":")[2])
        except Failure as error:
            raise Failure(f"{self.name} did not start: {error}; it said: {self.stop()}") from error

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode().rstrip("\n"))
        self.lines.put(None)

    def write(self, text):
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except OSError as error:
            raise Failure(f"{self.name} takes no more input: {error}") from error

    def command(self, *words):
        self.write(" ".join(map(str, words)) + "\n")

    def line(self):
        with contextlib.suppress(queue.Empty):
            line = self.lines.get(timeout=PATIENCE)
            if line is None:
                self.lines.put(None)
                raise Failure(f"{self.name} has ended")
            return line
        return None

    def next_event(self):
        line = self.line()
        return None if line is None else json.loads(line)

    def stop(self):
        """Ends the process, and says what it complained about."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        for end in (self.process.poll if self.obeys else self.process.terminate, self.process.terminate,
                    self.process.kill):
            end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(3)
                break
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace").strip()


class Browser(End):
    """Headless Chromium, through the WebDriver protocol of chromedriver."""

    # A page in the back/forward cache would keep its connections.
    FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-features=BackForwardCache")

    def __init__(self, name, files):
        """`files` are those that it can load, the first as its page."""
        super().__init__(name)
        self.folder = tempfile.mkdtemp(prefix="sockless-chromium-")
        self.driver = Program("chromedriver", ["chromedriver", "--port=0"], obeys=False)
        self.pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.pages.files = {"/" + file.name: file for file in files} | {"/": files[0]}
        self.origin = f"http://127.0.0.1:{self.pages.server_port}"
        threading.Thread(target=self.pages.serve_forever, daemon=True).start()
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.session = None
        try:
            self._begin()
        except Exception:
            self.stop()
            raise

    def _begin(self):
        while (line := self.driver.line()) is not None and "started successfully on port" not in line:
            pass
        if line is None:
            raise Failure("chromedriver does not say where it listens")
        self.port = int(line.rstrip(".").rpartition(" ")[2])
        options = {"binary": shutil.which("chromium"), "args": [*self.FLAGS, f"--user-data-dir={self.folder}"]}
        capabilities = {"alwaysMatch": {"goog:chromeOptions": options}}
        self.session = self._ask("POST", "/session", {"capabilities": capabilities})["sessionId"]
        self._do("timeouts", script=2 * PATIENCE * 1000)
        self.load()

    def _ask(self, method, path, body=None):
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method, headers={"Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode())
        try:
            with self.opener.open(asked, timeout=4 * PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Failure(f"chromedriver: {json.load(error)['value']['message']}") from error
        except OSError as error:
            raise Failure(f"chromedriver: {error}") from error

    def _do(self, what, **body):
        return self._ask("POST", f"/session/{self.session}/{what}", body)

    def load(self, path="/"):
        self._do("url", url=self.origin + path)

    def command(self, *words):
        self._do("execute/sync", script="obey(arguments[0])", args=[[str(word) for word in words]])

    def next_event(self):
        return self._do("execute/async", script="next(arguments[0], arguments[1])", args=[PATIENCE * 1000])

    def stop(self):
        with contextlib.suppress(Failure):
            if self.session:
                self._ask("DELETE", f"/session/{self.session}")
        self.pages.shutdown()
        self.pages.server_close()
        complaints = self.driver.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        return complaints


class Page(http.server.BaseHTTPRequestHandler):
    """Gives the browser its page and what that loads, and an empty one at any other path."""

    def do_GET(self):
        file = self.server.files.get(self.path)
        body = file.read_bytes() if file else b""
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if self.path.endswith(".js") else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
