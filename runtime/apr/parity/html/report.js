"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);

  // ---- numbers -----------------------------------------------------------------------------------------------------

  const SPECIAL = { nan: NaN, inf: Infinity, "-inf": -Infinity };
  const num = (value) => (typeof value === "string" ? SPECIAL[value] : value);
  const show = (raw) => {
    const value = num(raw);
    if (value === null || value === undefined) return "–";
    if (Number.isNaN(value)) return "NaN";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (Number.isInteger(value) && size < 1e6) return value.toLocaleString("en");
    return size >= 0.01 && size < 1e4 ? String(Number(value.toPrecision(3))) : value.toExponential(2).replace("-", "−");
  };
  const place = (row) => `${row.stage}, ${row.layer === null ? "whole model" : `layer ${row.layer}`}`;

  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const unpack = (text) => {
    const values = [];
    for (let at = 0; at < text.length; at += 2) {
      const code = DIGITS.indexOf(text[at]) * 64 + DIGITS.indexOf(text[at + 1]);
      values.push(code === 0 ? 0 : code === 4095 ? Infinity : 10 ** (((code - 1) / 4093) * 40 - 20));
    }
    return values;
  };

  // ---- elements: text only ever as text ----------------------------------------------------------------------------

  const fill = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== false && value !== undefined) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...(children || []).filter((child) => child !== null));
    return element;
  };
  const make = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);
  const draw = (name, attributes, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

  // ---- theme -------------------------------------------------------------------------------------------------------

  const root = document.documentElement;
  const remembered = () => {
    try { return localStorage.getItem("apr-parity-theme"); } catch { return null; } // a file may have no storage
  };
  const remember = (theme) => {
    try { localStorage.setItem("apr-parity-theme", theme); } catch { /* then it is asked again next time */ }
  };
  const setTheme = (theme) => {
    root.dataset.theme = theme;
    $("theme").textContent = theme === "dark" ? "Light" : "Dark";
    $("theme").setAttribute("aria-label", `Switch to ${theme === "dark" ? "light" : "dark"} colours`);
  };
  const preferred = matchMedia("(prefers-color-scheme: dark)");
  setTheme(remembered() || (preferred.matches ? "dark" : "light"));
  preferred.addEventListener("change", () => { if (!remembered()) { setTheme(preferred.matches ? "dark" : "light"); paint(); } });
  $("theme").hidden = false;
  $("theme").addEventListener("click", () => {
    setTheme(root.dataset.theme === "dark" ? "light" : "dark");
    remember(root.dataset.theme);
    paint();
  });

  // ---- colours: one ramp whose lightness only ever rises, safe for every kind of colour vision ---------------------

  const RAMP = [[22, 18, 46], [66, 14, 100], [120, 28, 109], [174, 48, 92], [221, 81, 58], [248, 133, 21], [250, 193, 62], [252, 243, 172]];
  const colour = (t) => {
    const [from, to] = [0.08, 1]; // the darkest end would vanish in the dark page
    const along = root.dataset.theme === "dark" ? from + t * (to - from) : 1 - t * (1 - from);
    const at = Math.min(Math.max(along, 0), 1) * (RAMP.length - 1);
    const low = Math.min(Math.floor(at), RAMP.length - 2);
    const mixed = RAMP[low].map((value, index) => Math.round(value + (RAMP[low + 1][index] - value) * (at - low)));
    return `rgb(${mixed.join(" ")})`;
  };

  const MODES = [
    { name: "isolated", label: "Isolated", says: "relative RMS of each stage's own operation, with the same inputs for both" },
    { name: "accumulated", label: "Free run", says: "relative RMS after both sides ran free from the tokens" },
    { name: "gain", label: "Gain", says: "free run over isolated: how much of the difference was inherited" },
    { name: "excess", label: "Of bound", says: "worst test over its bound: above 1 no rounding explains it" },
  ];
  let mode = MODES[0];
  let prompt = data.first ? data.first[0] : 0;
  let chosen = null;

  const range = (name) => {
    const together = name === "isolated" || name === "accumulated" ? ["isolated", "accumulated"] : [name]; // one scale for both
    const sizes = data.rows.flatMap((row) => together.map((key) => num(row[key])))
      .filter((value) => value !== null && Number.isFinite(value) && value > 0).map(Math.log10);
    if (!sizes.length) return [-1, 1];
    let [low, high] = sizes.reduce(([a, b], size) => [Math.min(a, size), Math.max(b, size)], [Infinity, -Infinity]);
    [low, high] = [Math.floor(low), Math.ceil(high)];
    return high - low < 2 ? [low - 1, high + 1] : [low, high];
  };

  // ---- the map -----------------------------------------------------------------------------------------------------

  const rowOf = (stage, layer) => index.get(`${prompt}/${stage}/${layer}`);
  const index = new Map(data.rows.map((row) => [`${row.prompt}/${row.stage}/${row.layer}`, row]));
  const columns = [...data.layers, ...(data.rows.some((row) => row.layer === null) ? [null] : [])];
  const buttons = new Map();

  const describe = (row) => {
    const parts = [place(row), row.state === "first" ? "the sides part here first" : row.state];
    if (row.isolated !== null) parts.push(`isolated ${show(row.isolated)}${row.bound === null ? "" : `, allowed ${show(row.bound)}`}`);
    if (row.accumulated !== null) parts.push(`free run ${show(row.accumulated)}`);
    return parts.join("; ");
  };

  const build = () => {
    const head = make("tr", {}, make("td", {}), ...columns.map((layer) =>
      make("th", { scope: "col", class: layer === null ? "gap" : null }, layer === null ? "model" : String(layer))));
    const body = data.stages.map((stage) => make("tr", {}, make("th", { scope: "row" }, stage), ...columns.map((layer) => {
      const slot = make("td", { class: layer === null ? "gap" : null });
      if (!data.prompts.some((_, at) => index.has(`${at}/${stage}/${layer}`))) return slot;
      const button = make("button", { type: "button", class: "cell", tabindex: "-1" });
      button.addEventListener("click", () => choose(stage, layer));
      button.addEventListener("keydown", (event) => walk(event, stage, layer));
      buttons.set(`${stage}/${layer}`, button);
      slot.append(button);
      return slot;
    })));
    $("cells").append(make("caption", { hidden: true }, "Stages by layer"), make("thead", {}, head), make("tbody", {}, ...body));
  };

  const STEPS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  const walk = (event, stage, layer) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    let [y, x] = [data.stages.indexOf(stage) + step[0], columns.indexOf(layer) + step[1]];
    while (y >= 0 && x >= 0 && y < data.stages.length && x < columns.length) {
      const next = buttons.get(`${data.stages[y]}/${columns[x]}`);
      if (next) {
        for (const button of buttons.values()) button.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
        return;
      }
      [y, x] = [y + step[0], x + step[1]];
    }
  };

  const paint = () => {
    const [low, high] = range(mode.name);
    for (const [key, button] of buttons) {
      const [stage, layer] = key.split("/");
      const row = rowOf(stage, layer);
      const value = row ? num(row[mode.name]) : null;
      const none = value === null || value === undefined;
      const t = Number.isFinite(value) ? (Math.log10(value) - low) / (high - low) : 1;
      button.className = "cell";
      if (!row || row.state === "missing") button.classList.add("missing");
      if (row && (row.state === "first" || row.state === "born")) button.classList.add(row.state);
      if (!none && value === 0) button.classList.add("equal");
      button.style.background = none || value === 0 ? "" : colour(t);
      const label = row ? describe(row) : `${stage}: not compared`;
      button.setAttribute("aria-label", label);
      button.title = label;
      button.setAttribute("aria-pressed", String(row !== undefined && row === chosen));
    }
    legend(low, high);
  };

  const legend = (low, high) => {
    const stops = Array.from({ length: 17 }, (_, at) => colour(at / 16)).join(", ");
    const ramp = make("span", { class: "ramp", role: "img", "aria-label": `logarithmic colour scale from 1e${low} to 1e${high}` });
    ramp.style.background = `linear-gradient(to right, ${stops})`;
    $("legend").replaceChildren(`1e${low}`, ramp, `1e${high}`);
    const swatch = (kind, text) => make("span", {}, make("span", { class: `cell ${kind}`, "aria-hidden": "true" }), text);
    const states = new Set(data.rows.map((row) => row.state));
    $("keys").replaceChildren(make("span", {}, `${mode.label}: ${mode.says}.`),
      ...[["first", "they part here first"], ["born", "born here too"], ["equal", "0"], ["missing", "not compared"]]
        .filter(([kind]) => kind === "equal" ? data.rows.some((row) => num(row[mode.name]) === 0) : states.has(kind))
        .map(([kind, text]) => swatch(kind, text)));
  };

  // ---- one cell ----------------------------------------------------------------------------------------------------

  const VIEWS = { isolated: "isolated", subject: "subject vs judge", oracle: "oracle vs judge", accumulated: "free run" };
  const NUMBERS = ["relative RMS", "max |Δ|", "RMS", "NMSE", "1 − cosine", "elements that differ", "of elements", "not finite on one side", "max ULP (float32)",
    "worst position", "its relative RMS", "worst channel", "its relative RMS", "first position"];
  const [DIFFERENT, OF, POSITION, AT_POSITION] = [5, 6, 9, 10]; // their places in a cell's numbers

  const table = (head, lines) => make("div", { class: "scroll" }, make("table", { class: "plain" },
    make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, ...lines)));
  const panel = (title, ...content) => make("div", {}, make("h3", {}, title), ...content);

  const together = (...panels) => (panels.some(Boolean) ? fill(make("div", {}), {}, panels) : null);

  const metrics = (row) => panel("Distances", table(["", ...row.cells.map((cell) => VIEWS[cell.view])], [
    ...NUMBERS.map((name, at) => make("tr", {}, make("th", { scope: "row" }, name), ...row.cells.map((cell) => make("td", {}, show(cell.numbers[at]))))),
  ]));

  const tests = (row) => {
    const judged = row.cells.filter((cell) => cell.tests);
    if (!judged.length) return null;
    const lines = judged.flatMap((cell) => cell.tests.map(([name, value, bound, excess, position, channel]) => {
      const where = [position === null ? null : `pos ${position}`, channel === null ? null : `ch ${channel}`].filter(Boolean).join(", ");
      return make("tr", { class: num(excess) > 1 ? "beyond" : null }, make("th", { scope: "row" }, VIEWS[cell.view]),
        ...[name, show(value), show(bound), `${show(excess)} ×`, where || "–"].map((text) => make("td", {}, text)));
    }));
    const because = [...new Set(judged.flatMap((cell) => cell.because || []))].map((at) => data.because[at]);
    return panel("Tests, in units of the null model", table(["", "test", "value", "bound", "of bound", "where"], lines),
      because.length ? make("p", { class: "note" }, `The null model: ${because.join("; ")}.`) : null);
  };

  let W = 520; // as wide as it is shown, so that its letters have their size
  const H = 200, L = 46, B = 24, T = 8, R = 6;
  const frame = (label) => draw("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": label });
  const across = (t) => L + t * (W - L - R);
  const up = (t) => H - B - t * (H - B - T);

  const decades = (svg, low, high, text, room) => {
    const every = Math.max(1, Math.ceil((high - low) / 6));
    for (let at = low; at <= high; at += every) {
      const y = up(((at - low) / (high - low)) * room);
      svg.append(draw("line", { class: "grid", x1: L, x2: W - R, y1: y, y2: y }), draw("text", { x: L - 6, y: y + 4, "text-anchor": "end" }, text(at)));
    }
  };

  const profile = (row) => {
    const own = row.cells.find((cell) => cell.tests && cell.profile) || row.cells.find((cell) => cell.profile);
    if (!own) return null;
    const free = row.cells.find((cell) => cell.view === "accumulated" && cell !== own && cell.profile);
    const lines = [free && { values: unpack(free.profile), kind: "other" }, { values: unpack(own.profile), kind: "series" }].filter(Boolean);
    const test = (own.tests || []).find(([name]) => name === "position");
    const bound = test ? num(test[2]) * num(test[6]) : NaN;
    const every = lines.flatMap((line) => line.values);
    if (every.every((value) => value === 0)) return panel("Over positions", make("p", { class: "note" }, "Every position is equal."));
    const sizes = [...every, bound].filter((value) => value > 0 && Number.isFinite(value)).map(Math.log10);
    let [low, high] = sizes.length ? [Math.floor(Math.min(...sizes)), Math.ceil(Math.max(...sizes))] : [-1, 0];
    if (low === high) high += 1;
    // what is no finite number stands above all that are
    const beyond = every.some((value) => !Number.isFinite(value));
    const room = beyond ? 0.88 : 1;
    const y = (value) => (!Number.isFinite(value) ? up(1) : value > 0 ? up(Math.min(1, (Math.log10(value) - low) / (high - low)) * room) : up(0));
    const svg = frame(`Relative RMS by position; worst is position ${own.numbers[POSITION]} with ${show(own.numbers[AT_POSITION])}`);
    if (sizes.length) decades(svg, low, high, (at) => `1e${at}`, room);
    if (beyond) svg.append(draw("line", { class: "grid", x1: L, x2: W - R, y1: up(1), y2: up(1) }), draw("text", { x: L - 6, y: up(1) + 4, "text-anchor": "end" }, "∞, NaN"));
    for (const { values, kind } of lines) {
      const x = (at) => across(values.length > 1 ? at / (values.length - 1) : 0.5);
      svg.append(draw("polyline", { class: kind, points: values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }));
      if (kind === "series") {
        const worst = values.reduce((best, value, at) => (value > values[best] ? at : best), 0);
        values.forEach((value, at) => {
          const finite = Number.isFinite(value);
          if (values.length > 64 && at !== worst && finite) return;
          const position = own.from + Math.round((at * own.points) / values.length);
          svg.append(draw("circle", { class: [at === worst ? "worst" : "dot", finite ? "" : "infinite"].join(" ").trim(), r: at === worst ? 4.5 : 2.5, cx: x(at), cy: y(value) },
            draw("title", {}, `position ${position}: ${finite ? show(value) : "infinite or NaN"}`)));
        });
      }
    }
    if (bound > 0 && Number.isFinite(bound)) svg.append(draw("line", { class: "limit", x1: L, x2: W - R, y1: y(bound), y2: y(bound) }));
    svg.append(draw("text", { x: L, y: H - 6 }, `position ${own.from}`), draw("text", { x: W - R, y: H - 6, "text-anchor": "end" }, String(own.from + own.points - 1)));
    const key = (kind, text) => make("span", {}, make("i", { class: kind }), text);
    return panel("Over positions", svg, make("p", { class: "names" }, key("series", VIEWS[own.view]), free ? key("other", "free run") : null,
      bound > 0 ? key("limit", "bound of the worst position") : null));
  };

  const histogram = (row) => {
    const cell = row.cells.find((one) => one.histogram);
    if (!cell) return null;
    const counts = cell.histogram;
    const total = counts.reduce((sum, count) => sum + count, 0);
    const most = data.honest.map((share) => num(share) * total);
    const high = Math.max(1, Math.ceil(Math.log10(Math.max(total, 1))));
    const y = (count) => (count > 0 ? up(Math.min(1, (Math.log10(count) + 0.3) / (high + 0.3))) : up(0)); // so that a single one is seen
    const beyond = counts.reduce((sum, count, at) => sum + (count && most[at] < 0.5 ? count : 0), 0);
    const svg = frame(`Histogram of ${total} differences over tau; ${beyond} lie where correct implementations have none`);
    for (let at = 0; at <= high; at += 1) svg.append(draw("line", { class: "grid", x1: L, x2: W - R, y1: y(10 ** at), y2: y(10 ** at) }),
      draw("text", { x: L - 6, y: y(10 ** at) + 4, "text-anchor": "end" }, at < 4 ? String(10 ** at) : `1e${at}`));
    const step = (W - L - R) / counts.length;
    counts.forEach((count, at) => {
      if (!count) return;
      const from = at ? show(data.edges[at - 1]) : "0";
      const to = at < data.edges.length ? show(data.edges[at]) : "∞";
      svg.append(draw("rect", { class: most[at] < 0.5 ? "column beyond" : "column", x: L + at * step + 1, width: step - 2, y: y(count), height: up(0) - y(count) },
        draw("title", {}, `${count} from ${from} to ${to} times tau${at ? "" : `, ${cell.zeros} of them exactly 0`}`)));
    });
    const envelope = most.flatMap((count, at) => [[L + at * step, y(count)], [L + (at + 1) * step, y(count)]]).filter(([, height]) => height < up(0));
    svg.append(draw("polyline", { class: "limit", points: envelope.map((point) => point.map((one) => one.toFixed(1)).join(",")).join(" ") }));
    for (let at = 0; at < data.edges.length; at += W < 400 ? 8 : 4) svg.append(draw("text", { x: L + (at + 1) * step, y: H - 6, "text-anchor": "middle" }, show(data.edges[at])));
    return panel(`Differences in units of τ (${VIEWS[cell.view]})`, svg, make("p", { class: "names" },
      make("span", {}, make("i", { class: "limit" }), "most that correct implementations have"),
      make("span", {}, beyond ? `${beyond.toLocaleString("en")} of ${total.toLocaleString("en")} are beyond` : `none of ${total.toLocaleString("en")} is beyond`)));
  };

  const predictions = (row) => {
    const cell = row.cells.find((one) => one.predictions);
    if (!cell) return null;
    const { kl, worst, differs, gap, shared } = cell.predictions;
    const values = unpack(kl);
    const named = differs.slice(0, 12).join(", ") + (differs.length > 12 ? ` and ${differs.length - 12} more` : "");
    const lines = [["worst KL, nats", show(worst)], ["positions with another likeliest token", differs.length ? named : "none"],
      ["greatest gap to the reference's best logit", show(gap)],
      ...Object.entries(shared).map(([k, share]) => [`least share of the ${k} likeliest`, `${(num(share) * 100).toFixed(0)} %`])];
    return panel(`What ${values.length} free-run predictions make of it`, table(["", ""], lines.map(([name, text]) =>
      make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, text)))));
  };

  const about = (list, row) => list.filter((one) => one.prompt === row.prompt && one.stage === row.stage && one.layer === row.layer);

  const bars = (lines) => {
    const sizes = lines.map(([, value]) => Math.abs(num(value))).filter(Number.isFinite);
    const most = Math.max(...sizes, 1e-300);
    return lines.map(([name, value, text]) => {
      const bar = make("span", { class: num(value) < 0 ? "bar against" : "bar" });
      bar.style.width = `${Math.max(1, (Math.min(Math.abs(num(value)), most) / most) * 120)}px`;
      return make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, text), make("td", { class: "left" }, bar));
    });
  };

  const votes = (row) => about(data.votes, row).map((vote) => panel("Who is wrong", make("p", { class: "lead" }, `${vote.culprit}: ${vote.because}`),
    table(["relative RMS of", "", ""], bars(vote.distances.map(([pair, distance]) => [pair, distance, show(distance)])))));
  const ladders = (row) => about(data.ladders, row).map((ladder) => panel(`Where the ${ladder.side}'s drift from float64 comes from`,
    table(["step", "share", ""], bars(ladder.rungs.map(([name, share, rms]) => [name, share, `${(num(share) * 100).toFixed(1)} % (${show(rms)})`])))));

  const STATES = { first: "the sides part here first", born: "born here", inherits: "inherited", equal: "every bit the same", within: "within its bound", missing: "not compared", "not judged": "not judged" };
  const detail = (row) => {
    const lead = [];
    const kind = row.cells.map((cell) => cell.kind).find(Boolean);
    if (kind) lead.push(`${kind[0]}: ${kind[1]}, which explains ${(num(kind[2]) * 100).toFixed(1)} % of the difference.`);
    const own = row.cells.find((cell) => cell.view !== "accumulated");
    const free = row.cells.find((cell) => cell.view === "accumulated");
    const unequal = (cell) => `${show(cell.numbers[DIFFERENT])} of ${show(cell.numbers[OF])} ids differ`;
    if (own && own.ids) lead.push(`By its own operation ${unequal(own)}; every one must agree.`);
    else if (row.isolated !== null) lead.push(`Its own operation is ${show(row.isolated)} off${row.bound === null ? "" : row.bound === 0 ? "; every bit must agree" : `; allowed is ${show(row.bound)}`}.`);
    // a ratio to nothing, or to what is no number, says nothing
    const gain = Number.isFinite(num(row.gain)) && row.gain !== null ? `, ${show(row.gain)} times that` : "";
    if (free && free.ids) lead.push(`After free runs ${unequal(free)}.`);
    else if (row.accumulated !== null) lead.push(`After free runs it is ${show(row.accumulated)} off${gain}.`);
    lead.push(...row.missing.map((reason) => `Not compared: ${reason}.`));
    const title = `${place(row)}${data.prompts.length > 1 ? `, prompt ${row.prompt}` : ""}`;
    $("detail").hidden = false;
    W = Math.min(520, Math.max(260, $("detail").clientWidth - 30));
    $("detail").replaceChildren(
      make("header", {}, make("h2", { id: "detail-title" }, title), make("span", { class: `state ${row.state}` }, STATES[row.state] || row.state)),
      make("p", { class: "lead" }, lead.join(" ")),
      row.cells.length ? fill(make("div", { class: "panels" }), {}, [profile(row), histogram(row), metrics(row), together(tests(row), predictions(row)), ...votes(row), ...ladders(row)]) : "");
  };

  const choose = (stage, layer) => {
    const row = rowOf(stage, layer);
    for (const button of buttons.values()) button.tabIndex = -1;
    buttons.get(`${stage}/${layer}`).tabIndex = 0;
    chosen = row;
    if (row) detail(row);
    paint();
  };

  // ---- start -------------------------------------------------------------------------------------------------------

  if (!data.rows.length) return; // nothing was compared; the card says why
  build();
  for (const one of MODES) {
    const button = make("button", { type: "button", role: "radio", "aria-checked": String(one === mode), title: one.says, tabindex: one === mode ? "0" : "-1" }, one.label);
    button.addEventListener("click", () => {
      mode = one;
      [...$("modes").children].forEach((other) => {
        other.setAttribute("aria-checked", String(other === button));
        other.tabIndex = other === button ? 0 : -1;
      });
      paint();
    });
    button.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      if (!step) return;
      event.preventDefault();
      const all = [...$("modes").children];
      const next = all[(all.indexOf(button) + step[0] + step[1] + all.length) % all.length];
      next.click();
      next.focus();
    });
    $("modes").append(button);
  }
  if (data.prompts.length > 1) {
    const select = $("prompts").querySelector("select");
    data.prompts.forEach((count, at) => select.append(make("option", { value: at }, `${at} (${count} tokens)`)));
    select.value = String(prompt);
    select.addEventListener("change", () => {
      prompt = Number(select.value);
      if (chosen) choose(chosen.stage, chosen.layer);
      else paint();
    });
    $("prompts").hidden = false;
  }
  const worst = data.rows.reduce((best, row) => ((num(row.excess) ?? -1) > (num(best.excess) ?? -1) ? row : best), data.rows[0]);
  const start = data.first ? { stage: data.first[1], layer: data.first[2] } : worst;
  if (!data.first) { prompt = worst.prompt; if (data.prompts.length > 1) $("prompts").querySelector("select").value = String(prompt); }
  $("map").hidden = false;
  choose(start.stage, start.layer);
})();
