"""Be ready at once, instead of the product."""


def application(environ, start_response):
    start_response("200 OK", [])
    return [b"ready"]
