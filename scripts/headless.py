"""One page of headless Chromium, driven over the DevTools protocol on a pipe; needs Chromium (`chromium`, or what CHROMIUM
names), Python and nothing else."""

import base64
import json
import os
import select
import subprocess
import time
import urllib.parse


class Browser:
    """One page of headless Chromium, over the DevTools protocol on a pipe."""

    KEYS = {"Enter": 13, "Escape": 27, "Backspace": 8, "Tab": 9, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}

    def __init__(self, profile):
        to_read, self.to_write = os.pipe()
        self.from_read, from_write = os.pipe()
        chromium = os.environ.get("CHROMIUM", "chromium")
        options = f"--headless --no-sandbox --disable-gpu --user-data-dir='{profile}' --remote-debugging-pipe about:blank"
        shell = f"exec '{chromium}' {options} 3<&{to_read} 4>&{from_write} 2>/dev/null"
        self.process = subprocess.Popen(["bash", "-c", shell], pass_fds=(to_read, from_write))
        os.close(to_read)
        os.close(from_write)
        self.buffer, self.number, self.session = b"", 0, None
        self.hosts, self.schemes, self.exceptions, self.log, self.dialogs = set(), set(), [], [], 0
        self.trace, self.is_traced = [], False
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.send(f"{domain}.enable")
        self.show(1280, 800)

    def post(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_write, json.dumps(message).encode() + b"\0")
        return self.number

    def send(self, method, **parameters):
        number = self.post(method, **parameters)
        while True:
            while b"\0" not in self.buffer:
                assert select.select([self.from_read], [], [], 60)[0], f"Chromium does not answer {method}"
                data = os.read(self.from_read, 1 << 16)
                assert data, "Chromium has gone"
                self.buffer += data
            text, self.buffer = self.buffer.split(b"\0", 1)
            answer = json.loads(text)
            if answer.get("method") == "Page.javascriptDialogOpening":
                # "Leave the page although a label is not saved yet?"
                self.dialogs += 1
                self.post("Page.handleJavaScriptDialog", accept=True)
            if answer.get("method") == "Network.requestWillBeSent":
                url = urllib.parse.urlsplit(answer["params"]["request"]["url"])
                self.hosts.add(url.hostname)
                self.schemes.add(url.scheme)
            if answer.get("method") == "Log.entryAdded":
                self.log.append(answer["params"]["entry"])
            if answer.get("method") == "Tracing.dataCollected":
                self.trace += answer["params"]["value"]
            if answer.get("method") == "Tracing.tracingComplete":
                self.is_traced = True
            if answer.get("method") == "Runtime.exceptionThrown":
                self.exceptions.append(answer["params"])
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def run(self, script):
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, script, seconds=60):
        end = time.time() + seconds
        while time.time() < end:
            value = self.run(script)
            if value:
                return value
            time.sleep(0.003)
        raise AssertionError(f"in vain: {script}; {self.run('document.body.innerText')}")

    def press(self, *keys):
        for key in keys:
            named = {"key": key, "code": key, "windowsVirtualKeyCode": self.KEYS.get(key, ord(key[0].upper()))}
            text = {} if len(key) > 1 and key != "Enter" else {"text": "\r" if key == "Enter" else key}
            self.send("Input.dispatchKeyEvent", type="keyDown", **named, **text)
            self.send("Input.dispatchKeyEvent", type="keyUp", **named)

    def click(self, selector):
        script = f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        x, y = self.run(script)
        for kind in ["mousePressed", "mouseReleased"]:
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def show(self, width, height, scheme="light"):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path):
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))

    def close(self):
        self.send("Browser.close")
        self.process.wait()
