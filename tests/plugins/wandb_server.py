"""A stand-in for the W&B server on a loopback port: answers the real client and remembers what it sent."""

import gzip
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "0123456789abcdef0123456789abcdef01234567"


class StandIn:
    """The server.

    Attributes:
        mode: ``ok``; a status such as 401 or 500 that everything but the probe is answered with; ``hang``: nothing is
            answered; or the seconds that each answer takes. It may change at any time.
        rows: The history rows received, by run id, at the offsets that the client gave.
        runs: What ``UpsertBucket`` said, by run id.
        exit_codes: By run id.
        unknown: Requests that nobody taught it.
    """

    def __init__(self):
        self.rows, self.runs, self.exit_codes, self.unknown = {}, {}, {}, []
        self.mode = "ok"
        self.asked = 0
        self._port = 0
        self._server = None

    @property
    def environment(self):
        return {
            "WANDB_BASE_URL": f"http://127.0.0.1:{self._port}",
            "WANDB_API_KEY": KEY,
            "WANDB_ERROR_REPORTING": "false",
        }

    def start(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), _handler(self))
        self._port = self._server.server_address[1]
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # the client drops its connections with resets
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        server, self._server = self._server, None  # connections that are open get no answer from here on
        if server is not None:
            server.shutdown()
            server.server_close()

    def count(self):
        """Return how many history rows there are."""
        return sum(map(len, self.rows.values()))

    def fail(self, mode):
        """Answer in another mode from here on, or, when ``gone``, not even on the port."""
        if mode == "gone":
            self.stop()
        else:
            self.mode = mode

    def recover(self):
        """Answer again."""
        self.mode = "ok"
        if self._server is None:
            self.start()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def answer(self, method, path, body):
        """Return status and content of the answer to a request."""
        if method == "GET" and path == "/healthz":
            return 200, {}
        self.asked += 1
        while self.mode == "hang" and self._server is not None:
            time.sleep(0.05)
        if isinstance(self.mode, float):
            time.sleep(self.mode)
        if self._server is None:
            raise ConnectionAbortedError
        if isinstance(self.mode, int):
            return self.mode, {"errors": [{"message": f"the stand-in says {self.mode}"}]}
        return 200, self._content(method, path, body)

    def _content(self, method, path, body):
        if path == "/graphql":
            request = json.loads(body)
            return {"data": self._query(request["query"], request.get("variables") or {})}
        if path.endswith("/file_stream"):
            return self._stream(path.split("/")[-2], json.loads(body))
        if method == "PUT" and path.startswith("/upload/"):
            return {}
        self.unknown.append(f"{method} {path}")
        return {}

    def _query(self, text, variables):
        name = re.search(r"(?:query|mutation)\s+(\w+)", text)[1]
        method = getattr(self, f"_do_{name}", None)
        if method is None:
            self.unknown.append(name)
            return {}
        return method(variables)

    def _do_Viewer(self, _):
        return {
            "viewer": {
                "id": "1", "entity": "my_team", "username": "me", "email": "me@example.org", "flags": "{}",
                "teams": {"edges": [{"node": {"name": "my_team"}}]},
            }
        }  # fmt: skip

    def _do_ServerFeaturesQuery(self, _):
        return {"serverInfo": {"features": []}}

    def _do_OrganizationCoreWeaveOrganizationID(self, _):
        return {"entity": {"organization": None}}

    def _do_RunResumeStatus(self, variables):
        name = variables["name"]
        if name not in self.runs:
            return {"model": {"id": "p", "name": variables["project"], "entity": _entity(variables), "bucket": None}}
        rows = self.rows.get(name, {})
        last = rows[max(rows)] if rows else {}
        tail = json.dumps([json.dumps({key: last[key] for key in ("_step", "_runtime") if key in last})])
        bucket = {
            "id": name, "name": name, "summaryMetrics": json.dumps(last), "displayName": name, "logLineCount": 0,
            "historyLineCount": len(rows), "eventsLineCount": 0, "historyTail": tail, "eventsTail": "[]",
            "config": self.runs[name].get("config") or "{}", "tags": [], "wandbConfig": json.dumps({"t": 1}),
        }  # fmt: skip
        return {"model": {"id": "p", "name": variables["project"], "entity": _entity(variables), "bucket": bucket}}

    def _do_UpsertBucket(self, variables):
        name = variables["name"]
        inserted = name not in self.runs
        self.runs.setdefault(name, {}).update({key: value for key, value in variables.items() if value is not None})
        bucket = {
            "id": name, "name": name, "displayName": variables.get("displayName") or name, "description": None,
            "config": self.runs[name].get("config") or "{}", "sweepName": None, "historyLineCount": 0,
            "project": {"id": "p", "name": variables.get("project") or "uncategorized", "entity": _entity(variables)},
        }  # fmt: skip
        return {"upsertBucket": {"bucket": bucket, "inserted": inserted}}

    def _do_CreateRunFiles(self, variables):
        files = [{"name": name, "uploadUrl": f"/upload/{name}"} for name in variables["files"]]
        base = self.environment["WANDB_BASE_URL"]
        for file in files:
            file["uploadUrl"] = base + file["uploadUrl"]
        return {"createRunFiles": {"runID": variables["run"], "uploadHeaders": [], "files": files}}

    def _stream(self, run, message):
        history = (message.get("files") or {}).get("wandb-history.jsonl")
        if history:
            for number, line in enumerate(history["content"], history["offset"]):
                self.rows.setdefault(run, {})[number] = json.loads(line)
        if message.get("complete"):
            self.exit_codes[run] = message["exitcode"]
        return {"exitcode": None, "limits": {}}


def _entity(variables):
    return {"id": "e", "name": variables.get("entity") or "my_team"}


def _handler(stand_in):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _respond(self):
            status, content = stand_in.answer(self.command, self.path.partition("?")[0], self._body())
            answer = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = _respond

        def _body(self):
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

        def log_message(self, *_):
            pass

    return Handler
