"""Every control that the app shows, worked once: how soon the main area answers, and what went wrong meanwhile.

Pages come from the menu, tabs and controls from what stands on the page: a control that is added is measured without a word here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Download, Error, Locator, Page, Request, Response

_WAIT_MS = 3000
_ROLES = ("tab", "button", "radio", "switch", "checkbox", "slider", "spinbutton", "combobox", "textbox")
_OPENED = "summary"  # of an expander, which has no role that all browsers agree on

# The text of the main area, those in shadow trees too, and what the mask view says of its own picture.
_ARM = """() => {
  const text = node => node.nodeType === 3 ? node.data : ["STYLE", "SCRIPT"].includes(node.nodeName) ? "" :
    [...(node.shadowRoot ?? node).childNodes].map(text).join("") + (node.shadowRoot ? [...node.childNodes].map(text).join("") : "") +
    (node.dataset?.testid?.startsWith("mask-view") ? JSON.stringify(node.dataset) : "") + (node.open ?? "");
  const seen = () => text(document.querySelector("[data-testid=stMain]"));
  const runs = () => document.querySelector("[data-testid=stApp]").dataset.testScriptState !== "notRunning";
  const before = seen(), answer = { change: null, reran: false, said: "" };
  let start = null;
  const begin = () => { start ??= performance.now(); };
  for (const kind of ["click", "keydown"]) addEventListener(kind, begin, { capture: true, once: true });
  window.measured = new Promise(done => {
    const look = () => {
      if (start !== null) {
        answer.reran ||= runs();
        const now = seen();
        if (now !== before) {
          answer.change = performance.now() - start;
          let at = 0;
          while (now[at] === before[at]) at += 1;
          answer.said = now.slice(at, at + 60);
        }
        if (answer.change !== null || performance.now() - start > LIMIT) return done(answer);
      }
      requestAnimationFrame(look);
    };
    look();
  });
}""".replace("LIMIT", str(_WAIT_MS))
_RESTED = "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"


@dataclass
class Complaints:
    """What a page logged as an error, was told 404 for, or asked of the outside."""

    console: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Note what happens on a page from now on. Under a page's address Streamlit itself first asks there for its server, in vain."""

        def heard(message: ConsoleMessage) -> None:
            if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
                self.console.append(message.text)

        def answered(response: Response) -> None:
            if response.status == 404 and "/_stcore/" not in response.url:
                self.missing.append(response.url)

        def asked(request: Request) -> None:
            if urlsplit(request.url).scheme in ("http", "https") and urlsplit(request.url).hostname != "localhost":
                self.outside.append(request.url)

        page.on("console", heard)
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("response", answered)
        page.on("request", asked)

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind, as columns."""
        return {
            "console_errors": len(self.console),
            "not_found": len(self.missing),
            "requests_outside": len(self.outside),
        }


def rest(page: Page, limit_ms: float = 60_000) -> bool:
    """Wait until the page's script has ended and stays so; return whether it has within the limit."""
    try:
        page.wait_for_function(_RESTED, polling=20, timeout=limit_ms)
        page.wait_for_timeout(250)
        page.wait_for_function(_RESTED, polling=20, timeout=limit_ms)
    except Error:
        return False
    return True


def menu(page: Page) -> dict[str, str]:
    """Return the address of every page by its title, from the menu."""
    links = page.get_by_test_id("stSidebarNavLink")
    links.first.wait_for()
    return {link.inner_text().split()[-1]: link.evaluate("each => each.href.split('?')[0]") for link in links.all()}


def views(page: Page, address: str) -> Iterator[tuple[str, str]]:
    """Return the name and the address of every view of a page: as it opens, and with every other tab."""
    page.goto(address)
    rest(page)
    yield "", address
    for place in range(1, page.get_by_role("tab").count()):
        page.goto(address)
        rest(page)
        tab = page.get_by_role("tab").nth(place)
        if tab.is_visible():
            name = tab.inner_text()
            tab.click()
            rest(page)
            yield name, page.url


def controls(page: Page) -> Iterator[tuple[str, str, int]]:
    """Return role, name and place of every control that can be worked, expanders opened."""
    for fold in page.locator(f"details:not([open]) > {_OPENED}:visible").all():
        fold.click()
    for role in (_OPENED, *_ROLES):
        for place, found in enumerate(_all(page, role).all()):
            if found.is_visible() and found.is_enabled() and not _is_frame(found):
                yield role, _name(found), place


def _all(page: Page, role: str) -> Locator:
    return page.locator(_OPENED) if role == _OPENED else page.get_by_role(role)  # type: ignore[arg-type]


def _is_frame(found: Locator) -> bool:
    """Whether a control is chosen already, or belongs to Streamlit's frame or to the browser: menu, header, choice of a file."""
    test: bool = found.evaluate(
        """each => each.checked === true || each.getAttribute("aria-checked") === "true" ||
        each.ariaSelected === "true" || each.readOnly === true && each.getAttribute("role") !== "combobox" ||
        Boolean(each.closest('[data-testid=stHeader], [data-testid=stSidebarHeader], [data-testid=stSidebarNav], ' +
          '[data-testid=stFileUploaderDropzone], [data-testid=stElementToolbar], [data-testid=stTooltipIcon], .modebar')) ||
        each.nodeName === "BUTTON" && Boolean(each.closest('[data-testid=stSelectbox], [data-testid=stMultiSelect]'))"""
    )
    return test


def _name(found: Locator) -> str:
    told: str = found.evaluate(
        """each => each.ariaLabel || each.labels?.[0]?.innerText || each.innerText || each.title ||
        each.closest('[data-testid]')?.innerText || '?'"""
    )
    return re.sub(r"\s+", " ", told).strip()[:60]


def _work(page: Page, role: str, found: Locator) -> None:
    """Work a control as a person does, to another value than it has; the measurement is armed last before it."""
    if role in ("slider", "spinbutton"):
        found.focus()
        top = found.get_attribute("aria-valuenow") or found.input_value()
        is_top = top == (found.get_attribute("aria-valuemax") or found.get_attribute("max"))
        page.evaluate(_ARM)
        if top:
            page.keyboard.press("ArrowDown" if is_top else "ArrowUp")
        else:  # an empty number: what is typed stands for itself
            found.fill(found.get_attribute("min") or "1")
        if role == "spinbutton":
            page.keyboard.press("Enter")
    elif role == "combobox":
        found.click()
        others = page.locator("[role=option]:not([aria-selected=true])")
        others.first.wait_for(timeout=4 * _WAIT_MS)
        page.evaluate(_ARM)
        others.first.click()
    elif role == "textbox":
        found.fill("net" if found.input_value() != "net" else "lay")
        page.evaluate(_ARM)
        found.press("Enter")
    else:
        page.evaluate(_ARM)
        # Streamlit lays the picture of a radio or checkbox over the input that has the role.
        found.click(force=role in ("radio", "checkbox", "switch"), timeout=4 * _WAIT_MS)


def measure(page: Page, address: str, control: tuple[str, str, int]) -> dict[str, Any]:
    """Open a view afresh and work one control of it.

    Returns: what it is, seconds to the first change in the main area (None: nothing there changed), whether the page's script ran,
    the beginning of the new text, and seconds from the click to a download where there is one.
    """
    role, name, place = control
    page.goto(address)
    rest(page)
    list(controls(page))
    files: list[Download] = []

    def came(file: Download) -> None:
        files.append(file)

    page.on("download", came)
    row: dict[str, Any] = {"control": f"{role}: {name}", "first_change_s": None, "reran": None, "said": ""}
    try:
        _work(page, role, _all(page, role).nth(place))
        found = page.evaluate("() => window.measured")
        row |= {"reran": found["reran"], "said": re.sub(r"\s+", " ", found["said"])}
        if found["change"] is not None:
            row["first_change_s"] = round(found["change"] / 1000, 3)
        row["said"] = "(download)" if files and found["change"] is None else row["said"]
    except Error as error:
        row["said"] = f"not worked: {error.message.splitlines()[0]}"
    page.remove_listener("download", came)
    return row


def _new(found: list[tuple[str, str, int]], worked: set[tuple[str, str, int]]) -> Iterator[tuple[str, str, int]]:
    """Return the controls that no earlier view of the page had: those of the same role and name are told apart by their order."""
    met = Counter[tuple[str, str]]()
    for role, name, place in found:
        met[role, name] += 1
        if (role, name, met[role, name]) not in worked:
            worked.add((role, name, met[role, name]))
            yield role, name, place


def walk(make_page: Callable[[], Page], address: str, *, only: str = "") -> Iterator[dict[str, Any]]:
    """Work every control of every view of every page (or the page with the title `only`); one row each."""
    page = make_page()
    page.goto(address)
    for title, where in menu(page).items():
        if only in ("", title):
            page, worked = make_page(), set[tuple[str, str, int]]()
            for tab, opened in list(views(page, where)):
                page.goto(opened)
                rest(page)
                for control in _new(list(controls(page)), worked):
                    complaints = Complaints()
                    mine = make_page()
                    complaints.listen(mine)
                    row = measure(mine, opened, control)
                    mine.close()
                    yield {"page": title, "tab": tab} | row | complaints.counts()
            page.close()
