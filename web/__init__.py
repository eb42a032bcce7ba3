"""The service that people and phones reach: `dermai serve`. Pages by role, over one database; records stay files.

How a room is added (`web/reading/`, say):

- `web/reading/pages.py` has `router() -> APIRouter`; add it to `ROUTERS` in `web/application.py`. Each route names who
  may use it, exactly once, or the service does not start:
  `visitor: Annotated[Visitor, Depends(permitted(Permission.READ_CASES, Permission.READ_OWN_CASES))]` (any of them) or
  `dependencies=[Depends(open_to_everyone)]`; for tokens, a class of its own derived from
  `web.frame.admission.Admission`.
  `visitor.may(...)`, `visitor.role`, `visitor.site` (a practice's own), `visitor.person` (the name in records).
- Permissions are in `web/accounts/roles.py`, with the table of who has them.
- `page(request, "reading/case.html", **content)` of `web/frame/page.py` renders `web/reading/templates/case.html`,
  which begins with `{% extends "frame.html" %}` and fills `title`, `content`, and if need be `head` and `scripts`. No
  inline script or style, and no `style=` attribute: the browser refuses them. The filters of the reports are there.
- `web/reading/static/x.js` is served as `/assets/reading/x.js`: `<script src="/assets/reading/x.js" defer></script>` in
  `{% block scripts %}`.
- A form that changes something is `method="post"` and holds `{{ csrf_field() }}`. A script sends the header
  `X-CSRF-Token` with the content of `<meta name="csrf">`. The check is the admission's.
- `service_of(request)` gives `.workspace`, `.params`, `.database` (`.reading()` and `.writing()`: one
  transaction each).
- Tables: `web/reading/tables.py` (classes of `web.database.Table`; moments are `web.database.Moment`), and a migration
  `web/database/migrations/versions/reading.py` whose `down_revision` is the newest of `main`: one line, no forks.
- `note_access(database, visitor, case_id, "photograph")` of `web/accounts/access_log.py`, before a case is shown.
- Links in the navigation: `web/frame/navigation.py`. Larger bodies: `BODY_LIMITS` in `web/application.py`.
- `confirm_password(request, visitor, password)` of `web/frame/admission.py` asks for the password again before a
  decision.
- What lies below `/api/` gets its errors as `application/problem+json`, below `/fhir` as an OperationOutcome; a
  `DermaiError` becomes a page (or JSON) that says its message: 422, `Refused` 409, `ServiceUnavailable` 503.
- Routes are `def`, not `async def`: they work with files and the database.
- Whatever a page says is written in English within `_("...")`, `{% trans %}` or, in Python, `message(...)`, and shown
  by the filters `translated` (attributes, words of ours), `sentence` (what the domain says), `as_recorded` (records)
  and `data` (names, what people typed); `make messages`, then translate in `dermai/language/catalogues/`. What Python
  says for itself (titles of plots) is made within `speaking(locale_of(request))`. Scripts take their words from
  `data-` attributes. Days and times go through `moment`, `short_day`, `table_moment`, `clock`.
  `tests/web/test_every_page.py` finds what was forgotten.
- Tests: the fixtures `service`, `signed_in("dermatologist")`, `live` and `browser` of `tests/web/conftest.py`.
"""
