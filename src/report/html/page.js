"use strict";
(() => {
  const $ = id => document.getElementById(id);
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const controls = $("controls");
  const home = $("articles");

  // A report may have 1,000 servers and more: what takes long is done in pieces, and the page answers in between.
  const PIECE = 12;
  const rest = () => new Promise(done => setTimeout(done));
  const pieces = async (items, work, stale = () => false, later = PIECE) => {
    let until = performance.now() + PIECE;
    for (const item of items) {
      if (performance.now() > until) {
        await rest();
        if (stale()) return false;
        until = performance.now() + later;
      }
      work(item);
    }
    return true;
  };

  // What a search compares; the two small sigmas are one letter, as where a word ends depends on what follows.
  const fold = text => text.toLowerCase().replaceAll("ς", "σ");
  const articles = [...home.children].map((node, worst) => ({
    node, worst, plan: Number(node.id.slice(1)), details: node.firstElementChild, shown: true, groups: null,
  }));
  let rows = [...document.querySelector(".overview tbody").rows];

  // What sorting and filters look at is read once, before it is asked for where there is time.
  const rowOf = new Map(rows.map(row => [row.dataset.server, row]));
  const read = article => {
    if (article.groups) return;
    const { node, details } = article;
    const summary = details.firstElementChild;
    article.name = summary.querySelector("h3").textContent;
    article.title = fold(article.name);
    article.status = summary.querySelector(".status").textContent;
    article.tags = all(".tag", summary).map(tag => tag.textContent);
    article.row = rowOf.get(node.id);
    article.text = fold(node.textContent);
    article.groups = all(".rule", node).map(group => ({
      node: group,
      rule: group.dataset.rule,
      title: fold(group.firstElementChild.textContent),
      more: Number(group.dataset.more || 0),
      shown: true,
      findings: [...group.querySelector(".findings").children].map(item => ({
        node: item, severity: item.dataset.severity, text: fold(item.textContent), shown: true,
      })),
    }));
  };

  const filters = () => ({
    text: fold($("f-text").value.trim()),
    status: $("f-status").value,
    rule: $("f-rule").value,
    tag: $("f-tag") ? $("f-tag").value : "",
    off: new Set(all(".toggle[aria-pressed=false]", controls).map(button => button.dataset.severity)),
  });

  // Which findings of a server are wanted: `here` of them. Nothing of the page is touched.
  const match = (article, want) => {
    read(article);
    article.here = 0;
    // Names, titles and findings are parts of the text.
    const has = article.text.includes(want.text);
    const named = article.title.includes(want.text);
    for (const group of article.groups) {
      const wanted = has && (!want.rule || group.rule === want.rule);
      const titled = wanted && (named || group.title.includes(want.text));
      group.here = 0;
      for (const finding of group.findings) {
        finding.want = wanted && !want.off.has(finding.severity) && (titled || finding.text.includes(want.text));
        group.here += finding.want;
      }
      article.here += group.here;
    }
    const found = article.here > 0 || (has && !want.rule && want.off.size === 0);
    article.want = found && (!want.status || article.status === want.status) &&
      (!want.tag || article.tags.includes(want.tag));
  };

  const show = (thing, how) => {
    if (thing.shown !== how) thing.node.hidden = !(thing.shown = how);
  };
  // What is in something hidden stays as it is.
  const change = article => {
    show(article, article.want);
    if (article.row.hidden === article.want) article.row.hidden = !article.want;
    if (!article.want) return;
    for (const group of article.groups) {
      show(group, group.here > 0);
      if (group.shown) group.findings.forEach(finding => show(finding, finding.want));
    }
  };

  let sought = false;
  // What was searched for is to be seen.
  const reveal = article => {
    if (sought)
      for (const group of article.groups) if (group.shown && !group.node.open) group.node.open = true;
  };

  let turn = 0;
  const apply = async () => {
    const mine = ++turn, want = filters();
    if (!await pieces(articles, article => match(article, want), () => mine !== turn)) return;
    sought = Boolean(want.text || want.rule);
    articles.forEach(change);
    const shown = articles.filter(article => article.shown);
    const sum = (of, over) => over.reduce((total, thing) => total + of(thing), 0);
    const findings = sum(article => article.here, shown);
    const total = sum(article => sum(group => group.findings.length, article.groups), articles);
    const more = sum(article => sum(group => group.more, article.groups), articles);
    // Few enough to be read at once.
    if (sought && shown.length <= 10) open(true);
    shown.forEach(article => { if (article.details.open) reveal(article); });
    const beside = more ? ` (${more} more only in the JSON report)` : "";
    $("f-count").textContent =
      `Showing ${findings} of ${total} findings${beside}, on ${shown.length} of ${articles.length} servers.`;
  };

  const collator = new Intl.Collator();
  const order = { worst: (a, b) => a.worst - b.worst, plan: (a, b) => a.plan - b.plan,
    name: (a, b) => collator.compare(a.name, b.name) || a.plan - b.plan };
  let sorting = 0;
  // From the top, so that what is looked at is right at once. Then in larger pieces: whatever they hold, a browser goes
  // through the whole page after each.
  const arrange = async () => {
    const mine = ++sorting, how = $("f-order").value, stale = () => mine !== sorting;
    if (how === "name" && !await pieces(articles, read, stale)) return;
    let next = home.firstElementChild;
    home.classList.add("moving");
    const place = ({ node }) => {
      if (node === next) next = next.nextElementSibling;
      else home.insertBefore(node, next);
    };
    if (await pieces([...articles].sort(order[how]), place, stale, 4 * PIECE)) home.classList.remove("moving");
  };

  let waiting = 0;
  $("f-text").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 50); });
  controls.addEventListener("submit", event => event.preventDefault());
  controls.addEventListener("change", event => { event.target.id === "f-order" ? arrange() : apply(); });
  controls.addEventListener("click", event => {
    const toggle = event.target.closest(".toggle");
    if (!toggle) return;
    toggle.setAttribute("aria-pressed", String(toggle.getAttribute("aria-pressed") !== "true"));
    apply();
  });
  controls.addEventListener("reset", () => setTimeout(() => {
    all(".toggle", controls).forEach(button => button.setAttribute("aria-pressed", "true"));
    arrange();
    apply();
  }));
  const open = how => articles.forEach(article => { if (article.shown) article.details.open = how; });
  $("b-open").addEventListener("click", () => open(true));
  $("b-close").addEventListener("click", () => open(false));

  // Heads of the overview become buttons that sort by their column.
  all(".overview thead th").forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : column > 1;
      all(".overview thead th").forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = ({ cells: { [column]: cell } }) => {
        const number = Number.parseFloat(cell.textContent);
        return column < 2 ? cell.textContent : Number.isNaN(number) ? -1 : number;
      };
      const compare = column < 2 ? collator.compare : (a, b) => a - b;
      const keyed = rows.map(row => [value(row), row]).sort(([a], [b]) => (down ? -1 : 1) * compare(a, b));
      rows = keyed.map(([, row]) => row);
      document.querySelector(".overview tbody").append(...rows);
    });
  });

  // A link into an article opens it.
  const follow = () => {
    const target = $(location.hash.slice(1));
    const article = articles.find(({ node }) => node === target);
    if (!article) return;
    article.details.open = true;
    article.node.scrollIntoView();
  };
  addEventListener("hashchange", follow);

  // Fingerprints get their buttons when somebody looks at them, and after they were read: the buttons say nothing of a server.
  const offer = where => {
    for (const place of all(".fingerprint:not(.offered)", where)) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.setAttribute("aria-label", "Copy fingerprint " + place.querySelector("code").textContent.slice(0, 8));
      button.className = "copy";
      place.classList.add("offered");
      place.append(button);
    }
  };
  const attended = article => {
    read(article);
    reveal(article);
    offer(article.node);
  };
  const opened = [];
  const attend = async () => {
    await pieces(opened, attended);
    opened.length = 0;
  };
  articles.forEach(article => article.details.addEventListener("toggle", () => {
    if (article.details.open && opened.push(article) === 1) setTimeout(attend);
  }));
  all(".client").forEach(offer);
  articles.filter(article => article.details.open).forEach(attended);
  document.addEventListener("click", async event => {
    const button = event.target.closest(".copy");
    if (!button) return;
    const code = button.parentNode.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });

  controls.hidden = false;
  if (location.hash) follow();
  setTimeout(() => pieces(articles, read));
})();
