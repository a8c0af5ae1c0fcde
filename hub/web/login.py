"""The page on which a browser brings its token, once, and is given it as a cookie; and the way out.

The cookie is the token itself: to revoke the token ends every session, and nothing else has to be kept. Scripts cannot
read it, other sites cannot send it with what changes anything (SameSite, and the guard), and REST does not take it.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.web.access import COOKIE, Access, is_local
from hub.web.outside import Outside
from hub.web.pages import Pages
from hub.web.problems import Problem, headers

LASTS_S: Final = 30 * 86_400
"""How long a browser keeps the cookie of a token that lasts longer."""


def login_page(pages: Pages, problem: Problem, request: Request) -> str:
    """Render what is shown in the place of a page that wants a token."""
    there = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    wrong = problem.name == "token-invalid"
    return pages.render("login.html", here="/login", there=there, wrong=wrong, needed=True, has_one=wrong)


def login_routes(pages: Pages, outside: Outside) -> APIRouter:
    """Make the routes of the page."""
    router = APIRouter(include_in_schema=False)
    access = Access(outside.tokens, outside.now_us)

    @router.get("/login")
    async def ask(request: Request) -> HTMLResponse:
        needed = outside.tokens().made or not is_local(request.scope)
        return HTMLResponse(
            pages.render(
                "login.html", here="/login", there="/", wrong=False, needed=needed, has_one=COOKIE in request.cookies
            )
        )

    @router.post("/login")
    async def take(request: Request) -> Response:
        form = _fields(await request.body())
        there = form.get("there", "/")
        # To another page of ours and nowhere else: browsers read "//" and "/\" as another host.
        there = there if there.startswith("/") and not there.startswith(("//", "/\\")) and there.isprintable() else "/"
        presented = form.get("token", "").strip()
        token = access.token(presented)
        if token is None:
            problem = Problem("token-invalid", "unknown, revoked or past its end")
            page = pages.render("login.html", here="/login", there=there, wrong=True, needed=True, has_one=False)
            return HTMLResponse(page, problem.kind.status, headers(problem))
        left_s = LASTS_S if token.until_us is None else (token.until_us - outside.now_us()) // 1_000_000
        answer = RedirectResponse(there, status_code=303)
        answer.set_cookie(
            COOKIE,
            presented,
            max_age=min(LASTS_S, left_s),
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
        return answer

    @router.post("/logout")
    async def leave() -> Response:
        answer = RedirectResponse("/login", status_code=303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return answer

    return router


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=5))
    except ValueError as error:
        raise Problem("bad-request", "the form is not complete") from error
