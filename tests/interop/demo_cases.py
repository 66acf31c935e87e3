# The cases for the page of tools/demo, in the tabs of a browser.
# SPDX-License-Identifier: MIT
import json
import time

from cases import need
from ends import HERE, PATIENCE, Browser, Failure, Program

ROOT = HERE.parent.parent
WORDS = "안녕, wörld ✓: \\ end"


class Demo(Program):
    """tools/demo, which prints the address of its page."""

    LONGEST_COMPILING = 120  # seconds

    def __init__(self):
        super().__init__("tools/demo", [ROOT / "tools/demo"], obeys=False)
        until = time.monotonic() + self.LONGEST_COMPILING
        self.address = None
        while self.address is None:
            line = self.line() or ""
            if line.startswith("open "):
                self.address = line.removeprefix("open ")
            elif time.monotonic() > until:
                raise Failure(f"it does not say what to open; it said: {self.stop()}")


class Tabs(Browser):
    """A browser with tabs."""

    def __init__(self):
        super().__init__("Chromium with the demo", [HERE / "page.html"])

    def open(self, address):
        """A new tab with this page."""
        tab = Tab(self, self._do("window/new", type="tab")["handle"])
        tab.do("url", url=address)
        return tab


class Tab:
    def __init__(self, browser, handle):
        self.browser, self.handle = browser, handle

    def do(self, what, **body):
        self.browser._do("window", handle=self.handle)
        return self.browser._do(what, **body)

    def run(self, script, *values):
        return self.do("execute/sync", script=script, args=list(values))

    def wait_for(self, condition, *values):
        """Until an expression is true; gives its value."""
        until = time.monotonic() + PATIENCE
        while not (found := self.run(f"return {condition}", *values)):
            if time.monotonic() > until:
                shown = self.run("return [...document.querySelectorAll('[role=status], #talk, #log h3')]"
                                 ".map((each) => each.textContent)")
                raise Failure(f"{condition} {values} does not become true; the page shows {shown}")
            time.sleep(0.05)
        return found

    def fill_in(self, form, **values):
        for name, value in values.items():
            self.run("document.getElementById(arguments[0]).value = arguments[1]", name, value)
        self.run("document.getElementById(arguments[0]).requestSubmit()", form)

    def join(self, name, room):
        self.fill_in("join", name=name, room=room)
        self.wait_for("document.getElementById('place').textContent === arguments[0]", f"in /room/{room}")

    def click(self, name):
        self.run("document.getElementById(arguments[0]).click()", name)

    def wait_for_line(self, text):
        self.wait_for("[...document.querySelectorAll('#talk p')].some((each) => each.textContent === arguments[0])", text)

    def wait_for_card(self, *texts):
        """A card of the log that has all of these texts; its number."""
        return self.wait_for(
            "[...document.querySelectorAll('#log li')].reverse().findIndex("
            "(each) => [...arguments].every((text) => each.textContent.includes(text))) + 1",
            *texts) - 1


def echo_cases(demo, browser):
    def echo():
        tab = browser.open(demo.address)
        tab.wait_for("document.getElementById('state').textContent === 'open'")
        tab.fill_in("send", message=WORDS)
        for direction in ("client → server", "server → client"):
            tab.wait_for_card("Text", f"echo: {direction}", f"“{WORDS}”")

    def offline():
        tab = browser.open(demo.address)
        loaded = json.loads(tab.run("return JSON.stringify(performance.getEntriesByType('resource'))"))
        away = [each["name"] for each in loaded if not each["name"].startswith(("data:", demo.address))]
        need(not away, f"the page loads {away}")

    yield "demo: an echo, and both of its frames", echo
    yield "demo: the page loads nothing from elsewhere", offline


def room_cases(demo, browser):
    first, second = (browser.open(demo.address) for _ in range(2))

    def talk():
        first.join("Ada", "tea: \\")
        second.join("김", "tea: \\")
        first.wait_for_line("김 has joined")
        first.fill_in("say", words=WORDS)
        second.fill_in("say", words="to the first")
        for tab in (first, second):
            tab.wait_for_line(f"Ada: {WORDS}")
            tab.wait_for_line("김: to the first")

    def elsewhere():
        third = browser.open(demo.address)
        third.join("Eve", "another")
        third.fill_in("say", words="only here")
        third.wait_for_line("Eve: only here")
        first.fill_in("say", words="not there")
        second.wait_for_line("Ada: not there")
        said = third.run("return document.getElementById('talk').textContent")
        need("not there" not in said, f"what is said in one room is heard in another: {said!r}")

    def drawing():
        card = second.wait_for_card("MESSAGE", "room: server → client", "to the first")
        shown = second.run(
            "const card = [...document.querySelectorAll('#log li')].reverse()[arguments[0]];"
            "const text = (path) => [...card.querySelectorAll(path)].map((each) => each.textContent);"
            "return {rows: text('.layer.tcp > .layer.websocket > .layer.stomp td'),"
            " bytes: text('.layer.tcp > .wire .header, .layer.tcp > .wire span:not([class])')};", card)
        sent = bytes(int(each, 16) for each in shown["bytes"])
        need(sent[0] == 0x81 and sent[4:].startswith(b"MESSAGE\nsubscription:room\n"), f"the TCP bytes are {sent}")
        need(shown["rows"][0] == "MESSAGELF" and "destination:/room/tea: \\LF" in shown["rows"]
             and shown["rows"][-1] == "to the firstNUL", f"the STOMP frame is {shown['rows']}")

    def leave():
        second.click("leave")
        first.wait_for_line("김 has left")
        second.wait_for("document.getElementById('place').textContent === 'in no room'")
        second.wait_for_card("RECEIPT", "left")

    def mistake():
        first.click("mistake")
        first.wait_for_line("The server says: a header line has no colon.")
        first.wait_for("document.getElementById('place').textContent === 'in no room'")
        first.wait_for_card("A rule was broken", "missing_colon")
        first.wait_for_card("Close", "room: server → client", "1002")

    yield "W1, S11: two tabs talk in a room", talk
    yield "demo: another room does not hear it", elsewhere
    yield "demo: the STOMP frame is drawn in the WebSocket frame in the TCP bytes", drawing
    yield "S7: who leaves gets the receipt, and the others are told", leave
    yield "S13: a broken rule is answered with ERROR, and drawn", mistake


def all_cases(demo, browser):
    yield from echo_cases(demo, browser)
    yield from room_cases(demo, browser)
