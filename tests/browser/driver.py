"""Drives a real headless Chromium over its DevTools pipe and says what is wrong with a report page.

    driver.py PAGE [FOLDER]

PAGE has findings and one server in which "sidenote" occurs. Pictures go to FOLDER where one is given. Prints `ok` and exits with 0, or says what is wrong and exits with 1. Standard library only.
"""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
]
# For one answer of the browser. A loaded machine is slow; a hung browser is hung.
PATIENCE = 120


class Browser:
    """One browser with an empty profile, and one page in it."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix="hawkeye-chromium-")
        to_read, self.write = os.pipe()
        self.read, to_write = os.pipe()
        # The program reads from 3 and writes to 4; these may be among our own numbers.
        to_read, to_write = high(to_read), high(to_write)

        def wire():
            os.dup2(to_read, 3)
            os.dup2(to_write, 4)

        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
            preexec_fn=wire, close_fds=False, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self.buffer, self.number, self.events, self.session = b"", 0, [], None
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "Audits"):
            self.call(f"{domain}.enable")

    def message(self):
        until = time.monotonic() + PATIENCE
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise AssertionError(f"the browser said nothing for {PATIENCE} s")
            got = os.read(self.read, 1 << 20)
            if not got:
                raise AssertionError(f"the browser ended: {self.process.wait()}")
            self.buffer += got
        raw, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(raw)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data):]
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, path):
        self.events.clear()
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.message())

    def js(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def key(self, key, code, **more):
        for kind in ("rawKeyDown", "char", "keyUp"):
            if kind == "char" and "text" not in more:
                continue
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)

    def media(self, scheme, kind=""):
        self.call("Emulation.setEmulatedMedia", media=kind,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def picture(self, path):
        shot = self.call("Page.captureScreenshot", format="png")
        with open(path, "wb") as out:
            out.write(base64.b64decode(shot["data"]))

    def close(self):
        os.close(self.write)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


def high(descriptor):
    """The same descriptor under a number that is not among the first ten."""
    import fcntl
    other = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return other


def equal(what, found, expected):
    if found != expected:
        raise AssertionError(f"{what}: {found!r}, expected {expected!r}")


def quiet(browser, path):
    """Nothing was complained about, and nothing but the page itself was asked for."""
    bad = [e for e in browser.events if e.get("method") in
           ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Audits.issueAdded",
            "Page.javascriptDialogOpening")]
    # What a browser thinks of forms is no fault of security.
    bad = [e for e in bad if e["params"].get("issue", {}).get("code") != "GenericIssue"]
    if bad:
        raise AssertionError(f"complaints of the browser: {json.dumps(bad)[:2000]}")
    asked = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    equal("requests", asked, ["file://" + os.path.abspath(path)])


def inert(browser):
    """No element that the program did not write, and no script but its one."""
    strange = browser.js("""[...document.querySelectorAll('*')].map(e => e.localName)
        .filter(n => ['img','iframe','object','embed','link','base','video','audio','form'].includes(n)).join()""")
    equal("elements", strange, "form")
    equal("scripts", browser.js("document.scripts.length"), 1)
    equal("styles", browser.js("document.styleSheets.length"), 1)
    handlers = browser.js("""[...document.querySelectorAll('*')].flatMap(e => [...e.attributes])
        .filter(a => a.name.startsWith('on') || a.name === 'style' || a.name === 'src').length""")
    equal("attributes that run or load", handlers, 0)
    links = browser.js("""[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))
        .filter(h => !/^(#[a-z0-9]+|https:\\/\\/(cwe|atlas)\\.mitre\\.org\\/[\\w.\\/]+)$/.test(h)).join()""")
    equal("links to other places", links, "")
    # The policy holds also where markup did get in: neither an image nor a handler nor a script.
    browser.js("""document.body.insertAdjacentHTML('beforeend',
        '<img id=probe src="http://127.0.0.1:1/x" onerror="window.ran=1" style="color:red">');
        const s = document.createElement('script'); s.textContent = 'window.ran=2'; document.body.append(s);""")
    equal("the policy", browser.js("new Promise(r => setTimeout(() => r(window.ran), 200))"), None)


SHOWN = "[...document.querySelectorAll('.server')].filter(e => !e.hidden).length"
TOLD = "document.getElementById('f-count').textContent"
# The page says how many it shows when it is done, also where the sum is the same.
DONE = """(async () => { const said = document.getElementById('f-count');
    const done = new Promise(r => { const o = new MutationObserver(() => { o.disconnect(); r(); });
        o.observe(said, {childList: true}); }); %s; await done; })()"""
FILTER = DONE % """const e = document.getElementById('%s'); e.value = %s;
    e.dispatchEvent(new Event(e.localName === 'input' ? 'input' : 'change', {bubbles: true}))"""
CLICK = DONE % "document.querySelector('%s').click()"
RESET = CLICK % "#b-reset"

# What is to be shown, from the page alone and in the plainest way. A finding is found by its own words, those of its
# rule's head and its server's name.
EXPECTED = """(({text, off, rule, status}) => {
  const low = e => e.textContent.toLowerCase();
  let findings = 0, servers = [];
  for (const server of document.querySelectorAll('.server')) {
    let here = 0;
    for (const f of server.querySelectorAll('.finding')) {
      const group = f.closest('.rule');
      here += !off.includes(f.dataset.severity) && (!rule || group.dataset.rule === rule) &&
        [f, group.querySelector('summary'), server.querySelector('h3')].some(e => low(e).includes(text));
    }
    if (here || (!off.length && !rule && low(server).includes(text)))
      if (!status || server.querySelector('.status').textContent === status) { servers.push(server.id); findings += here; }
  }
  return {findings, servers: servers.sort()};
})(%s)"""
SEEN = """(() => { const seen = e => !e.closest('[hidden]'), all = s => [...document.querySelectorAll(s)];
  return {findings: all('#articles .finding').filter(seen).length,
    servers: all('.server').filter(seen).map(e => e.id).sort(),
    rows: all('.overview tbody tr').filter(seen).map(e => e.dataset.server).sort()}; })()"""


def filters(browser):
    servers = browser.js("document.querySelectorAll('.server').length")
    equal("the bar for filters", browser.js("document.getElementById('controls').hidden"), False)
    browser.js(FILTER % ("f-text", json.dumps("sIdEnOtE")))
    equal("servers after a search", browser.js(SHOWN), 1)
    equal("rows after a search", browser.js("[...document.querySelectorAll('.overview tbody tr')].filter(r => !r.hidden).length"), 1)
    told = browser.js(TOLD)
    if not told.endswith(f"on 1 of {servers} servers."):
        raise AssertionError(f"after a search: {told}")
    browser.js(FILTER % ("f-text", json.dumps("")))
    equal("servers after the search", browser.js(SHOWN), servers)
    for severity in ("critical", "high", "medium", "info"):
        browser.js(CLICK % f".toggle.{severity}")
    visible = """[...document.querySelectorAll('#articles .finding')].filter(f => !f.closest('[hidden]')).map(f => f.dataset.severity)"""
    equal("severities that are left", browser.js(f"[...new Set({visible})].join()"), "low")
    browser.js(RESET)
    equal("after a reset", browser.js(SHOWN), servers)
    browser.js(FILTER % ("f-status", json.dumps("failed")))
    equal("failed servers", browser.js(SHOWN), browser.js("document.querySelectorAll('.server .status.failed').length"))
    browser.js(FILTER % ("f-status", json.dumps("")))
    rule = browser.js("document.querySelector('#f-rule option:nth-child(2)').value")
    browser.js(FILTER % ("f-rule", json.dumps(rule)))
    left = browser.js("""[...new Set([...document.querySelectorAll('#articles .rule')].filter(g => !g.closest('[hidden]'))
        .map(g => g.dataset.rule))]""")
    equal("rules that are left", left, [rule])
    browser.js(RESET)


def counts(browser):
    """Whatever is asked for, exactly what has it is shown, and counted. One after another: each starts from the last."""
    listed = browser.js("document.querySelectorAll('#articles .finding').length")
    servers = browser.js("document.querySelectorAll('.server').length")
    more = browser.js("[...document.querySelectorAll('#articles .rule')].reduce((n, g) => n + Number(g.dataset.more || 0), 0)")
    elsewhere = browser.js("""[...document.querySelectorAll('.client .finding')].length +
        [...document.querySelectorAll('.client .rule')].reduce((n, g) => n + Number(g.dataset.more || 0), 0)""")
    sums = browser.js("[...document.querySelectorAll('.toggle span')].reduce((n, s) => n + Number(s.textContent), 0)")
    equal("findings by severity and findings in the page", sums, listed + more + elsewhere)
    last = "[...document.querySelectorAll('.server')].at(-1)"
    words = browser.js(f"""[{last}.querySelector('h3').textContent, {last}.querySelector('.status').textContent,
        (document.querySelector('#articles .finding + .finding') ?? document.querySelector('#articles .finding'))
            .querySelector('.fingerprint code').textContent,
        document.querySelector('#articles .finding bdi').textContent.slice(0, 12).toUpperCase()]""")
    rule = browser.js("[...document.querySelectorAll('#f-rule option')].at(-1).value")
    plain = {"text": "", "off": [], "rule": "", "status": ""}
    asked = [{"text": w.strip().lower()} for w in ["e", "no server says this", "", "copy", "sidenote", *words, rule]]
    asked += [{"rule": rule}, {"rule": rule, "text": "a"}, {"off": ["low", "info"]}, {"off": ["low"], "text": "e"},
              {"off": ["critical", "high", "medium", "low", "info"]}, {"status": "complete", "text": "a"},
              {"status": "failed"}, {}]
    now = plain
    for wanted in asked:
        wanted = {**plain, **wanted}
        for part, control in (("text", "f-text"), ("rule", "f-rule"), ("status", "f-status")):
            if now[part] != wanted[part]:
                browser.js(FILTER % (control, json.dumps(wanted[part])))
        for severity in set(now["off"]) ^ set(wanted["off"]):
            browser.js(CLICK % f".toggle.{severity}")
        now = wanted
        # Buttons of the page are no words of a server.
        expected = browser.js("(() => { const b = [...document.querySelectorAll('.copy')]; b.forEach(x => x.textContent = '');"
                              f"const is = {EXPECTED % json.dumps(wanted)}; b.forEach(x => x.textContent = 'Copy'); return is; }})()")
        seen = browser.js(SEEN)
        equal(f"rows with {wanted}", seen.pop("rows"), expected["servers"])
        equal(f"shown with {wanted}", seen, expected)
        beside = f" ({more} more only in the JSON report)" if more else ""
        equal(f"told with {wanted}", browser.js(TOLD), f"Showing {expected['findings']} of {listed} findings{beside}, "
              f"on {len(expected['servers'])} of {servers} servers.")
    equal("hidden at last", browser.js("document.querySelectorAll('#articles [hidden] .finding, tr[hidden]').length"), 0)


def eventually(browser, what, expression, expected):
    """For what the page does in pieces."""
    until = time.monotonic() + PATIENCE
    while (found := browser.js(f"new Promise(r => requestAnimationFrame(() => r({expression})))")) != expected:
        if time.monotonic() > until:
            equal(what, found, expected)


def order(browser, how, expected):
    browser.js(f"""(e => {{ e.value = '{how}'; e.dispatchEvent(new Event('change', {{bubbles: true}})); }})
        (document.getElementById('f-order'))""")
    ids = "[...document.querySelectorAll('.server')].map(s => s.id)"
    eventually(browser, f"order by {how}", ids, expected)


def sorting(browser):
    names = "[...document.querySelectorAll('.overview tbody th')].map(c => c.textContent)"
    before = browser.js(names)
    browser.js("document.querySelector('.overview thead button').click()")
    equal("sorted by name", browser.js("document.querySelector('.overview thead th').getAttribute('aria-sort')"), "ascending")
    equal("names", sorted(browser.js(names)), sorted(before))
    equal("their order", browser.js(f"(n => n.every((x, i) => !i || n[i-1].localeCompare(x) <= 0))({names})"), True)
    browser.js("document.querySelectorAll('.overview thead button')[8].click()")
    tools = browser.js("[...document.querySelectorAll('.overview tbody tr')].map(r => parseFloat(r.cells[8].textContent))")
    known = [n for n in tools if n is not None]
    equal("sorted by tools", known, sorted(known, reverse=True))
    worst = browser.js("[...document.querySelectorAll('.server')].map(s => s.id)")
    name = browser.js("""[...document.querySelectorAll('.server')].map(s => [s.querySelector('h3').textContent, Number(s.id.slice(1))])
        .sort(([a, i], [b, j]) => a.localeCompare(b) || i - j).map(([, i]) => 's' + i)""")
    order(browser, "plan", sorted(worst, key=lambda s: int(s[1:])))
    order(browser, "name", name)
    # The last wish counts, also while the one before is not fulfilled.
    browser.js("(e => { for (e.value of ['plan', 'name']) e.dispatchEvent(new Event('change', {bubbles: true})); })(document.getElementById('f-order'))")
    order(browser, "worst", worst)
    eventually(browser, "the end of sorting", "document.querySelectorAll('.moving').length", 0)


def keyboard(browser):
    """Tab reaches things in order and what has the focus is seen; Enter opens and closes."""
    browser.js("document.body.focus()")
    browser.key("Tab", 9)
    equal("first stop", browser.js("document.activeElement.className"), "skip")
    seen = []
    for _ in range(14):
        browser.key("Tab", 9)
        seen.append(browser.js("""(e => e.localName + ':' + getComputedStyle(e).outlineStyle)(document.activeElement)"""))
    if any(not stop.endswith(":solid") and not stop.endswith(":auto") for stop in seen):
        raise AssertionError(f"a stop without a visible focus: {seen}")
    browser.js("document.querySelector('.server summary').focus()")
    state = browser.js("document.querySelector('.server details').open")
    browser.key("Enter", 13, text="\r")
    equal("a server after Enter", browser.js("document.querySelector('.server details').open"), not state)
    browser.key("Enter", 13, text="\r")
    browser.js("document.querySelector('.toggle').focus()")
    browser.key(" ", 32, text=" ")
    equal("a severity after the space bar", browser.js("document.querySelector('.toggle').getAttribute('aria-pressed')"), "false")
    browser.key(" ", 32, text=" ")


def names(browser):
    """Everything that can be operated has a name; landmarks and heads are there."""
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = {}
    for node in nodes:
        if node.get("ignored"):
            continue
        role, name = node.get("role", {}).get("value"), node.get("name", {}).get("value", "")
        roles.setdefault(role, []).append(name)
    for role in ("button", "link", "combobox", "searchbox", "DisclosureTriangle", "heading", "columnheader", "rowheader", "image"):
        found = roles.get(role)
        if not found:
            raise AssertionError(f"no {role} in {sorted(r for r in roles if r)}")
        if any(not name.strip() for name in found):
            raise AssertionError(f"a {role} without a name: {found}")
    for landmark in ("banner", "main", "contentinfo", "search", "status"):
        if landmark not in roles:
            raise AssertionError(f"no {landmark}")
    equal("first headings", len([h for h in roles["heading"] if h.startswith("hawkeye")]), 1)


CONTRAST = """(() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const light = ([r, g, b]) => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; } return [255,255,255,1]; };
  const bad = new Map();
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    if (e.closest('svg,.skip,.unseen,script,option') || !e.checkVisibility({contentVisibilityAuto: true})) continue;
    const style = getComputedStyle(e), a = light(parse(style.color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.set(e.localName + '.' + e.className, ratio.toFixed(2));
  }
  return [...bad].map(x => x.join(' ')).join('; ');
})()"""


def look_at(browser, path, folder):
    browser.size(1280, 900)
    browser.open(path)
    quiet(browser, path)
    for scheme in ("light", "dark"):
        browser.media(scheme)
        browser.js("document.getElementById('b-open').click()")
        equal(f"contrast below 4.5, {scheme}", browser.js(CONTRAST), "")
    browser.media("light")
    filters(browser)
    counts(browser)
    sorting(browser)
    browser.js(CLICK % ".toggle.low")
    browser.js(RESET)
    eventually(browser, "everything after all", "document.querySelectorAll('#articles [hidden]').length", 0)
    keyboard(browser)
    names(browser)
    browser.events = [e for e in browser.events if e.get("method") != "Network.requestWillBeSent"]
    if any(e.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded") for e in browser.events):
        raise AssertionError("the script complained")
    inert(browser)
    # Anew: the last check put things into the page.
    browser.open(path)
    for width in (1280, 360):
        browser.size(width, 900)
        wide = browser.js("document.documentElement.scrollWidth")
        if wide > width:
            raise AssertionError(f"{wide} pixels wide on a screen of {width}")
    light = browser.js("getComputedStyle(document.body).backgroundColor")
    browser.media("dark")
    if light == browser.js("getComputedStyle(document.body).backgroundColor"):
        raise AssertionError("dark looks like light")
    printed(browser)
    without_script(browser, path)
    if folder:
        pictures(browser, path, folder)


READABLE = """[...document.querySelectorAll('%s')].filter(e => !e.checkVisibility({contentVisibilityAuto: true})).length"""


def printed(browser):
    """On paper is what is closed as well, and what is far from the screen."""
    browser.media("light", "print")
    for part in (".finding", ".overview td", ".coverage td", ".scores td", ".suppressed td"):
        eventually(browser, f"{part} left out of a print", READABLE % part, 0)
    equal("a table on paper", browser.js("getComputedStyle(document.querySelector('.overview tr')).display"), "table-row")
    browser.media("light")


def without_script(browser, path):
    """Everything can be read, and nothing is there that does nothing."""
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(path)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    equal("filters without a script", browser.js("document.getElementById('controls').checkVisibility()"), False)
    equal("buttons without a script", browser.js("[...document.querySelectorAll('button')].filter(b => b.checkVisibility()).length"), 0)
    equal("servers without a script", browser.js(SHOWN), browser.js("document.querySelectorAll('.server').length"))
    equal("hidden without a script", browser.js("[...document.querySelectorAll('[hidden]')].map(e => e.id)"), ["controls"])


def pictures(browser, path, folder):
    os.makedirs(folder, exist_ok=True)
    browser.open(path)
    for name, scheme, width, height in (("wide", "light", 1280, 1500), ("dark", "dark", 1280, 1500), ("narrow", "light", 390, 1800)):
        browser.size(width, height)
        browser.media(scheme)
        browser.picture(os.path.join(folder, name + ".png"))
    printed = browser.call("Page.printToPDF", printBackground=True)
    with open(os.path.join(folder, "print.pdf"), "wb") as out:
        out.write(base64.b64decode(printed["data"]))


def main():
    path = sys.argv[1]
    folder = sys.argv[2] if len(sys.argv) > 2 else None
    program = shutil.which("chromium")
    if not program:
        sys.exit("chromium is missing: scripts/install-chromium.sh installs it")
    browser = Browser(program)
    try:
        look_at(browser, path, folder)
    except AssertionError as wrong:
        sys.exit(f"{path}: {wrong}")
    finally:
        browser.close()
    print("ok")


if __name__ == "__main__":
    main()
