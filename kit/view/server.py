"""A local server of sections: one page, and what it asks for, for whoever holds the token and on this machine alone."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kit.core.errors import KitError
from kit.view.page import finite, page, told_of
from kit.view.section import Section

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

MOST = 1000
"""Rows of one answer."""


def application(sections: Sequence[Section], token: str, port: int) -> Starlette:
    """Under `/TOKEN/` the page, and `told`, `counts`, `rows` and `find`, which answer JSON."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.responses import HTMLResponse, JSONResponse
    from starlette.routing import Route

    hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    def checked(request: Request) -> None:
        # A page of elsewhere may be led here by a name that it owns: only our own names are answered to.
        if request.headers.get("host") not in hosts or not secrets.compare_digest(
            request.path_params["token"].encode(), token.encode()
        ):
            raise HTTPException(403, "this address lacks the token that kit view printed")

    def table(request: Request) -> Any:
        try:
            return sections[int(request.query_params["section"])].tables[request.query_params["table"]]
        except (KeyError, ValueError, IndexError):
            raise HTTPException(404, "no such table") from None

    def number(request: Request, name: str, default: int) -> int:
        try:
            return min(max(int(request.query_params.get(name, default)), 0), 2**53)
        except ValueError:
            raise HTTPException(400, f"{name} is no number") from None

    async def index(request: Request) -> Response:
        checked(request)
        return HTMLResponse(page({"served": True}, "kit view"), headers={"Cache-Control": "no-store"})

    def told(request: Request) -> Any:
        if "new" in request.query_params:
            return [section.again() if section.again else {} for section in sections]
        return told_of(sections)

    def counts(request: Request) -> Any:
        here = table(request)
        return {facet: here.counts(facet) for facet in here.facets}

    def rows(request: Request) -> Any:
        asked = request.query_params
        where = json.loads(asked.get("where", "{}"))
        limit = min(number(request, "limit", 100), MOST)
        found = table(request).select(where, asked.get("search", ""), number(request, "start", 0), limit, asked.get("first", ""))
        return {"rows": found.rows, "total": found.total, "then": found.then}

    def find(request: Request) -> Any:
        asked = request.query_params
        limit = min(number(request, "limit", MOST), MOST)
        return table(request).find(asked.get("column", "id"), json.loads(asked.get("values", "[]")), limit)

    def answered(function: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            checked(request)
            try:
                return JSONResponse(finite(await run_in_threadpool(function, request)), headers={"Cache-Control": "no-store"})
            except (KitError, ValueError, KeyError, TypeError) as error:
                return JSONResponse({"error": " ".join(str(error).split())}, 400)
            finally:
                pa.default_memory_pool().release_unused()

        return endpoint

    routes = [Route("/{token}/", index)]
    routes += [Route(f"/{{token}}/{f.__name__}", answered(f)) for f in (told, counts, rows, find)]
    return Starlette(routes=routes)


def serve(sections: Sequence[Section], port: int, say: Callable[[str], None]) -> None:
    """Answer on 127.0.0.1 until interrupted. port: 0 for any that is free. say: is told the address. Raises KitError where the
    port is in use or the packages are missing."""
    try:
        import uvicorn
    except ModuleNotFoundError:
        raise KitError("kit view --serve needs starlette and uvicorn: pip install 'knowledge-injection-kit[view]'") from None
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        raise KitError(f"port {port}: {error.strerror}; choose another --port") from None
    listener.listen()  # whoever is told the address may come before the server is up
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(16)
    app = application(sections, token, port)
    say(f"http://127.0.0.1:{port}/{token}/")
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])
