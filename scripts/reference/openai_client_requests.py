"""What OpenAI's own Python client sends for images, as reference for ours.

The client of PyPI's `openai` is pointed at a small server on this machine; for each call its path and its fields are
written down: JSON as it is, of multipart forms names, values, file name extensions and media types.

    pip install openai==3.54.0
    python openai_client_requests.py ../../crates/imgeval-clients/tests/fixtures/openai_client_requests.json
"""

import email.parser
import email.policy
import hashlib
import json
import pathlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import openai

seen = []


class Recorder(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        content_type = self.headers["Content-Type"]
        request = {"path": self.path}
        if content_type.startswith("multipart/form-data"):
            request["parts"] = parts(content_type, body)
        else:
            request["json"] = json.loads(body)
        seen.append(request)
        reply = json.dumps({"created": 0, "data": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *arguments):
        pass


def parts(content_type, body):
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    found = []
    for part in message.iter_parts():
        payload = part.get_payload(decode=True)
        file_name = part.get_filename()
        field = {"name": part.get_param("name", header="content-disposition")}
        if file_name is None:
            field["value"] = payload.decode()
        else:
            field["extension"] = pathlib.Path(file_name).suffix
            field["mime"] = part.get_content_type()
            field["sha256"] = hashlib.sha256(payload).hexdigest()
        found.append(field)
    return found


def main(output):
    server = HTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = openai.OpenAI(api_key="sk-none", base_url=f"http://127.0.0.1:{server.server_port}/v1", max_retries=0)

    # Only their bytes are compared, so they need not be images.
    png = ("first.png", b"bytes of a png", "image/png")
    webp = ("second.webp", b"bytes of a webp", "image/webp")
    jpeg = ("third.jpg", b"bytes of a jpeg", "image/jpeg")
    mask = ("mask.png", b"bytes of a mask", "image/png")
    asked = {"model": "some-model", "prompt": "a caf\u00e9, \"quoted\"\nand a second line", "n": 1}
    everything = {"size": "1024x1536", "quality": "low", "background": "transparent", "output_format": "jpeg"}
    calls = {
        "generation": lambda: client.images.generate(**asked),
        "generation with everything": lambda: client.images.generate(**asked, **everything),
        "generation as base64": lambda: client.images.generate(**asked, response_format="b64_json"),
        "edit of one image": lambda: client.images.edit(**asked, image=png),
        "edit of several images": lambda: client.images.edit(**asked, image=[png, webp, jpeg]),
        "edit with mask and everything": lambda: client.images.edit(**asked, **everything, image=webp, mask=mask),
    }
    requests = {}
    for name, call in calls.items():
        call()
        requests[name] = seen.pop()
    record = {"client": f"openai {openai.__version__} (Python)", "requests": requests}
    pathlib.Path(output).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
