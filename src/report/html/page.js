"use strict";
(() => {
  const $ = id => document.getElementById(id);
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const controls = $("controls");
  const articles = all(".server").map(node => ({
    node,
    details: node.querySelector("details"),
    name: node.querySelector("h3").textContent,
    status: node.querySelector(".status").textContent,
    tags: all(".facts .tag", node).map(tag => tag.textContent),
    plan: Number(node.id.slice(1)),
    row: null,
    groups: null,
    text: "",
  }));
  const byId = new Map(articles.map((article, at) => [article.node.id, Object.assign(article, { worst: at })]));
  const rows = all(".overview tbody tr");
  rows.forEach(row => { byId.get(row.dataset.server).row = row; });

  // What a filter looks at is collected once, when the first one is set.
  const collect = article => {
    if (article.groups) return;
    article.groups = all(".rule", article.node).map(node => ({
      node,
      rule: node.dataset.rule,
      findings: all(".finding", node).map(item => ({
        node: item,
        severity: item.dataset.severity,
        text: "",
      })),
    }));
  };
  // Its text only when something is searched for: that is the dear part of it.
  const read = article => {
    if (article.text) return;
    for (const group of article.groups)
      for (const finding of group.findings)
        finding.text = `${article.name} ${group.node.firstChild.textContent} ${finding.node.textContent}`.toLowerCase();
    article.text = article.node.textContent.toLowerCase();
  };

  const filters = () => ({
    text: $("f-text").value.trim().toLowerCase(),
    status: $("f-status").value,
    rule: $("f-rule").value,
    tag: $("f-tag") ? $("f-tag").value : "",
    off: new Set(all(".toggle[aria-pressed=false]", controls).map(button => button.dataset.severity)),
  });

  const apply = () => {
    const want = filters();
    const byFinding = want.rule || want.off.size > 0;
    let findings = 0, total = 0, servers = 0;
    for (const article of articles) {
      collect(article);
      if (want.text) read(article);
      let here = 0;
      for (const group of article.groups) {
        let shown = 0;
        for (const finding of group.findings) {
          const show = !want.off.has(finding.severity) && (!want.rule || group.rule === want.rule) &&
            (!want.text || finding.text.includes(want.text));
          if (finding.node.hidden === show) finding.node.hidden = !show;
          shown += show;
          total += 1;
        }
        group.node.hidden = shown === 0;
        // What was searched for is to be seen.
        if (shown && (want.text || want.rule)) group.node.open = true;
        here += shown;
      }
      const found = here > 0 || (!byFinding && (!want.text || article.text.includes(want.text)));
      const show = found && (!want.status || article.status === want.status) &&
        (!want.tag || article.tags.includes(want.tag));
      article.node.hidden = !show;
      if (article.row) article.row.hidden = !show;
      if (show) { servers += 1; findings += here; }
    }
    // Few enough to be read at once.
    if ((want.text || want.rule) && servers <= 10) open(true);
    $("f-count").textContent = `Showing ${findings} of ${total} findings, on ${servers} of ${articles.length} servers.`;
  };

  const order = { worst: (a, b) => a.worst - b.worst, plan: (a, b) => a.plan - b.plan,
    name: (a, b) => a.name.localeCompare(b.name) || a.plan - b.plan };
  const arrange = () => {
    $("articles").append(...[...articles].sort(order[$("f-order").value]).map(article => article.node));
  };

  let waiting = 0;
  $("f-text").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 120); });
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
  const open = how => articles.forEach(article => { if (!article.node.hidden) article.details.open = how; });
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
      const value = row => {
        const cell = row.cells[column];
        return column < 2 ? cell.textContent : Number.parseFloat(cell.dataset.v ?? cell.textContent);
      };
      const compare = (a, b) => column < 2 ? a.localeCompare(b)
        : (Number.isNaN(a) ? -1 : a) - (Number.isNaN(b) ? -1 : b);
      rows.sort((a, b) => (down ? -1 : 1) * compare(value(a), value(b)));
      document.querySelector(".overview tbody").append(...rows);
    });
  });

  // A link into an article opens it.
  const follow = () => {
    const article = byId.get(location.hash.slice(1));
    if (!article) return;
    article.details.open = true;
    article.node.scrollIntoView();
  };
  addEventListener("hashchange", follow);

  // Fingerprints get their buttons when somebody looks at them.
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
  document.addEventListener("toggle", event => { if (event.target.open) offer(event.target); }, true);
  all("details[open]").forEach(offer);
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
})();
