"""Answer every request with 200, instead of the sandbox."""

import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()


if os.environ.get("STANDIN") == "slow start":
    time.sleep(2)  # long enough for another run to choose its ports
HTTPServer(("127.0.0.1", int(os.environ["SANDBOX_PORT"])), Handler).serve_forever()
