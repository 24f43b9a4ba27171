"""A little HTTP server on this machine that answers from a list, for tests."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """Gives (status, body) in turn; `asked` holds path, headers and the JSON it was sent."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer({})

            def do_POST(self):
                length = int(self.headers["Content-Length"])
                self.answer(json.loads(self.rfile.read(length)))

            def answer(self, body):
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.asked.append((self.path, headers, body))
                status, text = outer.answers.pop(0)
                self.send_response(status)
                kind = "application/json" if text[:1] in "{[" else "text/html"
                self.send_header("Content-Type", kind)
                self.send_header("Retry-After-Ms", "1")  # the client's own pause is longer
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self.http.server_port}/v1"

    def close(self):
        self.http.shutdown()
        self.http.server_close()
