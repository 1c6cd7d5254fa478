"""Stands in for the vendors.

Answers everything.
"""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()


HTTPServer(("127.0.0.1", int(os.environ["SANDBOX_PORT"])), Answer).serve_forever()
