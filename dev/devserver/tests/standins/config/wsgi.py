"""Stands in for the product.

Ready at once.
"""


def application(environ, start_response):
    start_response("200 OK", [])
    return [b"ready"]
