"""Debian's chromium without a window, told what to do through a pipe (Chrome DevTools Protocol)."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_PATIENCE = 60.0  # seconds for one answer; a loaded machine takes its time to start a browser


class Browser:
    """One page in one browser.

    Attributes:
        requests: addresses of everything that was asked for.
        errors: what scripts threw, and errors and warnings on the console or from the page's security policy.
    """

    def __init__(self, width: int = 1280, height: int = 900) -> None:
        assert PROGRAM is not None
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        self._next, self._rest, self._events = 0, b"", list[dict[str, Any]]()
        here_in, there_out = os.pipe()
        there_in, here_out = os.pipe()
        self._in, self._out = here_in, here_out
        # the browser reads commands from its descriptor 3 and answers on 4
        self._process = subprocess.Popen(
            [
                *("bash", "-c", f'exec "$@" 3<&{there_in} 4>&{there_out}', "bash", PROGRAM),
                *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
                *("--no-first-run", "--disable-extensions", "--disable-component-update"),
                *("--disable-background-networking", "--remote-debugging-pipe"),
                *(f"--user-data-dir={self._folder.name}", "about:blank"),
            ],
            pass_fds=(there_in, there_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there_in)
        os.close(there_out)
        self._session: str | None = None
        self._size = (width, height)

    def __enter__(self) -> Self:
        try:
            targets = self._command("Target.getTargets")["targetInfos"]
            page = next(one for one in targets if one["type"] == "page")
            attached = self._command("Target.attachToTarget", targetId=page["targetId"], flatten=True)
            self._session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.tell(f"{domain}.enable")
            self.resize(*self._size)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._session = None
            self._command("Browser.close")
            self._process.wait(timeout=20)
        except (OSError, AssertionError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait(timeout=20)
        os.close(self._in)
        os.close(self._out)
        self._folder.cleanup()

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol to the page, and its answer."""
        return self._command(method, **parameters)

    def open(self, path: Path) -> None:
        """Opens a file and waits until it is loaded."""
        self._events.clear()
        self.tell("Page.navigate", url=path.resolve().as_uri())
        end = time.monotonic() + _PATIENCE
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            assert time.monotonic() < end, "the page does not load"
            self._take(end)

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self.tell("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """Presses the mouse on the middle of an element, as a person does; whatever covers it gets the click."""
        self.run(
            f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center', inline: 'center'}})"
        )
        box = self.run(
            f"(() => {{const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            " return [b.x + b.width / 2, b.y + b.height / 2]})()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.tell("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def press(self, key: str, code: int) -> None:
        """Presses a key; `code` is its virtual key code."""
        text = {"Enter": "\r", " ": " "}.get(key)
        more = {"text": text} if text else {}
        self.tell("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **more)
        self.tell("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def prefer(self, theme: str) -> None:
        """What the system prefers: `light` or `dark`."""
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])

    def resize(self, width: int, height: int) -> None:
        """The size of the window in CSS pixels."""
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path: Path) -> None:
        """Writes the whole page, below the fold too, as PNG."""
        answer = self.tell("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def _command(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._next += 1
        number = self._next
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + _PATIENCE
        while True:
            answer = self._take(end)
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result

    def _take(self, end: float) -> dict[str, Any]:
        """The next message, an answer or an event; events are noted."""
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            assert ready, "chromium does not answer"
            part = os.read(self._in, 1 << 16)
            assert part, "chromium is gone"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if "method" in message:
            self._note(message)
        return message

    def _note(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        method, told = event["method"], event["params"]
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(told["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled" and told["type"] in {"error", "warning", "assert"}:
            self.errors.append(json.dumps(told["args"])[:500])
        elif method == "Log.entryAdded" and told["entry"]["level"] in {"error", "warning"}:
            self.errors.append(told["entry"]["text"])
