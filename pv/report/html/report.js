"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const main = $("main");
  const page = $("page");
  const MOST_ROWS = 400; // of the table at once; more are shown when asked for
  const MOST_HITS = 6; // claims named below a contract that a search found by them

  // ---- elements: text only ever as text ----------------------------------------------------------------------------

  const make = (name, attributes, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === "onclick") element.addEventListener("click", value);
      else if (value !== null && value !== false && value !== undefined) element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== ""));
    return element;
  };

  // ---- theme -------------------------------------------------------------------------------------------------------

  const root = document.documentElement;
  const remembered = () => {
    try { return localStorage.getItem("pv-status-theme"); } catch { return null; } // a file may have no storage
  };
  const remember = (theme) => {
    try { localStorage.setItem("pv-status-theme", theme); } catch { /* then the system is asked next time */ }
  };
  const setTheme = (theme) => {
    root.dataset.theme = theme;
    $("theme").textContent = theme === "dark" ? "Light" : "Dark";
    $("theme").setAttribute("aria-label", `Switch to ${theme === "dark" ? "light" : "dark"} colours`);
  };
  const preferred = matchMedia("(prefers-color-scheme: dark)");
  setTheme(remembered() || (preferred.matches ? "dark" : "light"));
  preferred.addEventListener("change", () => { if (!remembered()) setTheme(preferred.matches ? "dark" : "light"); });
  $("theme").hidden = false;
  $("theme").addEventListener("click", () => {
    setTheme(root.dataset.theme === "dark" ? "light" : "dark");
    remember(root.dataset.theme);
  });

  // ---- what things are called, and addresses -----------------------------------------------------------------------

  const STATES = { wrong: "not as declared", open: "not all is known", good: "as declared", "nothing measured": "nothing measured" };
  const FATES = ["killed", "survived", "mislocalised", "inconclusive", "error", "stale", "not run"];
  const HYPOTHESES = { refuted: "wrong", survives: "good", open: "open", moot: "note" };
  const tone = (word) => word.replace(/ /g, "-");
  const pill = (word, kind) => make("span", { class: `pill ${tone(kind || word)}` }, word);
  const toneOf = (claim) => (claim.wrong ? "wrong" : claim.outcome === "inconclusive" ? "open" : "good");
  const breakable = (word) => word.split(/(?<=_)/).flatMap((part, at) => (at ? [make("wbr"), part] : [part]));
  const plural = (number, name) => `${number.toLocaleString("en")} ${name}${number === 1 ? "" : "s"}`;
  const address = (contract, claim) =>
    `#/contract/${encodeURIComponent(contract.name)}${claim ? `/${encodeURIComponent(claim)}` : ""}`;
  const byName = new Map(data.contracts.map((contract) => [contract.name, contract]));
  const words = data.words;

  for (const contract of data.contracts) {
    contract.words = `${contract.name}\n${contract.path}\n${contract.about}\n${contract.declared}\n${contract.effective}`.toLowerCase();
    for (const claim of contract.claims) {
      claim.words = [claim.id, claim.rule, claim.prediction, claim.outcome, claim.reason, claim.detail,
        ...claim.mutants.map((mutant) => mutant[0])].join("\n").toLowerCase();
    }
  }

  // ---- the card ----------------------------------------------------------------------------------------------------

  const bar = (counts) => {
    const parts = [
      ["good", "as expected", counts.good],
      ["wrong", "against expectation or in error", counts.wrong],
      ["open", "inconclusive", counts.claims - counts.good - counts.wrong],
    ].filter(([, , number]) => number);
    const said = parts.map(([, name, number]) => `${number} ${name}`).join(", ") || "no claim";
    return make("div", { class: "bar", role: "img", "aria-label": said, title: said }, parts.map(([kind, , number]) => {
      const part = make("i", { class: kind });
      part.style.flexGrow = number;
      return part;
    }));
  };
  const tally = (claims) => {
    const counts = { claims: claims.length, good: 0, wrong: 0 };
    for (const claim of claims) {
      const kind = toneOf(claim);
      if (kind !== "open") counts[kind] += 1;
    }
    return counts;
  };
  const everything = data.contracts.flatMap((contract) => contract.claims);
  const card = () => {
    $("card").append(bar(tally(everything)));
    if (tested.length) $("card").append(make("p", {}, make("a", { href: "#/hypotheses" }, `Hypotheses of ${plural(tested.length, "contract")}`)));
    const since = data.since;
    if (!since) return;
    const title = `Since ${since.ref}${since.commit ? ` (${since.commit})` : ""}`;
    if (since.why_not) {
      $("card").append(make("p", {}, `${title}: ${since.why_not}`));
      return;
    }
    const lines = since.groups.map(([name, refs]) => make("li", {}, `${name}: `, refs.flatMap(([contract, claim, text], at) => {
      const known = byName.get(contract);
      const label = `${contract}: ${claim}`;
      return [at ? ", " : "", known ? make("a", { href: address(known, claim), title: text || null }, label) : label];
    })));
    lines.push(...since.moved.map((text) => make("li", {}, text)));
    $("card").append(make("h2", {}, title), lines.length ? make("ul", { class: "since" }, lines) : make("p", {}, "Nothing changed."));
  };

  // ---- the table of contracts --------------------------------------------------------------------------------------

  const ORDER = ["wrong", "open", "nothing measured", "good"];
  const share = (a, b) => (b ? a / b : -1);
  const COLUMNS = [
    ["contract", (one) => one.name, ""],
    ["state", (one) => ORDER.indexOf(one.state), ""],
    ["declared", (one) => one.declared, "wide"],
    ["effective", (one) => one.effective, "effective"],
    ["discharged", (one) => share(one.counts.discharged, one.counts.claims), "right"],
    ["refuted", (one) => one.counts.refuted, "right"],
    ["inconclusive", (one) => one.counts.inconclusive, "right"],
    ["error", (one) => one.counts.error, "right"],
    ["stale", (one) => one.counts.stale, "right"],
    ["level", (one) => one.level, "wide"],
    ["mutants", (one) => share(one.counts.mutants_killed, one.counts.mutants), "right"],
    ["trend", (one) => one.trend, "wide trend"],
  ];
  const dim = (number) => make("span", { class: number ? null : "zero" }, String(number));
  const cellsOf = (one) => [
    make("a", { href: address(one) }, one.name),
    pill(STATES[one.state], one.state),
    one.declared ? breakable(one.declared) : "–",
    make("span", { class: one.overstated ? "bad" : null }, breakable(one.effective)),
    `${one.counts.discharged}/${one.counts.claims}`,
    dim(one.counts.refuted),
    dim(one.counts.inconclusive),
    dim(one.counts.error),
    dim(one.counts.stale),
    one.level,
    one.counts.mutants ? `${one.counts.mutants_killed}/${one.counts.mutants}` : "–",
    one.trend.replace(/ (?=[↑↓])/g, "\u00a0"),
  ];

  let view = { q: "", state: "", sort: "state", down: false, all: false };
  const read = (query) => {
    const given = new URLSearchParams(query);
    const sort = COLUMNS.some(([name]) => name === given.get("sort")) ? given.get("sort") : "state";
    const state = given.get("state") in STATES ? given.get("state") : "";
    return { q: given.get("q") || "", state, sort, down: given.get("down") === "1", all: false };
  };
  const write = () => {
    const said = new URLSearchParams();
    if (view.q) said.set("q", view.q);
    if (view.state) said.set("state", view.state);
    if (view.sort !== "state") said.set("sort", view.sort);
    if (view.down) said.set("down", "1");
    const query = said.toString();
    backTo = `#/${query ? `?${query}` : ""}`;
    history.replaceState(null, "", backTo);
  };

  // every word must be found in one claim, or in the contract itself
  const search = () => {
    const asked = view.q.toLowerCase().split(/\s+/).filter(Boolean);
    const holds = (text) => asked.every((word) => text.includes(word));
    const found = [];
    for (const contract of data.contracts) {
      if (!asked.length || holds(contract.words)) { found.push([contract, []]); continue; }
      const hits = contract.claims.filter((claim) => holds(claim.words));
      if (hits.length) found.push([contract, hits]);
    }
    return found;
  };

  const hitsRow = (contract, hits) => make("tr", { class: "hits" }, make("td", { colspan: COLUMNS.length },
    hits.slice(0, MOST_HITS).flatMap((claim, at) => [at ? " " : "",
      make("a", { href: address(contract, claim.id) }, make("i", { class: `dot ${toneOf(claim)}` }), claim.id)]),
    hits.length > MOST_HITS ? ` and ${hits.length - MOST_HITS} more` : ""));

  const rows = () => {
    const found = search();
    const counts = { "": found.length };
    for (const [contract] of found) counts[contract.state] = (counts[contract.state] || 0) + 1;
    for (const button of page.querySelectorAll("#states button")) {
      const state = button.dataset.state;
      button.lastChild.textContent = String(counts[state] || 0);
      button.setAttribute("aria-checked", String(state === view.state));
      button.tabIndex = state === view.state ? 0 : -1;
    }
    const key = COLUMNS.find(([name]) => name === view.sort)[1];
    const chosen = found.filter(([contract]) => !view.state || contract.state === view.state);
    const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
    chosen.sort(([a], [b]) => (compare(key(a), key(b)) * (view.down ? -1 : 1)) || a.name.localeCompare(b.name, "en", { numeric: true }));
    const most = view.all ? Infinity : MOST_ROWS;
    const body = page.querySelector("#contracts tbody");
    body.replaceChildren(...chosen.slice(0, most).flatMap(([contract, hits]) => {
      const cells = cellsOf(contract).map((cell, at) =>
        make(at ? "td" : "th", { class: COLUMNS[at][2] || null, scope: at ? null : "row" }, cell));
      return [make("tr", { class: tone(contract.state) }, cells), ...(hits.length ? [hitsRow(contract, hits)] : [])];
    }));
    for (const head of page.querySelectorAll("#contracts thead th")) {
      head.setAttribute("aria-sort", head.dataset.name !== view.sort ? "none" : view.down ? "descending" : "ascending");
    }
    const hits = chosen.reduce((sum, [, claims]) => sum + claims.length, 0);
    $("found").textContent = chosen.length
      ? plural(chosen.length, "contract") + (hits ? `, ${plural(hits, "claim")} found` : "")
      : "Nothing is found.";
    const more = $("more");
    more.hidden = chosen.length <= most;
    more.textContent = `Show all ${chosen.length.toLocaleString("en")}`;
  };

  const list = (query) => {
    view = read(query);
    document.title = `Contracts: ${data.headline}`;
    const input = make("input", { id: "search", type: "search", placeholder: "Search contracts, claims, mutants", "aria-label": "Search contracts, claims and mutants", value: view.q, spellcheck: "false", autocomplete: "off" });
    const present = ["", ...ORDER.filter((state) => data.contracts.some((contract) => contract.state === state))];
    const chips = present.map((state) => make("button", { type: "button", role: "radio", "data-state": state, class: tone(state) || null },
      state ? STATES[state] : "all", " ", make("b", {}, "")));
    const head = COLUMNS.map(([name, , kind]) => make("th", { scope: "col", class: kind || null, "data-name": name },
      make("button", { type: "button", onclick: () => {
        view.down = view.sort === name ? !view.down : kind === "right";
        view.sort = name;
        write();
        rows();
      } }, name)));
    page.replaceChildren(make("section", { "aria-label": "Contracts" },
      make("div", { class: "tools" },
        make("label", { class: "search" }, input, make("kbd", {}, "/")),
        make("div", { id: "states", role: "radiogroup", "aria-label": "State" }, chips)),
      make("p", { id: "found", class: "note", "aria-live": "polite" }),
      make("div", { class: "scroll" }, make("table", { id: "contracts" }, make("thead", {}, make("tr", {}, head)), make("tbody", {}))),
      make("button", { id: "more", type: "button", onclick: () => { view.all = true; rows(); } })));
    let waiting = 0;
    input.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { view.q = input.value.trim(); view.all = false; write(); rows(); }, 60);
    });
    const choose = (state) => { view.state = state; view.all = false; write(); rows(); };
    $("states").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) choose(button.dataset.state);
    });
    $("states").addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const at = (present.indexOf(view.state) + by + present.length) % present.length;
      choose(present[at]);
      $("states").children[at].focus();
    });
    page.querySelector("#contracts tbody").addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!by) return;
      const links = [...page.querySelectorAll("#contracts tbody a")];
      const next = links[links.indexOf(document.activeElement) + by];
      if (next) { event.preventDefault(); next.focus(); }
    });
    rows();
  };

  // ---- the page of a contract --------------------------------------------------------------------------------------

  const facts = (pairs) => {
    const shown = pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined);
    return shown.length ? make("dl", {}, shown.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])) : null;
  };
  const grid = (heads, lines) => make("div", { class: "scroll" }, make("table", { class: "plain" },
    make("thead", {}, make("tr", {}, heads.map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, lines)));
  const fold = (title, open, ...content) => make("details", { open }, make("summary", {}, title), ...content);

  const mutantsOf = (claim) => {
    if (!claim.mutants.length) return make("p", { class: "bad" }, claim.vacuous);
    const lines = [...claim.mutants]
      .sort((a, b) => (a[1] === "killed") - (b[1] === "killed"))
      .map(([name, fate, expected, found, told]) => make("tr", {},
        make("th", { scope: "row" }, make("code", {}, name)), make("td", {}, pill(fate)), make("td", {}, expected), make("td", { class: "long" }, found), make("td", {}, told)));
    const rest = claim.mutants.length - claim.killed;
    return fold(`${claim.killed}/${claim.mutants.length} mutants killed`, rest > 0,
      claim.vacuous ? make("p", { class: "bad" }, `Vacuous: ${claim.vacuous}`) : null,
      grid(["mutant", "fate", "expected", "found", "reported"], lines));
  };

  const evidenceOf = (claim) => {
    if (!claim.evidence.length) return make("p", { class: "note" }, "No evidence.");
    const lines = claim.evidence.map((one) => {
      const label = make("th", { scope: "row" }, make("code", {}, one[0] || "the claim"));
      if (one[1] === "stale") return make("tr", {}, label, make("td", {}, pill("stale")), make("td", { colspan: 8, class: "long" }, one[2]));
      const [, verdict, compared, level, when, commit, engines, environment, line, id, seconds] = one;
      return make("tr", {}, label, make("td", {}, pill(verdict, verdict === claim.expect ? "good" : verdict)), make("td", {}, compared), make("td", {}, level), make("td", {}, when),
        make("td", {}, make("code", {}, words[commit])), make("td", { class: "long" }, words[engines]),
        make("td", {}, make("code", {}, words[environment])),
        make("td", {}, line || id ? make("code", { title: "line of the ledger, and its id" }, `${line || ""} ${id}`.trim()) : ""),
        make("td", { class: "right" }, seconds === null ? "" : `${seconds} s`));
    });
    return fold(plural(claim.evidence.length, "piece") + " of evidence", false,
      grid(["case", "verdict", "compared", "level", "when", "commit", "engines", "environment", "ledger", "took"], lines));
  };

  const claimOf = (contract, claim) => {
    const expected = claim.expect === "refuted" ? "expected: refuted" : "";
    const why = [claim.reason, claim.detail].filter(Boolean).join(": ");
    return make("section", { class: `claim ${toneOf(claim)}`, "data-claim": claim.id, tabindex: "-1" },
      make("header", {}, make("h3", {}, make("a", { href: address(contract, claim.id) }, claim.id)), pill(claim.outcome, toneOf(claim)),
        claim.stale ? pill("stale") : null, expected ? make("span", { class: "note" }, expected) : null),
      claim.rule ? make("p", { class: "rule" }, claim.rule) : null,
      make("p", { class: "prediction" }, claim.prediction),
      facts([
        ["why", why],
        ["level", `${claim.evidence.length ? claim.level : "none"} reached, ${claim.asked} asked`],
        ["worst distance", claim.worst],
        ["equation", claim.equation],
        ["if it fails", claim.wrong ? claim.if_fails : ""],
        ["waits for", claim.pending.join(", ")],
        ["expires", claim.expires],
        ["reported, not judged", claim.told.join("\n")],
        ["in the file", `${contract.path}:${claim.line}`],
      ]),
      mutantsOf(claim), evidenceOf(claim));
  };

  // a text in which the claims that it names lead to them; those that it does not name follow
  const linked = (contract, text, claims) => {
    const parts = [];
    let rest = text;
    for (const id of claims) {
      const at = rest.indexOf(id);
      const link = make("a", { href: address(contract, id) }, id);
      if (at < 0) { parts.push([Infinity, ", ", link]); continue; }
      parts.push([at, rest.slice(0, at), link]);
      rest = rest.slice(at + id.length);
    }
    const named = parts.filter(([at]) => at < Infinity);
    return [...named.flatMap(([, before, link]) => [before, link]), rest, ...parts.filter(([at]) => at === Infinity).flatMap(([, before, link]) => [before, link])];
  };
  const treeOf = (contract, nodes) => make("ul", { class: "tree" }, nodes.map(([name, statement, state, why, claims, below]) =>
    make("li", {}, make("b", {}, name), " ", pill(state, HYPOTHESES[state]), statement ? make("span", {}, ` ${statement}`) : null,
      make("div", { class: "note" }, linked(contract, why, claims)),
      below.length ? treeOf(contract, below) : null)));
  const hypothesesOf = (contract, title) => make("section", { class: "hypotheses" }, make("h2", {}, title), make("p", { class: "note" }, contract.hypotheses.summary),
    treeOf(contract, contract.hypotheses.roots),
    contract.hypotheses.next.length ? make("h3", {}, "What to run next") : null,
    contract.hypotheses.next.length ? make("ol", {}, contract.hypotheses.next.map(([id, hypothesis, bits, parts, live]) =>
      make("li", {}, make("a", { href: address(contract, id) }, id), ` (${hypothesis}): ${bits} bits; refuted, it removes ${parts} of ${live} live`))) : null);
  const tested = data.contracts.filter((contract) => contract.hypotheses);
  const hypothesesPage = () => {
    document.title = "Hypotheses";
    page.replaceChildren(make("nav", { class: "trail" }, make("a", { href: backTo }, "← All contracts")),
      ...tested.map((contract) => {
        const section = hypothesesOf(contract, "");
        section.firstChild.append(make("a", { href: address(contract) }, contract.name));
        return section;
      }),
      ...(tested.length ? [] : [make("section", {}, "No claim names a hypothesis.")]));
  };

  const contractPage = (contract, claimId) => {
    document.title = `${contract.name}: ${STATES[contract.state]}`;
    const at = data.contracts.indexOf(contract);
    const neighbour = (by, label) => {
      const other = data.contracts[at + by];
      return other ? make("a", { href: address(other), rel: by > 0 ? "next" : "prev" }, label.replace("%", other.name)) : make("span", {});
    };
    const status = make("section", { class: `contract ${tone(contract.state)}` },
      make("header", {}, make("h2", {}, contract.name), pill(STATES[contract.state], contract.state)),
      contract.about ? make("p", { class: "prediction" }, contract.about) : null,
      bar(tally(contract.claims)),
      facts([
        ["declared", contract.declared || "nothing"],
        ["effective", contract.effective],
        ["supported by evidence", contract.supported === contract.effective ? "" : contract.supported],
        ["capped", contract.cap],
        ["discharged", `${contract.counts.discharged}/${contract.counts.claims}`],
        ["refuted", contract.counts.refuted ? `${contract.counts.refuted}, ${contract.counts.refuted_as_expected} of them as expected` : ""],
        ["mutants killed", contract.counts.mutants ? `${contract.counts.mutants_killed}/${contract.counts.mutants}` : "names none"],
        ["level", contract.level === "-" ? "" : contract.level],
        ["worst distance", contract.worst],
        ["since the run before", contract.trend],
        ["may be promoted", contract.promote ? make("code", {}, contract.promote) : ""],
        ["file", contract.path],
      ]));
    if (contract.lacks.length) {
      status.append(make("div", { class: "lacks" }, make("h3", {}, `What it lacks to be ${contract.declared}`),
        make("ul", {}, contract.lacks.map(([claim, texts]) => make("li", {},
          claim ? [make("a", { href: address(contract, claim) }, claim), ": "] : "", texts.join("; "))))));
    }
    if (contract.remarks.length) {
      status.append(make("h3", {}, "Remarks"), make("ul", {}, contract.remarks.map(([topic, text, claim, grave, caps, line, help]) =>
        make("li", {}, pill(topic, grave ? "wrong" : caps ? "open" : "note"), " ", claim ? `${claim}: ` : "", text, ` (line ${line})`, help ? make("span", { class: "note" }, ` ${help}`) : ""))));
    }
    const equations = contract.equations.length
      ? make("section", {}, make("h2", {}, "Equations"), make("dl", { class: "equations" }, contract.equations.flatMap(([name, formula]) =>
        [make("dt", {}, make("code", {}, name)), make("dd", {}, formula ? make("code", {}, formula) : "–")])))
      : null;
    const history = contract.history.length
      ? make("section", {}, make("h2", {}, "History of its status"), make("ol", { class: "history" }, contract.history.map(([date, from, to, reason, rest]) =>
        make("li", {}, make("b", {}, date || "no date"), " ", from || to ? `${from || "?"} → ${to || "?"}` : "",
          reason ? make("p", { class: "prediction" }, reason) : "", facts(rest) || ""))))
      : null;
    page.replaceChildren(...[
      make("nav", { class: "trail", "aria-label": "Contracts" }, make("a", { href: backTo }, "← All contracts"), make("span", {}, neighbour(-1, "‹ %"), neighbour(1, "% ›"))),
      status, equations, contract.hypotheses ? hypothesesOf(contract, "Hypotheses") : null,
      make("h2", { class: "between" }, plural(contract.claims.length, "claim")),
      ...contract.claims.map((claim) => claimOf(contract, claim)),
      history].filter(Boolean));
    const target = claimId && [...page.querySelectorAll("[data-claim]")].find((one) => one.dataset.claim === claimId);
    if (target) {
      target.classList.add("target");
      target.scrollIntoView({ block: "start" });
      target.focus({ preventScroll: true });
    } else if (claimId) {
      status.prepend(make("p", { class: "bad" }, `This contract has no claim ${claimId}.`));
    }
    return target;
  };

  // ---- which page --------------------------------------------------------------------------------------------------

  const part = (text) => { try { return decodeURIComponent(text); } catch { return text; } }; // an address that somebody mistyped
  let backTo = "#/";
  let first = true;
  const route = () => {
    const hash = location.hash.replace(/^#\/?/, "");
    const [path, query] = [hash.split("?")[0], hash.split("?").slice(1).join("?")];
    const [kind, name, claim] = path.split("/").map(part);
    const overview = kind !== "contract" && kind !== "hypotheses";
    document.body.dataset.page = overview ? "list" : "contract";
    if (kind === "hypotheses") {
      hypothesesPage();
      main.focus({ preventScroll: true });
      scrollTo(0, 0);
    } else if (overview) {
      backTo = location.hash || "#/";
      list(query);
      if (!first) { main.focus({ preventScroll: true }); scrollTo(0, 0); }
    } else {
      const contract = byName.get(name);
      const target = contract && contractPage(contract, claim);
      if (!contract) {
        page.replaceChildren(make("section", {}, make("h2", {}, "No such contract"), make("p", {}, `This report holds no contract ${name || ""}.`), make("a", { href: "#/" }, "All contracts")));
      }
      if (!target) { main.focus({ preventScroll: true }); scrollTo(0, 0); }
    }
    first = false;
  };
  addEventListener("hashchange", route);
  addEventListener("keydown", (event) => {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(document.activeElement.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !typing && $("search")) {
      event.preventDefault();
      $("search").focus();
      $("search").select();
    } else if (event.key === "Escape" && typing && $("search")) {
      view.q = $("search").value = "";
      write();
      rows();
    } else if (event.key === "Escape" && document.body.dataset.page === "contract") {
      location.hash = backTo;
    }
  });
  card();
  route();
})();
