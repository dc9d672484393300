"""Serve the built book on localhost: `python -m tools.serve [port]`; a taken port gives way."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from tools.book import SITE


class Handler(SimpleHTTPRequestHandler):
    """Files that the browser asks for anew each time; no line for each that is found."""

    def end_headers(self):
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_request(self, code="-", size="-"):
        pass


class Server(ThreadingHTTPServer):
    allow_reuse_address = sys.platform != "win32"


def main(port=8000):
    for candidate in range(port, port + 20):
        try:
            server = Server(("127.0.0.1", candidate), partial(Handler, directory=SITE))
            break
        except OSError:
            continue
    else:
        sys.exit(
            f"no free port from {port} to {port + 19}: name another, as in `make serve PORT=9000`"
        )
    print(f"The book: http://localhost:{server.server_port}/ (Ctrl-C ends it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
